//! How long exchanges take, by labels that not all of them have.

use std::borrow::Cow;

use crate::metrics::any_labels::END;
use crate::scope;
use crate::self_log;
use crate::semconv::MetricDef;

/// Takes a duration; the labels are in the order of their keys.
pub(super) fn observe(
    scope: u16,
    def: &'static MetricDef,
    seconds: f64,
    labels: &[(&'static str, Cow<'static, str>)],
) {
    // Where nobody collects, nothing is counted.
    let Some(scope) = scope::by_id(scope) else {
        return;
    };
    let mut text = String::with_capacity(192);
    for (key, value) in labels {
        text.push_str(key);
        text.push(END);
        // The end of a text inside of a text would be another label.
        text.extend(value.chars().filter(|c| *c != END));
        text.push(END);
    }
    let histogram = scope
        .metrics
        .histogram(def.name)
        .description(def.description)
        .unit(def.unit)
        .any_labels()
        .build();
    match histogram.and_then(|histogram| histogram.with([text.as_str()])) {
        Ok(bound) => bound.observe(seconds),
        // The program has a metric of this name that is something else.
        Err(error) => self_log::once(error.to_string()),
    }
}
