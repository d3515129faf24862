//! What is said once of a metric that loses something: counting itself cannot fail.

use super::any_labels;
use super::instrument::{Core, Kind};
use crate::self_log;

/// Says what is new, on standard error.
pub(super) fn say(core: &Core) {
    for warning in [overflow(core), refusal(core)].into_iter().flatten() {
        // Each metric has its own line: one that follows soon is not the same.
        self_log::once(format!("metrics: {warning}"));
    }
}

fn overflow(core: &Core) -> Option<String> {
    core.series.overflow_is_news().then(|| {
        let (name, limits) = (core.name(), core.series.limits());
        let values = core.series.label_values();
        let full = values.iter().zip(core.series.names());
        let full = full
            .filter(|(values, name)| **values >= limits.label_values && *name != any_labels::ANY);
        let full: Vec<&str> = full.map(|(_, name)| &**name).collect();
        let reached = if full.is_empty() {
            format!("{} series", limits.series)
        } else {
            format!("{} values of {}", limits.label_values, full.join(", "))
        };
        format!(
            "metric `{name}` has reached its {reached}; further label values share the series \
             otel.metric.overflow: use labels with fewer values, or raise `max_label_values` or \
             `max_series`"
        )
    })
}

fn refusal(core: &Core) -> Option<String> {
    core.refusal_is_news().then(|| {
        let name = core.name();
        let amounts = match core.kind {
            Kind::Counter => "a counter takes no negative amounts, infinity or NaN".to_owned(),
            kind => format!("a {} takes no infinity or NaN", kind.as_str()),
        };
        let remedy = match core.series.names() {
            [] => String::new(),
            [name] if name == any_labels::ANY => String::new(),
            names => format!(
                "it has labels ({}), so count through `with([…])`; ",
                names.join(", ")
            ),
        };
        format!(
            "metric `{name}` has refused a value: {remedy}{amounts}; the metric obs.metrics.refused says \
             how many there are"
        )
    })
}

#[cfg(test)]
#[path = "warning_tests.rs"]
mod tests;
