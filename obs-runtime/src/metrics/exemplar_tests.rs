use std::sync::Arc;

use crate::metrics::snapshot::Exemplar;
use crate::metrics::{MetricData, MetricsCollector};
use crate::trace::SpanContext;
use crate::trace::{TraceFlags, TraceId};

type Result<T = ()> = std::result::Result<T, crate::Error>;

/// A span of another process, as if a request had brought it.
fn span(id: u64, flags: TraceFlags) -> SpanContext {
    let trace = TraceId(u128::from(id) << 64 | 7);
    SpanContext::remote(trace, crate::trace::SpanId(id), flags).expect("ids")
}

fn exemplars(collector: &MetricsCollector, name: &str) -> Vec<Exemplar> {
    match collector.get(name).expect("a metric").data {
        MetricData::Counter(points) => points[0].exemplar.as_deref().cloned().into_iter().collect(),
        MetricData::Histogram(points) => points[0].exemplars.clone(),
        MetricData::ExponentialHistogram(points) => points[0].exemplars.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_in_sampled_spans_are_examples() -> Result {
    let collector = MetricsCollector::new();
    let counter = collector.counter("c").build()?;
    let explicit = collector.histogram("h").buckets([1, 10]).build()?;
    let exponential = collector.histogram("e").exponential().build()?;
    let observe = |value: u32| {
        counter.add(value);
        explicit.observe(value);
        exponential.observe(value);
    };
    observe(3);
    {
        let _unsampled = span(1, TraceFlags::default()).attach();
        observe(4);
    }
    for name in ["c", "h", "e"] {
        assert!(exemplars(&collector, name).is_empty(), "{name}");
    }
    let sampled = span(2, TraceFlags::SAMPLED);
    {
        let _sampled = sampled.attach();
        observe(5);
        observe(50);
    }
    // Other tests collect as well, and then the counter may keep the second amount.
    for (name, examples) in [("c", 1), ("h", 2), ("e", 2)] {
        let found = exemplars(&collector, name);
        let values: Vec<f64> = found.iter().map(|e| e.value).collect();
        assert_eq!(found.len(), examples, "{name}: {values:?}");
        assert!(values.iter().all(|v| [5.0, 50.0].contains(v)), "{values:?}");
        for example in found {
            assert_eq!(example.trace_id, sampled.trace_id());
            assert_eq!(example.span_id, sampled.span_id());
            assert!(example.unix_nanos > 1_600_000_000_000_000_000);
        }
    }
    Ok(())
}

#[test]
fn each_collection_wants_a_new_example() -> Result {
    let collector = MetricsCollector::new();
    let h = collector.histogram("h").buckets([100]).build()?;
    for id in 1..=3 {
        // Other tests may collect as well: whatever is kept is of this round.
        collector.collect_all();
        let context = span(id, TraceFlags::SAMPLED);
        let _span = context.attach();
        h.observe(id as u32);
        let found = exemplars(&collector, "h");
        assert_eq!((found.len(), found[0].span_id), (1, context.span_id()));
    }
    Ok(())
}

// bug: I7 (the collector was locked while a collection worked).
#[test]
fn a_collection_that_takes_long_holds_up_nobody() -> Result {
    let collector = MetricsCollector::new();
    let size = collector.histogram("size").labels(["task"]).build()?;
    let small = size.with(["small"])?;
    let _sampled = span(5, TraceFlags::SAMPLED).attach();
    small.observe(1);
    let core = collector.core("size").expect("the metric");
    let series = core.find(&["small"])?.expect("the series");
    let places = series.exemplars.places.get().expect("an example");
    // The collection cannot read the series before this is let go.
    let held = places.iter().map(|place| place.example.lock());
    let held: Vec<_> = held.collect();
    let before = Arc::strong_count(&core);
    std::thread::scope(|scope| {
        let collection = scope.spawn(|| collector.collect_all());
        while Arc::strong_count(&core) == before {
            std::thread::yield_now();
        }
        small.observe(2);
        size.with(["large"])?.observe(1_000);
        collector.counter("new").build()?.inc();
        assert!(collector.remove("new"));
        assert!(!collection.is_finished());
        drop(held);
        let families = collection.join().expect("collected");
        assert_eq!(families.len(), 1);
        Ok(())
    })
}
