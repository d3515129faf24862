//! The lines on standard error that report once what a metric loses, because counting cannot fail.

use super::instrument::{Core, Kind};
use super::limits::Limits;
use crate::self_log;

/// Says what is new, on standard error.
pub(super) fn say(core: &Core) {
    for warning in [overflow(core), refusal(core)].into_iter().flatten() {
        // Each metric has its own line: one that follows soon is not the same.
        self_log::once(format!("metrics: {warning}"));
    }
}

fn overflow(core: &Core) -> Option<String> {
    core.series.take_unreported_overflow().then(|| {
        let (name, limits) = (core.name(), core.series.limits());
        let values = core.series.label_values();
        let full = values.iter().zip(core.series.names().listed());
        let full = full.filter(|(values, _)| **values >= limits.label_values);
        let full: Vec<&str> = full.map(|(_, name)| &**name).collect();
        let (cause, remedy) = overflow_of(limits, core.series.len(), &full);
        format!(
            "metric `{name}` {cause}; further label values share the series otel.metric.overflow: \
             use labels with fewer values, or {remedy}"
        )
    })
}

/// Returns why there are no further series, and what helps; `full` are the labels that have all
/// their values.
fn overflow_of(limits: Limits, series: usize, full: &[&str]) -> (String, &'static str) {
    if !full.is_empty() {
        let (most, full) = (limits.label_values, full.join(", "));
        let cause = format!("has reached its {most} values of {full}");
        return (cause, "raise `max_label_values`");
    }
    if series < limits.series {
        let cause = format!("has room for no more than {series} series: all cells are in use");
        return (
            cause,
            "drop collectors and handles that are no longer needed",
        );
    }
    let cause = format!("has reached its {} series", limits.series);
    (cause, "raise `max_series`")
}

fn refusal(core: &Core) -> Option<String> {
    core.take_unreported_refusal().then(|| {
        let name = core.name();
        let amounts = match core.kind {
            Kind::Counter => "a counter takes no negative amounts, infinity or NaN".to_owned(),
            kind => format!("a {} takes no infinity or NaN", kind.as_str()),
        };
        let remedy = match core.series.names().listed() {
            [] => String::new(),
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
