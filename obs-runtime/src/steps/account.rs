//! What steps count beside their calls.

use crate::scope;
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
