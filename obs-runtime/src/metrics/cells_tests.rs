//! The cells behind the instruments.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use super::*;
use crate::metrics::MetricsCollector;

fn sum(slot: Slot, index: usize) -> u64 {
    Reader::new().cells(slot).map(|c| c.get(index)).sum()
}

#[test]
fn series_lie_within_a_page_and_do_not_overlap() {
    let sizes = [1, 7, 500, PAGE, 3, 1_000, 30];
    let all: Vec<_> = sizes
        .iter()
        .map(|n| Allocation::new(*n).expect("room"))
        .collect();
    for (a, len) in all.iter().zip(sizes) {
        assert!(a.slot.offset() + len <= PAGE);
    }
    let mut ranges: Vec<_> = all
        .iter()
        .zip(sizes)
        .map(|(a, len)| (a.slot.first as usize, len))
        .collect();
    ranges.sort_unstable();
    assert!(ranges.windows(2).all(|w| w[0].0 + w[0].1 <= w[1].0));
}

#[test]
fn a_lane_outlives_its_thread_and_serves_the_next() {
    let cells = Allocation::new(1).expect("room");
    for _ in 0..20 {
        let slot = cells.slot();
        std::thread::spawn(move || update(slot, |c| c.add(0, 1)))
            .join()
            .expect("the thread");
    }
    assert_eq!(sum(cells.slot(), 0), 20);
}

#[test]
fn returned_cells_are_zero() {
    // A length of its own keeps other tests from taking the place.
    let first = Allocation::new(777).expect("room");
    let slot = first.slot();
    update(slot, |c| c.set(5, u64::MAX));
    drop(first);
    let second = Allocation::new(777).expect("room");
    assert_eq!(second.slot(), slot);
    assert_eq!(sum(slot, 5), 0);
}

#[test]
fn cells_of_dropped_series_start_again_at_zero() -> Result<(), crate::Error> {
    for round in 1..=50 {
        let collector = MetricsCollector::new();
        let c = collector.counter("c").labels(["x"]).build()?;
        let h = collector.histogram("h").buckets([1.0]).build()?;
        let bound = c.with(["1"])?;
        std::thread::scope(|scope| {
            scope.spawn(|| bound.add(round));
            scope.spawn(|| h.observe(round));
        });
        assert_eq!(bound.value(), f64::from(round));
        let point = h.snapshot();
        assert_eq!((point.count, point.max), (1, Some(f64::from(round))));
    }
    Ok(())
}
