//! Overhead of a pipeline per task, beside tokio alone running the same futures: all at once, in a
//! line, in layers, and as the items of a mapped task, asynchronous or on threads that may block;
//! and the memory that a task takes while all of them wait.
//!
//! ```text
//! pipelines [--rounds N] [wide] [line] [layered] [items] [threads] [memory]
//! pipelines --rounds N short
//! ```
//!
//! `short` only runs 100 tasks at once, N times, recorded: for a profiler.

mod graphs;
mod memory;

use std::process::ExitCode;
use std::time::Duration;

use obs_benches::harness::{self, median};
use obs_runtime::{Error, Observability, exporter::RecordExporter, trace::SpanRecord};

use graphs::Graph;

/// Numbers of tasks; the last is run once per round whatever it takes.
const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

/// Takes spans and does nothing with them.
struct Discard;

impl RecordExporter for Discard {
    fn export(&mut self, _: Vec<SpanRecord>) -> Result<(), Error> {
        Ok(())
    }
}

fn main() -> ExitCode {
    let rows: Vec<&str> = Graph::ALL.iter().map(|g| g.name()).collect();
    let rows = [&rows[..], &["memory", "short"]].concat();
    harness::rounds_program("pipelines", 7, &rows, |rounds, named| {
        if named.iter().any(|name| name == "short") {
            return short(rounds);
        }
        let is_asked = |row: &str| named.is_empty() || named.iter().any(|name| name == row);
        let graphs: Vec<Graph> = Graph::ALL
            .into_iter()
            .filter(|g| is_asked(g.name()))
            .collect();
        if !graphs.is_empty() {
            times(rounds, &graphs)?;
        }
        if is_asked("memory") {
            memory::print()?;
        }
        Ok(())
    })
}

fn short(rounds: usize) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let obs = Observability::builder()
        .service_name("benches")
        .record_exporter(Discard)
        .install()?;
    let mut ran = Duration::ZERO;
    for _ in 0..rounds {
        ran += Graph::Wide.pipeline(&runtime, SIZES[0])?.1;
    }
    obs.shutdown()?;
    println!("{:.1} us a run", ran.as_secs_f64() * 1e6 / rounds as f64);
    Ok(())
}

/// What one round measured of one graph.
#[derive(Default)]
struct Times {
    build: Vec<f64>,
    tokio: Vec<f64>,
    off: Vec<f64>,
    on: Vec<f64>,
}

fn times(rounds: usize, graphs: &[Graph]) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    println!(
        "| graph | tasks | build, us/task | tokio, us/task | obs not installed, us/task (x tokio) | obs, us/task (x tokio) |"
    );
    println!("|---|---|---|---|---|---|");
    for graph in graphs.iter().copied() {
        for size in SIZES {
            let mut times = Times::default();
            // Allocators, pools of threads and lazy statics come into being outside of the rounds.
            graph.pipeline(&runtime, size)?;
            for _ in 0..rounds {
                let per_task = |t: Duration| t.as_secs_f64() * 1e6 / size as f64;
                times
                    .tokio
                    .push(per_task(graph.tokio_alone(&runtime, size)));
                let (build, off) = graph.pipeline(&runtime, size)?;
                times.off.push(per_task(off));
                times.build.push(per_task(build));
                let obs = Observability::builder()
                    .service_name("benches")
                    .record_exporter(Discard)
                    .install()?;
                times.on.push(per_task(graph.pipeline(&runtime, size)?.1));
                obs.shutdown()?;
            }
            let ratio = |of: &[f64]| {
                let ratios: Vec<f64> = of.iter().zip(&times.tokio).map(|(a, b)| a / b).collect();
                format!("{:.2} ({:.1})", median(of), median(&ratios))
            };
            println!(
                "| {} | {size} | {:.2} | {:.2} | {} | {} |",
                graph.name(),
                median(&times.build),
                median(&times.tokio),
                ratio(&times.off),
                ratio(&times.on)
            );
        }
    }
    Ok(())
}
