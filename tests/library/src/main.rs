//! The same functions with and without `#[traced]`, for callgrind: `OFF=1 benches/instructions.sh`.
//!
//! ```text
//! library --count ROW VARIANT CALLS   runs the calls
//! library --list                      rows and their variants
//! ```

mod annotated;
mod bare;
#[path = "../../../benches/src/executor.rs"]
mod executor;

use std::hint::black_box;
use std::process::ExitCode;

/// Calls in one burst.
const BURST: u64 = 1000;

/// A row's bursts: of the bare function, and of the annotated one.
type Row = (&'static str, [fn(u64) -> u64; 2]);

/// The body of every function: a few dependent instructions.
#[inline(always)]
fn body(x: u64) -> u64 {
    (x ^ 0x9E37_79B9)
        .wrapping_mul(0xD6E8_FEB8_6659_FD93)
        .rotate_left(17)
}

/// Calls `f` so often, each time with what the last call returned.
#[inline(always)]
fn times(calls: u64, mut f: impl FnMut(u64) -> u64) -> u64 {
    (0..calls).fold(0, |sum, i| sum ^ f(black_box(i)))
}

macro_rules! rows {
    ($($row:ident: |$x:ident| $call:expr;)*) => {
        [$((stringify!($row), [
            |n| {
                use crate::bare::*;
                times(n, |$x| $call)
            },
            |n| {
                use crate::annotated::*;
                times(n, |$x| $call)
            },
        ])),*]
    };
}

fn rows() -> [Row; 8] {
    rows! {
        sync: |x| guard(x);
        fields: |x| fields(x, black_box("acme"));
        method: |x| Store { opened: x }.add(x);
        result: |x| fallible(x).unwrap_or(1);
        future: |x| executor::block_on(future(x));
        future_fields: |x| executor::block_on(future_fields(x, black_box("acme")));
        future_result: |x| executor::block_on(future_fallible(x)).unwrap_or(1);
        returned_future: |x| executor::block_on(opaque(x));
    }
}

/// The only function in which callgrind collects.
#[inline(never)]
fn counted_burst(burst: fn(u64) -> u64, calls: u64) -> u64 {
    black_box(burst(calls))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args {
        ["--list"] => {
            for (name, _) in rows() {
                println!("{name} bare annotated");
            }
            ExitCode::SUCCESS
        }
        ["--count", row, variant, calls] => {
            let variant = usize::from(variant == "annotated");
            let found = rows().into_iter().find(|(name, _)| *name == row);
            let (Some((_, bursts)), Ok(calls)) = (found, calls.parse::<u64>()) else {
                eprintln!("library: no such row or number: {args:?}");
                return ExitCode::FAILURE;
            };
            let count = calls.div_ceil(BURST);
            for _ in 0..count {
                black_box(counted_burst(bursts[variant], black_box(BURST)));
            }
            println!("{}", count * BURST);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: library --list | --count ROW VARIANT CALLS");
            ExitCode::FAILURE
        }
    }
}
