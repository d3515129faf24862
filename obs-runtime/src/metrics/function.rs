//! The metrics of annotated functions, from the calls that the drain counted.
//!
//! Names and labels are those of autometrics, so that its alert rules and dashboards work.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::exemplar;
use super::snapshot::{
    Exemplar, HistogramPoint, Labels, MetricData, MetricFamily, Number, NumberPoint,
};
use crate::callsite::Callsite;
use crate::registry::{callsites, made_callsites};
use crate::semconv::{attribute, metric};
use crate::trace::calls::{CallCounts, Calls, Example};

/// Labels that the user's function gives its calls.
pub(super) type Given = &'static [(&'static str, &'static str)];

impl Example {
    fn exemplar(&self, value: f64) -> Option<Exemplar> {
        (self.span.trace_id.is_valid() && exemplar::is_enabled()).then_some(Exemplar {
            value,
            unix_nanos: self.span.end_unix_nanos,
            trace_id: self.span.trace_id,
            span_id: self.span.span_id,
        })
    }
}

impl CallCounts {
    /// Returns all functions of the program, also those that were not called, by name and module;
    /// with `from_zero` also the steps that it has made:
    /// callsites of one name (methods of several types) are one function here, and each set of
    /// labels is one of its own.
    pub(super) fn by_function(
        &self,
        from_zero: bool,
    ) -> BTreeMap<(&'static str, &'static str, Given), Calls> {
        let mut functions = BTreeMap::new();
        // A capture shows the steps that were called in it, whatever other tests have made.
        let made = from_zero.then(made_callsites).into_iter().flatten();
        let uncalled = callsites().chain(made).filter(|site| site.metrics());
        let uncalled = uncalled.map(Calls::new);
        for calls in self.functions.iter().flatten().cloned().chain(uncalled) {
            let site = calls.site;
            let key = (site.function(), site.module(), site.labels());
            functions
                .entry(key)
                .and_modify(|all: &mut Calls| all.merge(&calls))
                .or_insert(calls);
        }
        functions
    }

    /// Appends `function.calls` and `function.calls.duration`. A function that was never called
    /// has the series `result="ok"` with 0, and with `from_zero` every function has those of all
    /// results, so that rates and alerts know its first failure.
    pub(crate) fn collect(&self, from_zero: bool, out: &mut Vec<MetricFamily>) {
        let mut counts = Vec::new();
        let mut durations = Vec::new();
        let bounds: Arc<[f64]> = metric::FUNCTION_SECONDS.into();
        for calls in self.by_function(from_zero).into_values() {
            self.count(&calls, from_zero, &mut counts);
            let count = calls.buckets.iter().sum();
            let examples = calls.examples.iter();
            let examples = examples.filter_map(|e| e.exemplar(e.duration_nanos as f64 / 1e9));
            durations.push(HistogramPoint {
                labels: labels(calls.site, None),
                start_unix_nanos: self.start_unix_nanos(),
                bounds: Arc::clone(&bounds),
                counts: calls.buckets.to_vec(),
                count,
                sum: calls.sum_nanos as f64 / 1e9,
                min: (count > 0).then_some(calls.min_nanos as f64 / 1e9),
                max: (count > 0).then_some(calls.max_nanos as f64 / 1e9),
                exemplars: examples.collect(),
            });
        }
        if counts.is_empty() {
            return;
        }
        // By labels, whose first is the function. Without labels of the user's they are in order already.
        counts.sort_by(|a, b| a.labels.cmp(&b.labels));
        durations.sort_by(|a, b| a.labels.cmp(&b.labels));
        out.push(MetricFamily::new(
            &metric::FUNCTION_CALLS,
            MetricData::Counter(counts.into()),
        ));
        out.push(MetricFamily::new(
            &metric::FUNCTION_CALLS_DURATION,
            MetricData::Histogram(durations.into()),
        ));
    }

    fn count(&self, calls: &Calls, from_zero: bool, out: &mut Vec<NumberPoint>) {
        let site = calls.site;
        let [ok, error, panicked, cancelled] = calls.outcomes;
        let [mut failed, panic, cut] = calls.failed;
        failed.merge(&panic);
        // A panic is an error here, so that autometrics' rules see it. Calls that ended well have
        // their examples with the durations.
        let results = [
            ("cancelled", cancelled, cut.exemplar(1.0)),
            ("error", error + panicked, failed.exemplar(1.0)),
            ("ok", ok, None),
        ];
        for (result, calls, exemplar) in results {
            if calls > 0 || result == "ok" || from_zero {
                out.push(NumberPoint {
                    labels: labels(site, Some(result)),
                    start_unix_nanos: self.start_unix_nanos(),
                    value: Number::U64(calls),
                    exemplar: exemplar.map(Box::new),
                });
            }
        }
    }
}

fn labels(site: &'static Callsite, result: Option<&'static str>) -> Labels {
    let own = [
        (attribute::FUNCTION, site.function()),
        (attribute::MODULE, site.module()),
    ];
    let result = result.map(|result| (attribute::RESULT, result));
    let given = site.labels().iter().copied();
    let pairs = own.into_iter().chain(result).chain(given);
    pairs.collect()
}

#[cfg(test)]
#[path = "function_tests.rs"]
mod tests;
