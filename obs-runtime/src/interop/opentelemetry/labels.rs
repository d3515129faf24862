//! Attributes of measurements as labels.

use ::opentelemetry::{KeyValue, Value};

/// Hands over the attributes as labels in the order of their names. The last value of a name wins,
/// as in spans; what has no name is left out.
pub(super) fn with_labels<R>(
    attributes: &[KeyValue],
    then: impl FnOnce(&[(&str, &str)]) -> R,
) -> R {
    let named = attributes.iter().filter(|a| !a.key.as_str().is_empty());
    let texts: Vec<_> = named.clone().filter_map(made).collect();
    let mut texts = texts.iter();
    let mut labels: Vec<_> = named
        .map(|attribute| {
            let value = match &attribute.value {
                Value::String(value) => value.as_str(),
                Value::Bool(true) => "true",
                Value::Bool(false) => "false",
                _ => texts.next().map_or("", String::as_str),
            };
            (attribute.key.as_str(), value)
        })
        .collect();
    if !labels.is_sorted_by(|(a, _), (b, _)| a < b) {
        labels.reverse();
        // Stable: of equal names the last one given is the first now.
        labels.sort_by_key(|(name, _)| *name);
        labels.dedup_by(|(later, _), (kept, _)| later == kept);
    }
    then(&labels)
}

/// Returns the text of a value that is none yet.
fn made(attribute: &KeyValue) -> Option<String> {
    match &attribute.value {
        Value::String(_) | Value::Bool(_) => None,
        other => Some(other.as_str().into_owned()),
    }
}
