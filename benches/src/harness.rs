//! Interleaved timing: in every round each variant runs the same number of bursts in turn, so a ratio
//! compares what ran within the same milliseconds. Background work is drained between bursts, untimed:
//! a recorded span is really recorded, and no variant pays for another's backlog.

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use crate::alloc::{self, Allocations};

/// Calls in one burst, under one root span.
pub const BURST: u64 = 1000;

/// One way of doing a row's work.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// `bare`, `fastrace`, `obs`, …
    pub name: &'static str,
    /// Runs that many calls and returns something that depends on each of them.
    pub burst: fn(u64) -> u64,
    /// Waits until what the burst left for background threads is done.
    pub drain: fn(),
}

/// The same work by every variant; the first is the bare function.
#[derive(Clone, Debug)]
pub struct Row {
    /// The row's name on the command line.
    pub name: &'static str,
    /// What is measured, for the table.
    pub title: &'static str,
    /// The variants.
    pub variants: Vec<Variant>,
}

/// How much to run.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds; each gives one value of every variant.
    pub rounds: usize,
    /// Bursts of each variant in a round; the round's value is their median.
    pub bursts: usize,
}

/// What was measured of one variant.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The variant.
    pub name: &'static str,
    /// Nanoseconds per call, one value per round.
    pub nanos: Vec<f64>,
    /// Allocations of the calling thread per call.
    pub allocations: f64,
    /// Bytes allocated by the calling thread per call.
    pub bytes: f64,
}

/// Runs a row.
pub fn measure(row: &Row, effort: Effort) -> Vec<Measured> {
    let mut out: Vec<Measured> = row
        .variants
        .iter()
        .map(|v| {
            let (allocations, bytes) = allocations(v, 20);
            Measured {
                name: v.name,
                nanos: Vec::with_capacity(effort.rounds),
                allocations,
                bytes,
            }
        })
        .collect();
    let n = row.variants.len();
    for round in 0..effort.rounds {
        let mut bursts = vec![Vec::with_capacity(effort.bursts); n];
        for burst in 0..effort.bursts {
            for position in 0..n {
                // Rotated, so that no variant always follows the same neighbour.
                let v = (position + round + burst) % n;
                bursts[v].push(timed(&row.variants[v]));
            }
        }
        for (measured, values) in out.iter_mut().zip(bursts) {
            measured.nanos.push(median(&values));
        }
    }
    out
}

/// Nanoseconds per call of one burst, its share of the root included.
fn timed(v: &Variant) -> f64 {
    let start = Instant::now();
    black_box((v.burst)(black_box(BURST)));
    let nanos = start.elapsed().as_nanos() as f64;
    (v.drain)();
    nanos / BURST as f64
}

/// Allocations and bytes per call on the calling thread, after a warm-up of as many bursts.
fn allocations(v: &Variant, bursts: u64) -> (f64, f64) {
    let mut sum = Allocations::default();
    for burst in 0..2 * bursts {
        let before = alloc::so_far();
        black_box((v.burst)(black_box(BURST)));
        let used = alloc::so_far() - before;
        (v.drain)();
        if burst >= bursts {
            sum.calls += used.calls;
            sum.bytes += used.bytes;
        }
    }
    let calls = (bursts * BURST) as f64;
    (sum.calls as f64 / calls, sum.bytes as f64 / calls)
}

/// Runs about `calls` calls in bursts, each through [`counted_burst`], and returns how many it made.
pub fn count(v: &Variant, calls: u64) -> u64 {
    let bursts = calls.div_ceil(BURST);
    // Threads, buffers and lazy statics come into being here, outside the counted function.
    for _ in 0..10 {
        black_box((v.burst)(black_box(BURST)));
        (v.drain)();
    }
    for _ in 0..bursts {
        black_box(counted_burst(v.burst, black_box(BURST)));
        (v.drain)();
    }
    bursts * BURST
}

/// The only function in which `benches/instructions.sh` lets callgrind collect.
#[inline(never)]
pub fn counted_burst(burst: fn(u64) -> u64, calls: u64) -> u64 {
    // `black_box` after the call keeps it from becoming a jump, which callgrind would not see return.
    black_box(burst(calls))
}

/// The median of values, 0 for none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Runs a program that takes `--rounds N` and names of its rows (all of them if none is named), and
/// says what it cannot read or do.
pub fn rounds_program(
    name: &str,
    usual: usize,
    rows: &[&str],
    run: impl FnOnce(usize, &[String]) -> Result<(), Box<dyn Error>>,
) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (rounds, named) = match &args[..] {
        [flag, n, named @ ..] if flag == "--rounds" => (n.parse().ok().filter(|n| *n > 0), named),
        named => (Some(usual), named),
    };
    let is_known = |name: &String| rows.contains(&name.as_str());
    let Some(rounds) = rounds.filter(|_| named.iter().all(is_known)) else {
        eprintln!(
            "{name}: expected --rounds N with N above 0, or nothing; then rows out of {rows:?}"
        );
        return ExitCode::FAILURE;
    };
    match run(rounds, named) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{name}: {e}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_even_and_none() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn every_variant_gets_one_value_per_round_and_its_allocations() {
        fn boxes(n: u64) -> u64 {
            (0..n).map(|i| *black_box(Box::new(i))).sum()
        }
        fn plain(n: u64) -> u64 {
            (0..n).map(black_box).sum()
        }
        let row = Row {
            name: "test",
            title: "test",
            variants: vec![
                Variant {
                    name: "bare",
                    burst: plain,
                    drain: || {},
                },
                Variant {
                    name: "boxes",
                    burst: boxes,
                    drain: || {},
                },
            ],
        };
        let m = measure(
            &row,
            Effort {
                rounds: 3,
                bursts: 2,
            },
        );
        assert_eq!([m[0].nanos.len(), m[1].nanos.len()], [3, 3]);
        assert!(m[0].allocations.abs() < f64::EPSILON);
        assert!((m[1].allocations - 1.0).abs() < f64::EPSILON);
        assert!((m[1].bytes - 8.0).abs() < f64::EPSILON);
        assert_eq!(count(&row.variants[0], 1500), 2000);
    }
}
