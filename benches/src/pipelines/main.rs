//! Overhead of a pipeline per task, beside tokio alone running the same futures: as many tasks as
//! possible at once, and all in a line.
//!
//! ```text
//! pipelines [--rounds N]
//! ```

use std::process::ExitCode;
use std::time::{Duration, Instant};

use obs_benches::harness::{self, median};
use obs_runtime::{
    Error, Observability, exporter::RecordExporter, pipeline::Pipeline, trace::SpanRecord,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Numbers of tasks; the last is run once per round whatever it takes.
const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Graph {
    /// No task waits for another.
    Wide,
    /// Each task waits for the one before.
    Line,
}

/// Takes spans and does nothing with them.
struct Discard;

impl RecordExporter for Discard {
    fn export(&mut self, _: Vec<SpanRecord>) -> Result<(), Error> {
        Ok(())
    }
}

/// The work of each task.
async fn work() -> Result<u64, Error> {
    tokio::task::yield_now().await;
    Ok(1)
}

fn main() -> ExitCode {
    harness::rounds_program("pipelines", 7, run)
}

/// What one round measured of one graph.
#[derive(Default)]
struct Times {
    build: Vec<f64>,
    tokio: Vec<f64>,
    off: Vec<f64>,
    on: Vec<f64>,
}

fn run(rounds: usize) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    println!(
        "| graph | tasks | build, us/task | tokio, us/task | obs not installed, us/task (x tokio) | obs, us/task (x tokio) |"
    );
    println!("|---|---|---|---|---|---|");
    for graph in [Graph::Wide, Graph::Line] {
        for size in SIZES {
            let mut times = Times::default();
            for _ in 0..rounds {
                let per_task = |t: Duration| t.as_secs_f64() * 1e6 / size as f64;
                times
                    .tokio
                    .push(per_task(tokio_alone(&runtime, graph, size)?));
                let (build, off) = pipeline(&runtime, graph, size)?;
                times.off.push(per_task(off));
                times.build.push(per_task(build));
                let obs = Observability::builder()
                    .service_name("benches")
                    .record_exporter(Discard)
                    .install()?;
                times.on.push(per_task(pipeline(&runtime, graph, size)?.1));
                obs.shutdown()?;
            }
            let ratio = |of: &[f64]| {
                let ratios: Vec<f64> = of.iter().zip(&times.tokio).map(|(a, b)| a / b).collect();
                format!("{:.2} ({:.1})", median(of), median(&ratios))
            };
            println!(
                "| {graph:?} | {size} | {:.2} | {:.2} | {} | {} |",
                median(&times.build),
                median(&times.tokio),
                ratio(&times.off),
                ratio(&times.on)
            );
        }
    }
    Ok(())
}

/// The same futures in the same order without pipelines.
fn tokio_alone(runtime: &Runtime, graph: Graph, size: usize) -> Result<Duration, Error> {
    let start = Instant::now();
    let done = runtime.block_on(async {
        let mut sum = 0;
        match graph {
            Graph::Wide => {
                let mut tasks = JoinSet::new();
                for _ in 0..size {
                    tasks.spawn(work());
                }
                while let Some(done) = tasks.join_next().await {
                    sum += done.map_or(0, |r| r.unwrap_or(0));
                }
            }
            Graph::Line => {
                for _ in 0..size {
                    sum += tokio::spawn(work()).await.map_or(0, |r| r.unwrap_or(0));
                }
            }
        }
        sum
    });
    assert_eq!(done, size as u64);
    Ok(start.elapsed())
}

/// Time to build the pipeline, and to run it.
fn pipeline(runtime: &Runtime, graph: Graph, size: usize) -> Result<(Duration, Duration), Error> {
    let names: Vec<String> = (0..size).map(|n| format!("task_{n}")).collect();
    let start = Instant::now();
    let mut builder = Pipeline::builder("bench");
    for (n, name) in names.iter().enumerate() {
        let before = (graph == Graph::Line && n > 0).then(|| names[n - 1].as_str());
        builder = builder.task(name.clone(), before, |_| work());
    }
    let pipeline = builder.build()?;
    let built = start.elapsed();
    let start = Instant::now();
    let result = runtime.block_on(pipeline.run())?;
    let ran = start.elapsed();
    assert!(result.succeeded());
    Ok((built, ran))
}
