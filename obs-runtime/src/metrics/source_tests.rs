//! Sources beside the instruments of a scope.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::metrics::MetricsCollector;

struct Panics(MetricsCollector);

impl MetricSource for Panics {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        self.0.collect(out);
        panic!("a source of a test");
    }
}

fn value(families: &[MetricFamily], name: &str) -> Vec<f64> {
    let families = families.iter().filter(|f| f.name == name);
    families
        .flat_map(|f| match &f.data {
            MetricData::Gauge(points) => points.clone(),
            other => panic!("{other:?}"),
        })
        .map(|point| point.value.as_f64())
        .collect()
}

#[test]
fn each_source_is_asked_whatever_the_others_do() -> Result<(), crate::Error> {
    let first = MetricsCollector::new();
    first.gauge("of.first").build()?.set(1);
    first.gauge("Of.Both").build()?.set(1);
    let second = MetricsCollector::new();
    second.gauge("of.second").build()?.set(2);
    second.gauge("of.both").build()?.set(2);
    let sources = Sources::default();
    sources.add(Arc::new(Panics(first)));
    sources.add(Arc::new(second.clone()));
    let mut families = Vec::new();
    sources.collect(&mut families);
    assert_eq!(value(&families, "of.first"), [1.0]);
    assert_eq!(value(&families, "of.second"), [2.0]);
    // One metric of a name, whatever its case: the first.
    assert_eq!(value(&families, "Of.Both"), [1.0]);
    assert_eq!(families.len(), 3);
    // They are asked each time.
    second.gauge("of.second").build()?.set(3);
    families.clear();
    sources.collect(&mut families);
    assert_eq!(value(&families, "of.second"), [3.0]);
    Ok(())
}

// What a source does, and how long it takes, is its own affair.
#[test]
fn no_lock_is_held_while_sources_are_asked() {
    struct Looks(Arc<Sources>, Arc<AtomicBool>);
    impl MetricSource for Looks {
        fn collect(&self, _: &mut Vec<MetricFamily>) {
            self.1
                .store(self.0.given.try_lock().is_ok(), Ordering::Relaxed);
        }
    }
    let (sources, is_free) = (Arc::new(Sources::default()), Arc::default());
    let source = Looks(Arc::clone(&sources), Arc::clone(&is_free));
    sources.add(Arc::new(source));
    sources.collect(&mut Vec::new());
    assert!(is_free.load(Ordering::Relaxed));
    lock(&sources.given).clear();
}
