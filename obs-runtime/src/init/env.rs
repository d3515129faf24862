//! What the environment says of an `Observability` itself (OpenTelemetry specification, "Environment Variable
//! Specification"). Variables of exporters are read in the folders of those.
//!
//! A value that cannot be used is noted and left out, as that specification asks: a typing error in a deployment
//! must not keep the program from starting. `Builder::strict` makes it an error.

use crate::Error;
use crate::callsite::Level;
use crate::percent;
use crate::scope::Resource;
use crate::semconv::attribute as key;
use crate::trace::Sampler;
use crate::trace::propagation::formats::Formats;
use crate::vars::Vars;

/// Whether everything is switched off.
pub(super) fn disabled(vars: &mut Vars<'_>) -> bool {
    vars.get("OTEL_SDK_DISABLED").unwrap_or(false)
}

/// What describes the program; the service's own variable stands after the list, over which it counts.
pub(super) fn resource(vars: &mut Vars<'_>) -> Resource {
    let list = vars.text("OTEL_RESOURCE_ATTRIBUTES");
    let list = list.and_then(|list| vars.ok_or_note(resource_attributes(&list)));
    let mut resource = list.unwrap_or_default();
    if let Some(name) = vars.text("OTEL_SERVICE_NAME") {
        resource.push((key::SERVICE_NAME.into(), name.into()));
    }
    resource
}

pub(super) fn sampler(vars: &mut Vars<'_>) -> Option<Sampler> {
    let name = vars.text("OTEL_TRACES_SAMPLER");
    let arg = vars.text("OTEL_TRACES_SAMPLER_ARG");
    match (name, arg) {
        (Some(name), arg) => sampler_of(&name, arg.as_deref(), vars),
        (None, Some(arg)) => {
            vars.note(format!(
                "OTEL_TRACES_SAMPLER_ARG={arg} does nothing without OTEL_TRACES_SAMPLER: set that to \
                 parentbased_traceidratio for a ratio"
            ));
            None
        }
        (None, None) => None,
    }
}

pub(super) fn level(vars: &mut Vars<'_>) -> Option<Level> {
    let name = vars.text("OBS_LEVEL")?;
    let mut levels = Level::ALL.iter().copied();
    let found = levels.find(|level| level.as_str().eq_ignore_ascii_case(&name));
    if found.is_none() {
        vars.note(format!(
            "OBS_LEVEL={name}: expected error, warn, info, debug or trace; info is used"
        ));
    }
    found
}

/// Whether instruments keep examples of values in sampled spans.
pub(super) fn exemplars(vars: &mut Vars<'_>) -> bool {
    match vars.text("OTEL_METRICS_EXEMPLAR_FILTER").as_deref() {
        None | Some("trace_based") => true,
        Some("always_off") => false,
        Some(filter) => {
            // obs has no examples outside of sampled spans: their ids would lead nowhere.
            vars.note(format!(
                "OTEL_METRICS_EXEMPLAR_FILTER={filter}: expected trace_based or always_off; values in sampled \
                 spans are kept as examples"
            ));
            true
        }
    }
}

pub(super) fn formats(vars: &mut Vars<'_>) -> Formats {
    let Some(list) = vars.text("OTEL_PROPAGATORS") else {
        return Formats::default();
    };
    let (formats, problem) = Formats::parse(&list);
    if let Some(problem) = problem {
        vars.note(problem);
    }
    formats
}

/// Says that files of configuration are not read.
pub(super) fn check_file(vars: &mut Vars<'_>) {
    if vars.text("OTEL_CONFIG_FILE").is_some() {
        let problem = "OTEL_CONFIG_FILE: configuration files are not read; the builder and the other variables are \
                       used";
        vars.note(problem.to_owned());
    }
}

/// Names and arguments: OpenTelemetry specification, "General SDK Configuration".
fn sampler_of(name: &str, arg: Option<&str>, vars: &mut Vars<'_>) -> Option<Sampler> {
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
                vars.note(format!(
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
            vars.note(format!(
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
fn resource_attributes(list: &str) -> Result<Resource, Error> {
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
            Ok((key.into(), value.into()))
        })
        .collect()
}

#[cfg(test)]
#[path = "env_tests.rs"]
mod tests;
