//! Two threads doing the same: windows of the variant and of the bare loop, on one and on two threads, in turn.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::harness::{BURST, median};

const WINDOW: Duration = Duration::from_millis(30);

/// The head of the table.
pub const HEAD: &str = "| two threads | variant | 2T/1T calls per second | the bare loop's in the same windows | of bare |\n|---|---|---|---|---|";

/// The table's line: scaling of the variant, of the bare loop, and their ratio, each a median with its range.
pub fn line(
    title: &str,
    name: &str,
    burst: fn(u64) -> u64,
    bare: fn(u64) -> u64,
    drain: fn(),
    rounds: usize,
) -> String {
    let mut scaling = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        // Untimed: a window does not pay for the backlog of the one before.
        let rate = |threads, burst| {
            drain();
            rate(threads, burst)
        };
        let of = |burst| rate(2, burst) / rate(1, burst);
        let (variant, bare) = (of(burst), of(bare));
        for (values, value) in scaling.iter_mut().zip([variant, bare, variant / bare]) {
            values.push(value);
        }
    }
    let text = scaling.map(|values| {
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{:.2} [{min:.2}..{max:.2}]", median(&values))
    });
    format!("| {title} | {name} | {} |", text.join(" | "))
}

/// Calls per second of that many threads together.
fn rate(threads: usize, burst: fn(u64) -> u64) -> f64 {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let start = Instant::now();
                    let mut calls = 0;
                    while start.elapsed() < WINDOW {
                        black_box(burst(black_box(BURST)));
                        calls += BURST;
                    }
                    calls as f64 / start.elapsed().as_secs_f64()
                })
            })
            .collect();
        running.into_iter().filter_map(|t| t.join().ok()).sum()
    })
}
