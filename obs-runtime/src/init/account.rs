//! obs' account of itself as metrics.

use std::collections::BTreeMap;

use crate::init::stats::Stats;
use crate::metrics::snapshot::{Labels, NumberPoint, Points};
use crate::metrics::{MetricData, MetricFamily, Number};
use crate::self_obs::DropReason;
use crate::semconv::{MetricDef, attribute, metric};

const TRACES: &str = "traces";
const METRICS: &str = "metrics";
const LOGS: &str = "logs";

type Kind = fn(Points<NumberPoint>) -> MetricData;

/// Appends `obs.spans.recorded`, `obs.dropped`, `obs.exporter.items` and `obs.exporter.in_flight`; where logs are
/// exported also `obs.logs.recorded`, with a spool `obs.exporter.spooled`, with tail sampling
/// `obs.tail_sampling.waiting`.
///
/// The outcomes of an exporter are there from the start, with 0, so that a rate of losses knows the
/// first one. So are losses by reason with `from_zero`, else only that of full buffers.
pub(super) fn collect(
    stats: &Stats,
    start_unix_nanos: u64,
    from_zero: bool,
    out: &mut Vec<MetricFamily>,
) {
    let mut push = |def: &MetricDef, kind: Kind, series: BTreeMap<Labels, u64>| {
        let points = series.into_iter().map(|(labels, value)| NumberPoint {
            labels,
            start_unix_nanos,
            value: Number::U64(value),
            exemplar: None,
        });
        let points: Points<_> = points.collect();
        if !points.is_empty() {
            out.push(MetricFamily::new(def, kind(points)));
        }
    };
    let counter: Kind = MetricData::Counter;
    let now: Kind = MetricData::UpDownCounter;
    let one = |value| BTreeMap::from([(Labels::new(), value)]);
    push(
        &metric::OBS_SPANS_RECORDED,
        counter,
        one(stats.spans.recorded),
    );

    let mut dropped = BTreeMap::from([(reason(DropReason::BufferFull, TRACES), stats.spans.lost)]);
    if !stats.logs.exporters.is_empty() {
        push(
            &metric::OBS_LOGS_RECORDED,
            counter,
            one(stats.logs.recorded),
        );
        dropped.insert(reason(DropReason::BufferFull, LOGS), stats.logs.lost);
    }
    for (why, signal, lost) in [
        (DropReason::TailSampled, TRACES, stats.spans.sampled_out),
        (DropReason::Late, TRACES, stats.late),
        (DropReason::Reentrant, TRACES, stats.reentrant_calls),
        (DropReason::Reentrant, METRICS, stats.reentrant_values),
    ] {
        if lost > 0 || from_zero {
            dropped.insert(reason(why, signal), lost);
        }
    }
    let mut items = BTreeMap::new();
    let mut in_flight = BTreeMap::new();
    let mut spooled = BTreeMap::new();
    let traces = stats.spans.exporters.iter().map(|e| (TRACES, e));
    let metrics = stats.metrics.iter().map(|e| (METRICS, e));
    let logs = stats.logs.exporters.iter().map(|e| (LOGS, e));
    for (signal, exporter) in traces.chain(metrics).chain(logs) {
        for why in DropReason::OF_EXPORTERS.iter().filter(|_| from_zero) {
            dropped.entry(reason(*why, signal)).or_insert(0);
        }
        for (why, lost) in &exporter.dropped {
            *dropped.entry(reason(*why, signal)).or_insert(0) += lost;
        }
        let outcomes = [
            ("exported", exporter.exported),
            ("dropped", exporter.dropped_total()),
        ];
        for (outcome, count) in outcomes {
            let labels = Labels::from([
                (attribute::EXPORTER, exporter.name),
                (attribute::OUTCOME, outcome),
                (attribute::SIGNAL, signal),
            ]);
            *items.entry(labels).or_insert(0) += count;
        }
        let labels = Labels::from([
            (attribute::EXPORTER, exporter.name),
            (attribute::SIGNAL, signal),
        ]);
        if exporter.spooled > 0 {
            *spooled.entry(labels.clone()).or_insert(0) += exporter.spooled;
        }
        *in_flight.entry(labels).or_insert(0) += exporter.in_flight;
    }
    push(&metric::OBS_DROPPED, counter, dropped);
    let spans = &stats.spans;
    // Before the first trace is evicted, others have waited.
    if spans.waiting + spans.sampled_out + spans.evicted_traces > 0 {
        push(
            &metric::OBS_TAIL_SAMPLING_EVICTED,
            counter,
            one(spans.evicted_traces),
        );
        push(&metric::OBS_TAIL_SAMPLING_WAITING, now, one(spans.waiting));
    }
    push(&metric::OBS_EXPORTER_ITEMS, counter, items);
    push(&metric::OBS_EXPORTER_IN_FLIGHT, now, in_flight);
    push(&metric::OBS_EXPORTER_SPOOLED, now, spooled);
}

fn reason(reason: DropReason, signal: &'static str) -> Labels {
    Labels::from([
        (attribute::REASON, reason.as_str()),
        (attribute::SIGNAL, signal),
    ])
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
