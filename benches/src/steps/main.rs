//! What steps cost: nanoseconds for each call of a flow whose steps do nothing, not installed and recorded, beside the
//! same put together by hand of plain futures.
//!
//! ```text
//! steps [--rounds N]
//! ```

use std::collections::HashMap;
use std::error::Error as StdError;
use std::future::Future;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use obs_benches::harness::{self, median};
use obs_benches::installed;
use obs_runtime::Error;
use obs_runtime::cache::Cache;
use obs_runtime::steps::{RetryPolicy, Router, Step, WorkflowContext, step};
use tokio::runtime::Runtime;

/// An error that those of timeouts and routers become.
type Failure = Box<dyn StdError + Send + Sync>;

/// Calls of one measurement.
const CALLS: u64 = 1_000;
/// Measurements of each row in a round; the round's value is their median.
const BURSTS: usize = 9;
/// A limit that is not reached.
const HOUR: Duration = Duration::from_secs(3600);

async fn identity(n: u64) -> Result<u64, Failure> {
    Ok(black_box(n))
}

/// Nanoseconds for each call. What was recorded is waited for between the bursts, untimed.
fn time<F: Future<Output = Result<T, Failure>>, T>(
    runtime: &Runtime,
    call: impl Fn(u64) -> F,
) -> f64 {
    let bursts: Vec<f64> = (0..BURSTS)
        .map(|_| {
            let elapsed = runtime.block_on(async {
                let start = Instant::now();
                for n in 0..CALLS {
                    drop(black_box(call(n).await));
                }
                start.elapsed()
            });
            installed::drain();
            elapsed.as_nanos() as f64 / CALLS as f64
        })
        .collect();
    median(&bursts)
}

type Measurement = Box<dyn Fn(&Runtime) -> f64>;

/// A flow, and the same by hand.
struct Row {
    title: &'static str,
    /// Spans of each call.
    spans: u64,
    /// What the primitives of TTA.dev take for it, in microseconds.
    original: f64,
    by_hand: Measurement,
    flow: Measurement,
}

fn row<S, H, F, T>(title: &'static str, spans: u64, original: f64, flow: S, by_hand: H) -> Row
where
    S: Step<u64, Error = Failure> + 'static,
    H: Fn(u64) -> F + 'static,
    F: Future<Output = Result<T, Failure>>,
{
    Row {
        title,
        spans,
        original,
        by_hand: Box::new(move |runtime| time(runtime, &by_hand)),
        flow: Box::new(move |runtime| time(runtime, |n| flow.call(n))),
    }
}

async fn three(n: u64) -> Result<u64, Failure> {
    identity(identity(identity(n).await?).await?).await
}

async fn again(n: u64) -> Result<u64, Failure> {
    let mut left = 3;
    loop {
        left -= 1;
        match identity(n).await {
            Err(_) if left > 0 => {}
            done => return done,
        }
    }
}

async fn in_time(n: u64) -> Result<u64, Failure> {
    tokio::time::timeout(HOUR, identity(n)).await?
}

fn rows() -> Result<Vec<Row>, Error> {
    let one = || step("one", identity);
    let cache = Arc::new(Cache::new("bench", HOUR)?);
    let kept = Mutex::new(HashMap::from([(7_u32, 7_u64)]));
    let router = Router::new(
        "router",
        |n: &u64| if n.is_multiple_of(2) { "even" } else { "odd" },
    )
    .route("even", step("even", identity))
    .route("odd", step("odd", identity))
    .build()?;
    let sequence = step("a", identity) >> step("b", identity) >> step("c", identity);
    let parallel = step("a", identity) | step("b", identity) | step("c", identity);
    Ok(vec![
        row("one step", 1, 43.1, one(), identity),
        row("3 in sequence", 4, 152.2, sequence, three),
        row("3 in parallel", 4, 251.3, parallel, |n| async move {
            tokio::try_join!(identity(n), identity(n), identity(n))
        }),
        row(
            "cache, a hit",
            1,
            9.3,
            one().cached(cache, |_| 7_u32),
            move |_| {
                let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let hit = kept.get(&black_box(7)).copied();
                async move { hit.ok_or_else(|| Failure::from("it was put there")) }
            },
        ),
        row("router of 2", 2, 75.1, router, |n| async move {
            if n.is_multiple_of(2) {
                identity(n).await
            } else {
                identity(n + 1).await
            }
        }),
        row(
            "retry, none needed",
            2,
            65.3,
            one().retry(RetryPolicy::new(3)),
            again,
        ),
        row("timeout, in time", 2, 23.2, one().timeout(HOUR)?, in_time),
        row(
            "a step in a new `WorkflowContext`",
            2,
            f64::NAN,
            InWorkflow(one()),
            identity,
        ),
    ])
}

/// Runs a step as a workflow.
struct InWorkflow<S>(S);

impl<S: Step<u64>> Step<u64> for InWorkflow<S> {
    type Output = S::Output;
    type Error = S::Error;

    async fn call(&self, input: u64) -> Result<S::Output, S::Error> {
        WorkflowContext::new("bench").run(&self.0, input).await
    }
}

/// What the rounds measured of one row, in nanoseconds; ratios are taken within a round.
#[derive(Default)]
struct Found {
    by_hand: Vec<f64>,
    nanos: Vec<f64>,
    ratios: Vec<f64>,
}

impl Found {
    fn add(&mut self, row: &Row, runtime: &Runtime) {
        let by_hand = (row.by_hand)(runtime);
        let nanos = (row.flow)(runtime);
        self.by_hand.push(by_hand);
        self.nanos.push(nanos);
        self.ratios.push(nanos / by_hand);
    }
}

fn run(rounds: usize) -> Result<(), Box<dyn StdError>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let rows = rows()?;
    let (mut off, mut on): (Vec<Found>, Vec<Found>) =
        rows.iter().map(|_| Default::default()).unzip();
    for _ in 0..rounds {
        for (row, found) in rows.iter().zip(&mut off) {
            found.add(row, &runtime);
        }
    }
    installed::ensure(true);
    for _ in 0..rounds {
        for (row, found) in rows.iter().zip(&mut on) {
            let before = installed::exported();
            found.add(row, &runtime);
            let spans = installed::exported() - before;
            let expected = row.spans * CALLS * BURSTS as u64;
            if spans != expected {
                return Err(format!("{}: {spans} spans in place of {expected}", row.title).into());
            }
        }
    }
    println!(
        "| flow | by hand, ns | not installed, ns (x by hand) | recorded, ns (x by hand) | spans | TTA.dev, us |"
    );
    println!("|---|---|---|---|---|---|");
    for ((row, off), on) in rows.iter().zip(&off).zip(&on) {
        let by_hand = median(&off.by_hand);
        let original = match row.original {
            unknown if unknown.is_nan() => String::new(),
            micros => micros.to_string(),
        };
        println!(
            "| {} | {by_hand:.1} | {} | {} | {} | {original} |",
            row.title,
            said(off),
            said(on),
            row.spans
        );
    }
    Ok(())
}

fn said(found: &Found) -> String {
    format!("{:.0} ({:.1})", median(&found.nanos), median(&found.ratios))
}

fn main() -> ExitCode {
    harness::rounds_program("steps", 7, &[], |rounds, _| run(rounds))
}
