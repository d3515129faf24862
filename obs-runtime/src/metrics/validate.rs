//! The rules for names, units, labels, buckets and quantiles.

use std::borrow::Cow;

use super::instrument::Kind;
use crate::Error;
use crate::error::ErrorKind;
use crate::semconv::attribute::OTEL_METRIC_OVERFLOW;

/// Most characters of a name (OpenTelemetry metrics API, "Instrument name syntax").
const MAX_NAME: usize = 255;
/// Most buckets of a histogram; each costs a cell per thread and a line per scrape.
const MAX_BUCKETS: usize = 500;

pub(crate) fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Metric, message)
}

/// Checks a metric's name (OpenTelemetry metrics API, "Instrument name syntax").
pub(crate) fn name(name: &str) -> Result<(), Error> {
    let rule = "a metric name starts with a letter, goes on with letters, digits, `_`, `.`, `-` \
                and `/`, and has at most 255 characters";
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(error(format!("metric name {name:?} is not valid: {rule}")));
    }
    let bad = name
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/')));
    if let Some(bad) = bad {
        return Err(error(format!(
            "metric name {name:?} is not valid because of {bad:?}: {rule}"
        )));
    }
    if name.len() > MAX_NAME {
        let start = &name[..40];
        let len = name.len();
        return Err(error(format!(
            "metric name \"{start}…\" has {len} characters: {rule}"
        )));
    }
    Ok(())
}

/// Returns whether [`name`] takes it.
pub(crate) const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_NAME || !bytes[0].is_ascii_alphabetic() {
        return false;
    }
    let mut i = 1;
    while i < bytes.len() {
        if !(bytes[i].is_ascii_alphanumeric() || matches!(bytes[i], b'_' | b'.' | b'-' | b'/')) {
            return false;
        }
        i += 1;
    }
    true
}

/// Checks a unit, which has at most 63 ASCII characters (OpenTelemetry metrics API, "Instrument
/// unit").
pub(crate) fn unit(metric: &str, unit: &str) -> Result<(), Error> {
    if unit.len() > 63 || !unit.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(error(format!(
            "unit {unit:?} of metric `{metric}` is not valid: write a UCUM unit of at most 63 \
             ASCII characters without spaces, such as `s`, `By` or `{{call}}`"
        )));
    }
    Ok(())
}

pub(super) fn labels(metric: &str, labels: &[Cow<'static, str>], kind: Kind) -> Result<(), Error> {
    for (i, label) in labels.iter().enumerate() {
        let label = &**label;
        let valid = label.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'))
            && label.len() <= MAX_NAME;
        if !valid {
            return Err(error(format!(
                "label {label:?} of metric `{metric}` is not valid: a label starts with a letter \
                 or `_` and goes on with letters, digits, `_`, `.`, `-` and `/`"
            )));
        }
        let reserved = match kind {
            Kind::Histogram => "le",
            Kind::Summary => "quantile",
            _ => "",
        };
        if label.starts_with("__") || label == OTEL_METRIC_OVERFLOW || label == reserved {
            return Err(error(format!(
                "label `{label}` of metric `{metric}` is reserved: choose another name"
            )));
        }
        let same = |other: &&Cow<'static, str>| prometheus_label(other) == prometheus_label(label);
        if let Some(other) = labels[..i].iter().find(same) {
            let metric = format!("metric `{metric}`");
            return Err(error(if *other == label {
                format!("label `{label}` of {metric} is listed twice: list it once")
            } else {
                format!(
                    "labels `{other}` and `{label}` of {metric} are the same in Prometheus: rename one"
                )
            }));
        }
    }
    Ok(())
}

/// Returns the label as Prometheus sees it, for the comparison of two.
fn prometheus_label(label: &str) -> String {
    label.replace(['.', '-', '/'], "_")
}

/// Checks that upper bounds are finite and ascend; a last infinite one is left out, since every
/// histogram has it.
pub(super) fn buckets<'a>(metric: &str, bounds: &'a [f64]) -> Result<&'a [f64], Error> {
    let bounds = bounds.strip_suffix(&[f64::INFINITY]).unwrap_or(bounds);
    if let Some(bad) = bounds.iter().find(|b| !b.is_finite()) {
        return Err(error(format!(
            "bucket bound {bad} of histogram `{metric}` is not valid: bounds are finite numbers \
             (the bucket up to +Inf is always there)"
        )));
    }
    if let Some(pair) = bounds.windows(2).find(|w| w[0] >= w[1]) {
        let [a, b] = [pair[0], pair[1]];
        return Err(error(format!(
            "bucket bounds {a}, {b} of histogram `{metric}` are not ascending: list each bound \
             once, the smallest first"
        )));
    }
    if bounds.len() > MAX_BUCKETS {
        let len = bounds.len();
        return Err(error(format!(
            "histogram `{metric}` has {len} buckets: at most {MAX_BUCKETS} are possible"
        )));
    }
    Ok(bounds)
}

/// Checks that quantiles are parts of 1 and ascend.
pub(super) fn quantiles(metric: &str, quantiles: &[f64]) -> Result<(), Error> {
    let bad = quantiles.iter().find(|q| !(0.0..=1.0).contains(*q));
    if let Some(bad) = bad {
        return Err(error(format!(
            "quantile {bad} of summary `{metric}` is not valid: quantiles are from 0 to 1, such as 0.99"
        )));
    }
    if let Some(pair) = quantiles.windows(2).find(|w| w[0] >= w[1]) {
        let [a, b] = [pair[0], pair[1]];
        return Err(error(format!(
            "quantiles {a}, {b} of summary `{metric}` are not ascending: list each once, the smallest first"
        )));
    }
    Ok(())
}
