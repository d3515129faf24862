//! What the environment says (OpenTelemetry specification, "Environment Variable Specification").
//!
//! A value that cannot be used is reported and left out, as that specification asks: a typing error in a
//! deployment must not keep the program from starting. `Builder::strict` makes it an error.

use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Duration;

use crate::Error;
use crate::callsite::Level;
use crate::init::limits;
use crate::logs::LogLimits;
use crate::percent;
use crate::propagation::formats::Formats;
use crate::trace::Sampler;
use crate::trace::attribute::AttributeValue;
use crate::vars::Vars;

/// Variables that this module reads; OTLP's own are read beside its exporter.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) disabled: bool,
    pub(crate) service_name: Option<String>,
    pub(crate) resource: Vec<(Cow<'static, str>, AttributeValue)>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) level: Option<Level>,
    #[cfg_attr(not(feature = "console"), allow(dead_code))]
    pub(crate) printed: Printed,
    pub(crate) formats: Formats,
    /// Whether instruments keep examples of values in sampled spans.
    pub(crate) exemplars: bool,
    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    pub(crate) prometheus: Option<(String, u16)>,
    #[cfg_attr(not(feature = "otlp"), allow(dead_code))]
    pub(crate) spool: Option<String>,
    #[cfg_attr(not(feature = "otlp"), allow(dead_code))]
    pub(crate) spool_max_bytes: Option<u64>,
    pub(crate) span_limits: crate::trace::SpanLimits,
    #[cfg_attr(not(feature = "otlp"), allow(dead_code))]
    pub(crate) log_limits: LogLimits,
    /// One sentence for each value that could not be used.
    pub(crate) problems: Vec<String>,
}

/// What goes to standard error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Printed {
    pub(crate) traces: bool,
    pub(crate) logs: bool,
    /// How often, if they are.
    pub(crate) metrics: Option<Duration>,
}

impl Environment {
    pub(crate) fn read() -> Self {
        Self::from(|name| std::env::var_os(name))
    }

    fn from(var: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut this = Self {
            exemplars: true,
            ..Self::default()
        };
        let mut vars = Vars::new(&var);
        this.disabled = vars.boolean("OTEL_SDK_DISABLED").unwrap_or(false);
        let mut text = |name: &str| vars.text(name);
        this.service_name = text("OTEL_SERVICE_NAME");
        let resource = text("OTEL_RESOURCE_ATTRIBUTES");
        let sampler = (text("OTEL_TRACES_SAMPLER"), text("OTEL_TRACES_SAMPLER_ARG"));
        let level = text("OBS_LEVEL");
        let exemplars = text("OTEL_METRICS_EXEMPLAR_FILTER");
        let propagators = text("OTEL_PROPAGATORS");
        let traces = text("OTEL_TRACES_EXPORTER").unwrap_or_default();
        let metrics = text("OTEL_METRICS_EXPORTER").unwrap_or_default();
        let logs = text("OTEL_LOGS_EXPORTER").unwrap_or_default();
        let host = text("OTEL_EXPORTER_PROMETHEUS_HOST").unwrap_or_else(|| "localhost".into());
        let port = text("OTEL_EXPORTER_PROMETHEUS_PORT");
        this.spool = text("OBS_SPOOL");
        let spool_max_bytes = text("OBS_SPOOL_MAX_BYTES");
        let limits = limits::VARIABLES.map(&mut text);
        let names = |list: &str, name: &str| list.split(',').any(|n| n.trim() == name);
        let otlp = text("OTEL_EXPORTER_OTLP_ENDPOINT").is_some();
        let file = text("OTEL_CONFIG_FILE").is_some();
        this.printed.traces = names(&traces, "console");
        this.printed.logs = names(&logs, "console");
        if names(&metrics, "console") {
            let interval = vars.milliseconds("OTEL_METRIC_EXPORT_INTERVAL");
            this.printed.metrics = Some(interval.unwrap_or(Duration::from_secs(60)));
        }

        this.problems = vars.problems;
        (this.span_limits, this.log_limits) = limits::read(&limits, &mut this.problems);
        if file {
            let problem = "OTEL_CONFIG_FILE: configuration files are not read; the builder and the other variables \
                           are used";
            this.problems.push(problem.to_owned());
        }
        this.check_feature("OTEL_EXPORTER_OTLP_ENDPOINT", otlp, "otlp");
        for (variable, list) in [
            ("OTEL_TRACES_EXPORTER", &traces),
            ("OTEL_METRICS_EXPORTER", &metrics),
            ("OTEL_LOGS_EXPORTER", &logs),
        ] {
            for exporter in ["otlp", "console"] {
                this.check_feature(variable, names(list, exporter), exporter);
            }
        }
        let scraped = names(&metrics, "prometheus");
        this.check_feature("OTEL_METRICS_EXPORTER", scraped, "http");
        if let Some(list) = resource {
            let read = this.note(resource_attributes(&list));
            this.resource = read.unwrap_or_default();
        }
        match sampler {
            (Some(name), arg) => {
                this.sampler = sampler_of(&name, arg.as_deref(), &mut this.problems);
            }
            (None, Some(arg)) => this.problems.push(format!(
                "OTEL_TRACES_SAMPLER_ARG={arg} does nothing without OTEL_TRACES_SAMPLER: set that to \
                 parentbased_traceidratio for a ratio"
            )),
            (None, None) => {}
        }
        this.propagate(propagators.as_deref());
        if let Some(name) = level {
            this.level = this.note(level_of(&name));
        }
        if let Some(bytes) = spool_max_bytes {
            this.spool_max_bytes = this.note(number_of("OBS_SPOOL_MAX_BYTES", &bytes, "bytes"));
        }
        if let Some(filter) = exemplars {
            this.exemplars = this.note(exemplars_of(&filter)).unwrap_or(true);
        }
        if scraped {
            let port = port.map_or(Some(9464), |port| this.note(port_of(&port)));
            this.prometheus = port.map(|port| (host, port));
        }
        this
    }

    /// A variable that asks for what is not built in says so.
    fn check_feature(&mut self, variable: &str, is_asked: bool, feature: &str) {
        let is_built_in = (feature == "otlp" && cfg!(feature = "otlp"))
            || (feature == "console" && cfg!(feature = "console"))
            || (feature == "http" && cfg!(feature = "http"));
        if is_asked && !is_built_in {
            self.problems.push(format!(
                "{variable} does nothing: enable feature `{feature}` of obs-runtime"
            ));
        }
    }

    fn propagate(&mut self, list: Option<&str>) {
        if let Some(list) = list {
            let (formats, problem) = Formats::parse(list);
            self.formats = formats;
            self.problems.extend(problem);
        }
    }

    fn note<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|e| self.problems.push(e.to_string())).ok()
    }
}

fn number_of(name: &str, text: &str, of: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| {
        Error::config(format!(
            "{name}={text}: expected a whole number of {of}; the default is used"
        ))
    })
}

/// Whether there are exemplars. obs has none outside of sampled spans, whose ids would lead nowhere.
fn exemplars_of(filter: &str) -> Result<bool, Error> {
    match filter {
        "trace_based" => Ok(true),
        "always_off" => Ok(false),
        _ => Err(Error::config(format!(
            "OTEL_METRICS_EXEMPLAR_FILTER={filter}: expected trace_based or always_off; values in sampled \
             spans are kept as examples"
        ))),
    }
}

fn port_of(text: &str) -> Result<u16, Error> {
    text.parse().map_err(|_| {
        Error::config(format!(
            "OTEL_EXPORTER_PROMETHEUS_PORT={text}: expected a port from 0 (any free one) to 65535"
        ))
    })
}

/// The port of the Prometheus endpoint as `OTEL_EXPORTER_PROMETHEUS_PORT` says it, 9464 without.
///
/// ```
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let port = obs_runtime::prometheus_port_from_env()?;
/// # assert_eq!(port, 9464);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the variable is no port.
pub fn prometheus_port_from_env() -> Result<u16, Error> {
    match std::env::var("OTEL_EXPORTER_PROMETHEUS_PORT") {
        Ok(text) if !text.trim().is_empty() => port_of(text.trim()),
        _ => Ok(9464),
    }
}

fn level_of(name: &str) -> Result<Level, Error> {
    let levels = [
        Level::Error,
        Level::Warn,
        Level::Info,
        Level::Debug,
        Level::Trace,
    ];
    let found = levels
        .into_iter()
        .find(|l| l.as_str().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        Error::config(format!(
            "OBS_LEVEL={name}: expected error, warn, info, debug or trace; info is used"
        ))
    })
}

/// Names and arguments: OpenTelemetry specification, "General SDK Configuration".
fn sampler_of(name: &str, arg: Option<&str>, problems: &mut Vec<String>) -> Option<Sampler> {
    let lower = name.to_ascii_lowercase();
    let (root, parent_based) = match lower.strip_prefix("parentbased_") {
        Some(root) => (root, true),
        None => (&*lower, false),
    };
    let sampler = match root {
        "always_on" => Sampler::always_on(),
        "always_off" => Sampler::always_off(),
        "traceidratio" => Sampler::ratio(arg.map_or(1.0, |arg| {
            let ratio = arg.parse().ok().filter(|r| (0.0..=1.0).contains(r));
            ratio.unwrap_or_else(|| {
                problems.push(format!(
                    "OTEL_TRACES_SAMPLER_ARG={arg}: expected a ratio from 0 to 1; 1 is used"
                ));
                1.0
            })
        })),
        _ => {
            let elsewhere = match root {
                "jaeger_remote" | "xray" => " (a sampler that asks a server is not among them)",
                _ => "",
            };
            problems.push(format!(
                "OTEL_TRACES_SAMPLER={name}: expected always_on, always_off, traceidratio or one of them \
                 after `parentbased_`{elsewhere}; parentbased_always_on is used"
            ));
            return None;
        }
    };
    Some(if parent_based {
        Sampler::parent_based(sampler)
    } else {
        sampler
    })
}

/// `key=value,key=value`, values percent-encoded (resource SDK specification, "Specifying resource
/// information via an environment variable": an error discards the whole variable).
fn resource_attributes(list: &str) -> Result<Vec<(Cow<'static, str>, AttributeValue)>, Error> {
    let bad = |what: &str| {
        Error::config(format!(
            "OTEL_RESOURCE_ATTRIBUTES: {what}; expected key=value pairs between commas, values \
             percent-encoded; none is used"
        ))
    };
    list.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| bad(&format!("`{}` has no `=`", pair.trim())))?;
            let key = percent::decode(key.trim()).unwrap_or_else(|| key.trim().to_owned());
            if key.is_empty() {
                return Err(bad(&format!("`{}` has no key", pair.trim())));
            }
            let value = percent::decode(value.trim()).ok_or_else(|| {
                bad(&format!(
                    "the value of `{key}` is not percent-encoded UTF-8"
                ))
            })?;
            Ok((Cow::Owned(key), value.into()))
        })
        .collect()
}

#[cfg(test)]
#[path = "env_tests.rs"]
mod tests;
