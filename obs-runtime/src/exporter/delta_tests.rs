//! Deltas: nothing twice, nothing lost.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use proptest::prelude::*;

use super::*;
use crate::clock::unix_nanos;
use crate::metrics::{MetricSource as _, MetricsCollector};
use crate::trace::TraceFlags;
use crate::trace::{SpanContext, SpanId, TraceId};

type Result<T = ()> = std::result::Result<T, crate::Error>;

/// An exporter that sends deltas.
#[derive(Default)]
struct Exporter {
    deltas: Arc<Mutex<Deltas>>,
    now: u64,
}

impl Exporter {
    /// Collects, and says what a receiver would get, with the receipt of it.
    fn collect(&mut self, collector: &MetricsCollector) -> (Vec<MetricFamily>, Receipt) {
        let mut families = Vec::new();
        collector.collect(&mut families);
        // Later than any series began.
        self.now = self.now.max(u64::MAX / 2) + 1;
        self.collect_at(self.now, families)
    }

    fn collect_at(
        &self,
        now: u64,
        mut families: Vec<MetricFamily>,
    ) -> (Vec<MetricFamily>, Receipt) {
        self.deltas.lock().unwrap().take(&mut families, now);
        let mut receipt = Receipt::new(&self.deltas);
        for family in &families {
            receipt.add(family, 0..family.data.points());
        }
        (families, receipt)
    }

    fn deliver(&mut self, collector: &MetricsCollector) -> Vec<MetricFamily> {
        let (families, receipt) = self.collect(collector);
        receipt.settle(true);
        families
    }
}

fn numbers(families: &[MetricFamily], name: &str) -> Vec<(f64, u64)> {
    let family = families.iter().find(|f| f.name == name).expect("a family");
    match &family.data {
        MetricData::Counter(points) | MetricData::UpDownCounter(points) => points
            .iter()
            .map(|p| (p.value.as_f64(), p.start_unix_nanos))
            .collect(),
        other => panic!("{other:?}"),
    }
}

// bug: I15 (cumulative totals were added as increments in each cycle).
#[test]
fn each_amount_is_sent_once() -> Result {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").labels(["task"]).build()?;
    let active = collector.up_down_counter("active").build()?;
    let mut exporter = Exporter::default();
    rows.with(["a"])?.add(3);
    active.add(2);
    let first = exporter.deliver(&collector);
    assert_eq!(numbers(&first, "rows")[0].0, 3.0);
    rows.with(["a"])?.add(4);
    rows.with(["b"])?.add(0.5);
    let until = exporter.now;
    let second = exporter.deliver(&collector);
    let rows_sent = numbers(&second, "rows");
    assert_eq!((rows_sent[0].0, rows_sent[1].0), (4.0, 0.5));
    assert_eq!(
        rows_sent[0].1, until,
        "the interval begins where the last one ended"
    );
    // What goes up and down stays a total; nothing new is not sent.
    assert_eq!(numbers(&second, "active")[0].0, 2.0);
    let third = exporter.deliver(&collector);
    assert!(numbers(&third, "rows").is_empty());
    assert_eq!(numbers(&third, "active")[0].0, 2.0);
    // No time is left out between two points.
    let until = until + 1;
    rows.with(["a"])?.inc();
    assert_eq!(
        numbers(&exporter.deliver(&collector), "rows"),
        [(1.0, until)]
    );
    Ok(())
}

/// Zeros are for those who subtract totals.
#[test]
fn a_series_is_sent_with_its_first_amount() -> Result {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").labels(["task"]).build()?;
    let a = rows.with(["a"])?;
    collector
        .histogram("h")
        .labels(["task"])
        .build()?
        .with(["a"])?;
    let mut exporter = Exporter::default();
    let first = exporter.deliver(&collector);
    assert!(
        first.iter().all(|family| family.data.points() == 0),
        "{first:?}"
    );
    a.inc();
    let Some(MetricData::Counter(points)) = collector.get("rows").map(|family| family.data) else {
        panic!("a counter");
    };
    // Its first interval begins where it began itself.
    let sent = numbers(&exporter.deliver(&collector), "rows");
    assert_eq!(sent, [(1.0, points[0].start_unix_nanos)]);
    Ok(())
}

// bug: the totals of two libraries, or of two kinds, with one name were subtracted from each other.
#[test]
fn metrics_of_one_name_are_told_apart() -> Result {
    let (own, other) = (MetricsCollector::new(), MetricsCollector::new());
    let library = Library::new("other".into(), "".into(), "".into(), Vec::new());
    let (library, beside) = (Arc::new(library.clone()), Arc::new(library.beside()));
    let (ours, theirs) = (own.counter("c").build()?, other.counter("c").build()?);
    let mut deltas = Deltas::default();
    let mut sent = |now| {
        let mut families = own.collect_all();
        other.collect_of(Some(&library), &mut families);
        other.collect_of(Some(&beside), &mut families);
        deltas.take(&mut families, now);
        let of = |family: MetricFamily| match family.data {
            MetricData::Counter(points) => points.iter().map(|p| p.value.as_f64()).sum::<f64>(),
            other => panic!("{other:?}"),
        };
        families.into_iter().map(of).collect::<Vec<_>>()
    };
    ours.add(100);
    theirs.add(7);
    assert_eq!(sent(u64::MAX - 2), [100.0, 7.0, 7.0]);
    ours.add(1);
    theirs.add(2);
    assert_eq!(sent(u64::MAX - 1), [1.0, 2.0, 2.0]);
    Ok(())
}

#[test]
fn exporters_beside_each_other_are_all_right() -> Result {
    let collector = MetricsCollector::new();
    let c = collector.counter("c").build()?;
    let (mut one, mut two) = (Exporter::default(), Exporter::default());
    c.add(1);
    assert_eq!(numbers(&one.deliver(&collector), "c")[0].0, 1.0);
    c.add(2);
    assert_eq!(numbers(&two.deliver(&collector), "c")[0].0, 3.0);
    assert_eq!(numbers(&one.deliver(&collector), "c")[0].0, 2.0);
    assert_eq!(numbers(&collector.collect_all(), "c")[0].0, 3.0);
    Ok(())
}

#[test]
fn what_was_not_delivered_is_part_of_the_next_interval() -> Result {
    let collector = MetricsCollector::new();
    let counter = collector.counter("c").build()?;
    let explicit = collector.histogram("h").buckets([1, 10]).build()?;
    let exponential = collector.histogram("e").exponential().build()?;
    let summary = collector.summary("s").build()?;
    let observe = |value: u32| {
        counter.add(value);
        explicit.observe(value);
        exponential.observe(value);
        summary.observe(value);
    };
    let mut exporter = Exporter::default();
    observe(5);
    let (first, lost) = exporter.collect(&collector);
    let began = numbers(&first, "c")[0].1;
    observe(50);
    // The next collection is on its way before the first is given up.
    let (second, delivered) = exporter.collect(&collector);
    assert_eq!(numbers(&second, "c")[0].0, 50.0);
    drop(lost);
    delivered.settle(true);
    observe(7);
    let third = exporter.deliver(&collector);
    assert_eq!(numbers(&third, "c"), [(12.0, began)]);
    for family in third {
        let (count, sum) = match &family.data {
            MetricData::Histogram(p) => (p[0].count, p[0].sum),
            MetricData::ExponentialHistogram(p) => (p[0].count, p[0].sum),
            MetricData::Summary(p) => (p[0].histogram.count, p[0].histogram.sum),
            _ => continue,
        };
        assert_eq!((count, sum), (2, 12.0), "{}", family.name);
    }
    Ok(())
}

#[test]
fn a_series_that_began_again_is_sent_whole() -> Result {
    let collector = MetricsCollector::new();
    collector.counter("c").build()?.add(5);
    let mut exporter = Exporter::default();
    let (_, lost) = exporter.collect(&collector);
    collector.remove("c");
    collector.counter("c").build()?.add(7);
    assert_eq!(numbers(&exporter.deliver(&collector), "c")[0].0, 7.0);
    // What belonged to the old one is not given to the new one.
    drop(lost);
    assert!(numbers(&exporter.deliver(&collector), "c").is_empty());
    // Nothing is remembered of what is gone.
    collector.clear();
    for _ in 0..FORGET_AFTER {
        exporter.deliver(&collector);
    }
    assert!(exporter.deltas.lock().unwrap().metrics.is_empty());
    Ok(())
}

// bug: a sum of losses that got an earlier part was sent whole again.
#[test]
fn a_sum_that_got_an_earlier_part_is_no_other_series() {
    let exporter = Exporter::default();
    let added = |start, total: u64| {
        let point = crate::metrics::source::point(Labels::new(), start, Number::U64(total));
        let def = &crate::semconv::metric::OBS_METRICS_REFUSED;
        let family = MetricFamily::new(def, MetricData::Counter(vec![point].into()));
        let now = 100 + total;
        let (families, receipt) = exporter.collect_at(now, vec![family]);
        receipt.settle(true);
        numbers(&families, def.name)
    };
    assert_eq!(added(50, 1), [(1.0, 50)]);
    assert_eq!(added(20, 3), [(2.0, 101)]);
    assert_eq!(added(60, 4), [(4.0, 60)], "it began again");
}

#[test]
fn buckets_that_changed_are_sent_whole() -> Result {
    let mut deltas = Deltas::default();
    let mut take = |bounds: [f64; 2]| -> Result<_> {
        let collector = MetricsCollector::new();
        collector.histogram("h").buckets(bounds).build()?.observe(1);
        let mut families = collector.collect_all();
        let MetricData::Histogram(points) = &families[0].data else {
            panic!("a histogram");
        };
        // A source that says so of itself.
        let mut point = points[0].clone();
        point.start_unix_nanos = 1;
        families[0].data = MetricData::Histogram(vec![point].into());
        deltas.take(&mut families, 2);
        Ok(families[0].data.points())
    };
    assert_eq!(take([1.0, 2.0])?, 1);
    assert_eq!(take([1.0, 2.0])?, 0);
    assert_eq!(take([1.0, 3.0])?, 1);
    Ok(())
}

/// Examples belong to the interval in which they were taken (OpenTelemetry metrics SDK, "`ExemplarReservoir`").
#[test]
fn an_interval_has_its_own_examples() -> Result {
    let collector = MetricsCollector::new();
    let counter = collector.counter("c").build()?;
    let explicit = collector.histogram("h").buckets([1, 10]).build()?;
    let exponential = collector.histogram("e").exponential().build()?;
    let observe = |value: u32| {
        counter.add(value);
        explicit.observe(value);
        exponential.observe(value);
    };
    let span = SpanContext::remote(TraceId(7), SpanId(7), TraceFlags::SAMPLED).expect("ids");
    let mut deltas = Deltas::default();
    // How many examples there are in an interval that ends in some time, or some time ago.
    let mut examples = |from_now: i64| {
        let mut families = Vec::new();
        collector.collect(&mut families);
        deltas.take(&mut families, unix_nanos().saturating_add_signed(from_now));
        let of = |family: &MetricFamily| match &family.data {
            MetricData::Counter(points) => points.iter().flat_map(|p| &p.exemplar).count(),
            MetricData::Histogram(points) => points.iter().map(|p| p.exemplars.len()).sum(),
            MetricData::ExponentialHistogram(points) => {
                points.iter().map(|p| p.exemplars.len()).sum()
            }
            other => panic!("{other:?}"),
        };
        families.iter().map(of).collect::<Vec<_>>()
    };
    let hour = 3_600_000_000_000;
    {
        let _sampled = span.attach();
        observe(5);
    }
    assert_eq!(examples(-hour), [1, 1, 1]);
    observe(5);
    // After the last interval's end.
    assert_eq!(examples(hour), [1, 1, 1]);
    observe(5);
    // Before it: of the interval of then.
    assert_eq!(examples(2 * hour), [0, 0, 0]);
    Ok(())
}

#[test]
fn what_a_source_leaves_out_once_is_not_sent_again() -> Result {
    let (all, none) = (MetricsCollector::new(), MetricsCollector::new());
    let counter = all.counter("c").build()?;
    counter.add(5);
    let mut exporter = Exporter::default();
    exporter.deliver(&all);
    let until = exporter.now;
    // A callback panicked, or a file could not be read.
    exporter.deliver(&none);
    counter.add(2);
    assert_eq!(numbers(&exporter.deliver(&all), "c"), [(2.0, until)]);
    Ok(())
}

proptest! {
    /// Whatever is delivered and lost, in whatever order the losses become known.
    #[test]
    fn deliveries_add_up_to_the_total(
        steps in proptest::collection::vec((0..100_u32, 0..3_u8), 1..30),
    ) {
        let collector = MetricsCollector::new();
        let counter = collector.counter("c").build().expect("valid");
        let histogram = collector.histogram("h").buckets([10, 50]).build().expect("valid");
        let exponential = collector.histogram("e").exponential().build().expect("valid");
        let mut exporter = Exporter::default();
        let mut pending = Vec::new();
        let mut sums = [0.0; 3];
        let mut counts = [0, 0];
        let mut receive = |families: &[MetricFamily]| {
            for family in families {
                match &family.data {
                    MetricData::Counter(p) => sums[0] += p.iter().map(|p| p.value.as_f64()).sum::<f64>(),
                    MetricData::Histogram(p) => for p in p {
                        sums[1] += p.sum;
                        counts[0] += p.counts.iter().sum::<u64>();
                    },
                    MetricData::ExponentialHistogram(p) => for p in p {
                        sums[2] += p.sum;
                        counts[1] += p.count;
                    },
                    other => panic!("{other:?}"),
                }
            }
        };
        let (mut total, mut values) = (0.0, 0);
        for (value, outcome) in steps {
            counter.add(value);
            histogram.observe(value);
            exponential.observe(value);
            (total, values) = (total + f64::from(value), values + 1);
            let (families, receipt) = exporter.collect(&collector);
            match outcome {
                0 => pending.push(receipt),
                1 => drop(receipt),
                _ => {
                    receive(&families);
                    receipt.settle(true);
                    pending.clear();
                }
            }
        }
        drop(pending);
        let last = exporter.deliver(&collector);
        receive(&last);
        prop_assert_eq!(sums, [total; 3]);
        prop_assert_eq!(counts, [values; 2]);
    }
}

// bug: once the clock was set back, what could not be delivered was in no later interval either
#[test]
fn a_clock_that_was_set_back_loses_no_interval() -> Result {
    let collector = MetricsCollector::new();
    let c = collector.counter("c").build()?;
    let mut exporter = Exporter::default();
    c.add(1);
    exporter.deliver(&collector);
    // The series began after these times.
    for now in 1..4 {
        c.add(2);
        let (families, lost) = exporter.collect_at(now, collector.collect_all());
        let added = numbers(&families, "c")[0].0;
        assert_eq!(added, 2.0 * now as f64);
        lost.settle(false);
    }
    Ok(())
}
