//! The account as metrics.

use super::*;
use crate::init::stats::{LogStats, SpanStats};

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

/// `name label… value`, of counters.
fn lines(families: &[MetricFamily]) -> Vec<String> {
    let mut lines = Vec::new();
    for family in families {
        let MetricData::Counter(points) = &family.data else {
            panic!("{} is no counter", family.name);
        };
        for point in points {
            let labels: Vec<_> = point.labels.iter().map(|(_, v)| &**v).collect();
            assert!(
                point.labels.is_sorted() && point.start_unix_nanos == 7,
                "{point:?}"
            );
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
            exporters: vec![
                exporter("otlp", 10, vec![(DropReason::Timeout, 4)]),
                // Two of one name are one series.
                exporter("record", 5, vec![]),
                exporter("record", 6, vec![(DropReason::Timeout, 1)]),
            ],
            ..SpanStats::default()
        },
        metrics: vec![exporter("otlp", 90, vec![(DropReason::Timeout, 2)])],
        logs: LogStats {
            recorded: 30,
            lost: 2,
            exporters: vec![exporter("otlp", 7, vec![(DropReason::Rejected, 1)])],
        },
        late: 1,
    };
    let mut families = Vec::new();
    collect(&stats, 7, &mut families);
    assert_eq!(
        lines(&families),
        [
            "obs.spans.recorded  20",
            "obs.logs.recorded  30",
            "obs.dropped buffer_full logs 2",
            "obs.dropped buffer_full traces 3",
            "obs.dropped late traces 1",
            "obs.dropped rejected logs 1",
            "obs.dropped timeout metrics 2",
            "obs.dropped timeout traces 5",
            "obs.exporter.items otlp dropped logs 1",
            "obs.exporter.items otlp dropped metrics 2",
            "obs.exporter.items otlp dropped traces 4",
            "obs.exporter.items otlp exported logs 7",
            "obs.exporter.items otlp exported metrics 90",
            "obs.exporter.items otlp exported traces 10",
            "obs.exporter.items record dropped traces 1",
            "obs.exporter.items record exported traces 11",
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
