//! The `OTEL_*` variables of the OTLP exporter.

use std::ffi::OsString;

use crate::exporter::delta::Temporality;
use crate::exporter::otlp::config::{
    BatchLimits, Compression, GivenUrl, OtlpConfig, Protocol, Settings, Signal,
};
use crate::exporter::otlp::headers::{check_header, set_header};
use crate::exporter::otlp::tls::{GivenFile, TlsFiles};
use crate::percent;
use crate::vars::Vars;

/// The variables of one signal, or of all.
struct Names {
    endpoint: &'static str,
    insecure: &'static str,
    protocol: &'static str,
    headers: &'static str,
    timeout: &'static str,
    compression: &'static str,
    certificate: &'static str,
    client_certificate: &'static str,
    client_key: &'static str,
}

macro_rules! names {
    ($signal:literal) => {
        Names {
            endpoint: concat!("OTEL_EXPORTER_OTLP_", $signal, "ENDPOINT"),
            insecure: concat!("OTEL_EXPORTER_OTLP_", $signal, "INSECURE"),
            protocol: concat!("OTEL_EXPORTER_OTLP_", $signal, "PROTOCOL"),
            headers: concat!("OTEL_EXPORTER_OTLP_", $signal, "HEADERS"),
            timeout: concat!("OTEL_EXPORTER_OTLP_", $signal, "TIMEOUT"),
            compression: concat!("OTEL_EXPORTER_OTLP_", $signal, "COMPRESSION"),
            certificate: concat!("OTEL_EXPORTER_OTLP_", $signal, "CERTIFICATE"),
            client_certificate: concat!("OTEL_EXPORTER_OTLP_", $signal, "CLIENT_CERTIFICATE"),
            client_key: concat!("OTEL_EXPORTER_OTLP_", $signal, "CLIENT_KEY"),
        }
    };
}

const GENERAL: Names = names!("");
const TRACES: Names = names!("TRACES_");
const METRICS: Names = names!("METRICS_");
const LOGS: Names = names!("LOGS_");

impl OtlpConfig {
    /// Reads the process's environment; also returns a sentence for each value that is left out.
    pub(crate) fn from_env() -> (Self, Vec<String>) {
        Self::from_vars(&|name| std::env::var_os(name))
    }

    /// Reads variables through `var`.
    pub(super) fn from_vars(var: &dyn Fn(&str) -> Option<OsString>) -> (Self, Vec<String>) {
        let mut vars = Vars::new(var);
        let mut config = Self::default();
        config.general = read(&GENERAL, &mut vars);
        *config.signal_mut(Signal::Traces) = read(&TRACES, &mut vars);
        *config.signal_mut(Signal::Metrics) = read(&METRICS, &mut vars);
        *config.signal_mut(Signal::Logs) = read(&LOGS, &mut vars);
        for (name, signal, known, expected) in [
            (
                "OTEL_TRACES_EXPORTER",
                Signal::Traces,
                &["console"][..],
                "otlp, console or none",
            ),
            (
                "OTEL_METRICS_EXPORTER",
                Signal::Metrics,
                &["prometheus", "console"],
                "otlp, prometheus, console or none",
            ),
            (
                "OTEL_LOGS_EXPORTER",
                Signal::Logs,
                &["console"],
                "otlp, console or none",
            ),
        ] {
            if let Some(selected) = names_otlp(name, known, expected, &mut vars) {
                config.select(signal, selected);
            }
        }
        config.metric_interval = vars.milliseconds("OTEL_METRIC_EXPORT_INTERVAL");
        config.metric_timeout = vars.milliseconds("OTEL_METRIC_EXPORT_TIMEOUT");
        config.temporality = temporality(&mut vars);
        config.exponential_histograms = exponential(&mut vars);
        config.spans = BatchLimits {
            queue_items: whole_number("OTEL_BSP_MAX_QUEUE_SIZE", &mut vars),
            batch_items: whole_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", &mut vars),
            delay: vars.milliseconds("OTEL_BSP_SCHEDULE_DELAY"),
            export_timeout: vars.milliseconds("OTEL_BSP_EXPORT_TIMEOUT"),
        };
        config.logs = BatchLimits {
            queue_items: whole_number("OTEL_BLRP_MAX_QUEUE_SIZE", &mut vars),
            batch_items: whole_number("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", &mut vars),
            delay: vars.milliseconds("OTEL_BLRP_SCHEDULE_DELAY"),
            export_timeout: vars.milliseconds("OTEL_BLRP_EXPORT_TIMEOUT"),
        };
        (config, vars.problems)
    }
}

fn read(names: &Names, vars: &mut Vars<'_>) -> Settings {
    let mut file = |origin| vars.text(origin).map(|path| GivenFile { path, origin });
    let tls = TlsFiles {
        certificate: file(names.certificate),
        client_certificate: file(names.client_certificate),
        client_key: file(names.client_key),
    };
    Settings {
        endpoint: vars.text(names.endpoint).map(|url| GivenUrl {
            url,
            origin: names.endpoint,
        }),
        insecure: vars.boolean(names.insecure),
        protocol: vars.parsed(names.protocol, "http/protobuf or grpc", |text| match text {
            "http/protobuf" => Some(Protocol::HttpProtobuf),
            "grpc" => Some(Protocol::Grpc),
            _ => None,
        }),
        compression: vars.parsed(names.compression, "none or gzip", |text| match text {
            "none" => Some(Compression::None),
            "gzip" => Some(Compression::Gzip),
            _ => None,
        }),
        timeout: vars.milliseconds(names.timeout),
        headers: headers(names.headers, vars),
        tls,
    }
}

/// Values of this variable and the next ignore case (metrics exporter for OTLP, "Additional environment
/// variable configuration").
fn temporality(vars: &mut Vars<'_>) -> Option<Temporality> {
    vars.parsed(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "cumulative, delta or lowmemory",
        |text| match &*text.to_ascii_lowercase() {
            "cumulative" => Some(Temporality::Cumulative),
            "delta" => Some(Temporality::Delta),
            "lowmemory" => Some(Temporality::LowMemory),
            _ => None,
        },
    )
}

/// Whether histograms are exponential.
fn exponential(vars: &mut Vars<'_>) -> Option<bool> {
    vars.parsed(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "explicit_bucket_histogram or base2_exponential_bucket_histogram",
        |text| match &*text.to_ascii_lowercase() {
            "explicit_bucket_histogram" => Some(false),
            "base2_exponential_bucket_histogram" => Some(true),
            _ => None,
        },
    )
}

/// Whether a list of exporters names OTLP; `None` if it names nothing that is known. `known` is what other
/// parts of obs read.
fn names_otlp(name: &str, known: &[&str], expected: &str, vars: &mut Vars<'_>) -> Option<bool> {
    let list = vars.text(name)?;
    let mut otlp = None;
    for entry in list.split(',').map(str::trim).filter(|e| !e.is_empty()) {
        if entry == "otlp" {
            otlp = Some(true);
        } else if known.contains(&entry) || entry == "none" {
            otlp = otlp.or(Some(false));
        } else {
            vars.bad(name, entry, expected);
        }
    }
    otlp
}

fn whole_number<T: TryFrom<u64>>(name: &str, vars: &mut Vars<'_>) -> Option<T> {
    vars.parsed(name, "a whole number above 0, such as 512", |text| {
        let number: u64 = text.parse().ok().filter(|n| *n > 0)?;
        number.try_into().ok()
    })
}

/// `key1=value1,key2=value2` with percent-encoded values (specification, "Specifying headers
/// via environment variables"). Messages do not repeat the text, which holds secrets.
fn headers(name: &str, vars: &mut Vars<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let list = vars.text(name).unwrap_or_default();
    for (i, entry) in list.split(',').enumerate() {
        if entry.trim().is_empty() {
            continue;
        }
        match header(entry) {
            Ok((key, value)) => set_header(&mut headers, key, value),
            Err(what) => vars
                .problems
                .push(format!("{name}: entry {} {what}; it is left out", i + 1)),
        }
    }
    headers
}

fn header(entry: &str) -> Result<(String, String), &'static str> {
    const FORM: &str = "is not `name=value`: expected a list such as `api-key=abc,x-tenant=1`, values \
                        percent-encoded";
    let (key, value) = entry.split_once('=').ok_or(FORM)?;
    let value = percent::decode(value.trim()).ok_or(FORM)?;
    let header = (key.trim().to_owned(), value);
    if header.0.is_empty() {
        return Err(FORM);
    }
    match check_header(&header) {
        Ok(()) => Ok(header),
        Err(_) => Err(
            "cannot be a header: expected a name of letters, digits and `-` that the exporter does not set \
             itself, and a value of visible ASCII",
        ),
    }
}

#[cfg(test)]
#[path = "env_tests.rs"]
mod tests;
