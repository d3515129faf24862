//! Counters of many threads.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use crate::metrics::MetricsCollector;

type Result<T = ()> = std::result::Result<T, crate::Error>;

// bug: I6 (behaviour 13: increments of several threads).
#[test]
fn ten_threads_lose_no_increment() -> Result {
    let collector = MetricsCollector::new();
    let counter = collector.counter("c").labels(["thread"]).build()?;
    let active = collector.up_down_counter("u").build()?;
    std::thread::scope(|scope| {
        for thread in 0..10 {
            let (counter, active) = (&counter, &active);
            scope.spawn(move || {
                let bound = counter.with([(thread % 3).to_string()]).expect("one label");
                for step in 0..1_000 {
                    active.inc();
                    if step % 2 == 0 {
                        bound.inc();
                    } else {
                        bound.add(1_u8);
                    }
                    active.dec();
                }
            });
        }
    });
    assert_eq!((counter.value(), active.value()), (10_000.0, 0.0));
    assert_eq!(counter.get(["0"])?, 4_000.0);
    Ok(())
}

#[test]
fn an_up_down_counter_goes_below_zero() -> Result {
    let active = MetricsCollector::new().up_down_counter("u").build()?;
    active.dec();
    active.add(-2);
    active.add(0.5);
    assert_eq!(active.value(), -2.5);
    active.add(f64::NAN);
    assert_eq!((active.value(), active.refused()), (-2.5, 1));
    Ok(())
}
