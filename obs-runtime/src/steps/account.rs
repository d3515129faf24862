//! What steps count beside their calls.

use crate::scope::{self, known};
use crate::semconv::{MetricDef, attribute, metric};

fn count(def: &MetricDef, labels: &[(&str, &str)]) {
    scope::current().metrics.count(def, labels, 1);
}

pub(super) fn timeout(step: &str, outcome: &str) {
    let labels = [(attribute::STEP, step), (attribute::OUTCOME, outcome)];
    count(&metric::OBS_STEP_TIMEOUTS, &labels);
}

pub(super) fn retry(step: &str) {
    count(&metric::OBS_STEP_RETRIES, &[(attribute::STEP, step)]);
}

pub(super) fn fallback(step: &str) {
    count(&metric::OBS_STEP_FALLBACKS, &[(attribute::STEP, step)]);
}

pub(super) fn decision(router: &str, route: &str, reason: &str) {
    let labels = [
        (attribute::ROUTER, router),
        (attribute::ROUTE, route),
        (attribute::REASON, reason),
    ];
    count(&metric::OBS_ROUTER_DECISIONS, &labels);
}

/// A step may be ended like this: its counter is there with 0.
pub(super) fn may_time_out(step: &str, outcome: &str) {
    let labels = [(attribute::STEP, step), (attribute::OUTCOME, outcome)];
    known::tell(&metric::OBS_STEP_TIMEOUTS, &labels);
}

/// A step may be repeated.
pub(super) fn may_retry(step: &str) {
    known::tell(&metric::OBS_STEP_RETRIES, &[(attribute::STEP, step)]);
}

/// Another step may stand in for this one.
pub(super) fn may_fall_back(step: &str) {
    known::tell(&metric::OBS_STEP_FALLBACKS, &[(attribute::STEP, step)]);
}

/// A router may decide so.
pub(super) fn may_decide(router: &str, route: &str, reason: &str) {
    let labels = [
        (attribute::ROUTER, router),
        (attribute::ROUTE, route),
        (attribute::REASON, reason),
    ];
    known::tell(&metric::OBS_ROUTER_DECISIONS, &labels);
}
