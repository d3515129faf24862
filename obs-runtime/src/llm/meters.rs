//! The metrics of model calls and vector operations.
//!
//! Labels of these are not all present on every point (`error.type` only on failures), sums of money must not
//! drift, and a call takes milliseconds: one lock around plain maps serves better than per-thread cells.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::SpanContext;
use crate::clock::unix_nanos;
use crate::llm::price::Usd;
use crate::metrics::snapshot::{
    Exemplar, HistogramPoint, Labels, MetricData, MetricFamily, Number, NumberPoint,
};
use crate::semconv::MetricDef;

/// Series that a metric may have (OpenTelemetry metrics SDK, "Cardinality limits").
const MAX_SERIES: usize = 2_000;

#[derive(Debug)]
enum Series {
    Count(u64),
    Money(Usd),
    Level(i64),
    Distribution(Distribution),
}

#[derive(Debug)]
struct Distribution {
    counts: Vec<u64>,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    /// The latest example of each bucket.
    exemplars: Vec<Option<Exemplar>>,
}

#[derive(Debug)]
struct Family {
    def: &'static MetricDef,
    bounds: Arc<[f64]>,
    series: HashMap<Labels, (u64, Series)>,
}

/// The metrics of one `Observability`.
#[derive(Debug, Default)]
pub(crate) struct Meters(Mutex<BTreeMap<&'static str, Family>>);

/// Labels in the order of their keys; those without a value are left out.
pub(crate) fn labels(pairs: &[(&'static str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

impl Meters {
    pub(crate) fn count(&self, def: &'static MetricDef, labels: Labels, amount: u64) {
        self.update(def, labels, |series, _| {
            if let Series::Count(sum) = series.get_or_insert(Series::Count(0)) {
                *sum = sum.saturating_add(amount);
            }
        });
    }

    pub(crate) fn shift(&self, def: &'static MetricDef, labels: Labels, by: i64) {
        self.update(def, labels, |series, _| {
            if let Series::Level(level) = series.get_or_insert(Series::Level(0)) {
                *level += by;
            }
        });
    }

    pub(crate) fn money(&self, def: &'static MetricDef, labels: Labels, amount: Usd) {
        self.update(def, labels, |series, _| {
            if let Series::Money(sum) = series.get_or_insert(Series::Money(Usd::ZERO)) {
                *sum += amount;
            }
        });
    }

    pub(crate) fn observe(
        &self,
        def: &'static MetricDef,
        labels: Labels,
        value: f64,
        context: Option<SpanContext>,
    ) {
        let now = unix_nanos();
        let exemplar = context
            .filter(SpanContext::is_sampled)
            .map(|context| Exemplar {
                value,
                unix_nanos: now,
                trace_id: context.trace_id(),
                span_id: context.span_id,
            });
        self.update(def, labels, |series, bounds| {
            let fresh = || {
                Series::Distribution(Distribution {
                    counts: vec![0; bounds.len() + 1],
                    count: 0,
                    sum: 0.0,
                    min: f64::INFINITY,
                    max: f64::NEG_INFINITY,
                    exemplars: vec![None; bounds.len() + 1],
                })
            };
            if let Series::Distribution(d) = series.get_or_insert_with(fresh) {
                let bucket = bounds.partition_point(|bound| *bound < value);
                d.counts[bucket] += 1;
                d.count += 1;
                d.sum += value;
                d.min = d.min.min(value);
                d.max = d.max.max(value);
                if exemplar.is_some() {
                    d.exemplars[bucket] = exemplar;
                }
            }
        });
    }

    fn update(
        &self,
        def: &'static MetricDef,
        labels: Labels,
        change: impl FnOnce(&mut Option<Series>, &[f64]),
    ) {
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(def.name).or_insert_with(|| Family {
            def,
            bounds: def.bounds.into(),
            series: HashMap::new(),
        });
        let full = family.series.len() >= MAX_SERIES && !family.series.contains_key(&labels);
        let labels = if full {
            self::labels(&[("otel.metric.overflow", "true")])
        } else {
            labels
        };
        let (start, series) = match family.series.remove(&labels) {
            Some((start, series)) => (start, Some(series)),
            None => (unix_nanos(), None),
        };
        let mut series = series;
        change(&mut series, &family.bounds);
        if let Some(series) = series {
            family.series.insert(labels, (start, series));
        }
    }

    /// Appends every metric that has a series.
    pub(crate) fn collect(&self, out: &mut Vec<MetricFamily>) {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.extend(families.values().map(Family::snapshot));
    }
}

impl Family {
    fn snapshot(&self) -> MetricFamily {
        let mut series: Vec<_> = self.series.iter().collect();
        series.sort_unstable_by_key(|(labels, _)| *labels);
        let mut numbers = Vec::new();
        let mut distributions = Vec::new();
        for (labels, (start, series)) in series {
            let mut number = |value| {
                numbers.push(NumberPoint {
                    labels: labels.clone(),
                    start_unix_nanos: *start,
                    value,
                    exemplar: None,
                });
            };
            match series {
                Series::Count(sum) => number(Number::U64(*sum)),
                Series::Level(level) => number(Number::I64(*level)),
                Series::Money(sum) => number(Number::F64(sum.as_f64())),
                Series::Distribution(d) => distributions.push(HistogramPoint {
                    labels: labels.clone(),
                    start_unix_nanos: *start,
                    bounds: Arc::clone(&self.bounds),
                    counts: d.counts.clone(),
                    count: d.count,
                    sum: d.sum,
                    min: (d.count > 0).then_some(d.min),
                    max: (d.count > 0).then_some(d.max),
                    exemplars: d.exemplars.iter().flatten().cloned().collect(),
                }),
            }
        }
        let data = match (numbers.first(), self.def.bounds) {
            (
                Some(NumberPoint {
                    value: Number::I64(_),
                    ..
                }),
                _,
            ) => MetricData::UpDownCounter(numbers.into()),
            (_, []) => MetricData::Counter(numbers.into()),
            _ => MetricData::Histogram(distributions.into()),
        };
        MetricFamily {
            name: self.def.name.into(),
            description: self.def.description.into(),
            unit: self.def.unit.into(),
            data,
        }
    }
}

#[cfg(test)]
#[path = "meters_tests.rs"]
mod tests;
