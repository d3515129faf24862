//! The account as metrics.

use super::*;
use crate::self_obs::{ExporterStats, LogStats, SpanStats};

fn exporter(name: &'static str, exported: u64, dropped: Vec<(DropReason, u64)>) -> ExporterStats {
    ExporterStats {
        name,
        taken: 100,
        exported,
        in_flight: 0,
        spooled: 0,
        recovered: 0,
        dropped,
    }
}

/// `name label… value`.
fn lines(families: &[MetricFamily]) -> Vec<String> {
    let mut lines = Vec::new();
    for family in families {
        // What comes and goes ends in a word for it, and is no counter.
        let comes_and_goes = ["in_flight", "spooled", "waiting"];
        let comes_and_goes = comes_and_goes.iter().any(|end| family.name.ends_with(end));
        let points = match &family.data {
            MetricData::Counter(points) if !comes_and_goes => points,
            MetricData::UpDownCounter(points) if comes_and_goes => points,
            _ => panic!("{} is of another kind", family.name),
        };
        for point in points {
            let labels: Vec<_> = point.labels.iter().map(|(_, v)| v).collect();
            assert!(point.start_unix_nanos == 7, "{point:?}");
            lines.push(format!(
                "{} {} {}",
                family.name,
                labels.join(" "),
                point.value.as_f64()
            ));
        }
    }
    lines
}

#[test]
fn every_loss_has_its_signal_and_reason() {
    let stats = Stats {
        spans: SpanStats {
            recorded: 20,
            lost: 3,
            sampled_out: 8,
            waiting: 4,
            evicted_traces: 2,
            exporters: vec![
                exporter("otlp", 10, vec![(DropReason::Timeout, 4)]),
                // Two of one name are one series.
                exporter("record", 5, vec![]),
                exporter("record", 6, vec![(DropReason::Timeout, 1)]),
            ],
            ..SpanStats::default()
        },
        metrics: vec![ExporterStats {
            in_flight: 5,
            spooled: 3,
            ..exporter("otlp", 90, vec![(DropReason::Timeout, 2)])
        }],
        logs: LogStats {
            recorded: 30,
            lost: 2,
            exporters: vec![exporter("otlp", 7, vec![(DropReason::Rejected, 1)])],
        },
        late: 1,
        reentrant_calls: 6,
        reentrant_values: 7,
    };
    let mut families = Vec::new();
    collect(&stats, 7, false, &mut families);
    assert_eq!(
        lines(&families),
        [
            "obs.spans.recorded  20",
            "obs.logs.recorded  30",
            "obs.dropped buffer_full logs 2",
            "obs.dropped buffer_full traces 3",
            "obs.dropped late traces 1",
            "obs.dropped reentrant metrics 7",
            "obs.dropped reentrant traces 6",
            "obs.dropped rejected logs 1",
            "obs.dropped tail_sampled traces 8",
            "obs.dropped timeout metrics 2",
            "obs.dropped timeout traces 5",
            "obs.tail_sampling.evicted  2",
            "obs.tail_sampling.waiting  4",
            "obs.exporter.items otlp dropped logs 1",
            "obs.exporter.items otlp dropped metrics 2",
            "obs.exporter.items otlp dropped traces 4",
            "obs.exporter.items otlp exported logs 7",
            "obs.exporter.items otlp exported metrics 90",
            "obs.exporter.items otlp exported traces 10",
            "obs.exporter.items record dropped traces 1",
            "obs.exporter.items record exported traces 11",
            "obs.exporter.in_flight otlp logs 0",
            "obs.exporter.in_flight otlp metrics 5",
            "obs.exporter.in_flight otlp traces 0",
            "obs.exporter.in_flight record traces 0",
            "obs.exporter.spooled otlp metrics 3",
        ]
    );
}

// bug: the series of a reason was born by the first loss, so that `increase()` said 0 of it.
#[test]
fn every_reason_is_there_before_it_happens() {
    let stats = Stats {
        logs: LogStats {
            exporters: vec![exporter("otlp", 7, vec![(DropReason::Rejected, 1)])],
            ..LogStats::default()
        },
        ..Stats::default()
    };
    let mut families = Vec::new();
    collect(&stats, 7, true, &mut families);
    let lines = lines(&families);
    let dropped: Vec<_> = lines
        .iter()
        .filter_map(|l| l.strip_prefix("obs.dropped "))
        .collect();
    assert_eq!(
        dropped,
        [
            "buffer_full logs 0",
            "buffer_full traces 0",
            "exporter_failed logs 0",
            "late traces 0",
            "queue_full logs 0",
            "reentrant metrics 0",
            "reentrant traces 0",
            "rejected logs 1",
            "shutdown logs 0",
            "spool_failed logs 0",
            "spool_full logs 0",
            "tail_sampled traces 0",
            "timeout logs 0",
            "too_large logs 0",
            "unreachable logs 0",
            "unsupported logs 0",
        ]
    );
}

#[test]
fn a_scope_tells_its_own_account() {
    #[crate::traced]
    fn counted() {}

    let captured = crate::testing::capture(|| {
        counted();
        counted();
    });
    let value = |name: &str, outcome: Option<&str>| {
        let family = captured.metrics.iter().find(|f| f.name == name);
        let MetricData::Counter(points) = &family.expect("a metric").data else {
            panic!("a counter");
        };
        let has = |p: &NumberPoint, label: &str| p.labels.iter().any(|(_, v)| v == label);
        let of = |p: &&NumberPoint| {
            let of_spans = p.labels.is_empty() || has(p, TRACES);
            of_spans && outcome.is_none_or(|o| has(p, o))
        };
        points.iter().find(of).expect("a series").value
    };
    assert_eq!(value("obs.spans.recorded", None), Number::U64(2));
    assert_eq!(
        value("obs.exporter.items", Some("exported")),
        Number::U64(2)
    );
    assert_eq!(value("obs.exporter.items", Some("dropped")), Number::U64(0));
    assert_eq!(value("obs.dropped", Some("buffer_full")), Number::U64(0));
}
