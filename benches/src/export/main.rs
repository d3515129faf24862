//! What it costs to bring a span to an OTLP receiver, and what is lost when there are too many.
//!
//! ```text
//! export [--seconds N] [--rounds N] [--rate N] [CLIENT]...   the table, as markdown
//! ```
//! `--rate` has one producer offer that many spans per second in the place of the usual loads.
//! Each run is a process of its own, so its CPU time (all threads) and its peak memory are its own; the
//! receiver, which only counts, is in the parent. Clients take turns within a round.

mod client;
mod fastrace_client;
mod obs_client;
mod opentelemetry_client;
mod receiver;

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use client::Load;
use obs_benches::harness::median;
use receiver::Receiver;

/// Loads: title, spans offered per second (0: as many as possible), producer threads.
const LOADS: [(&str, u64, usize); 4] = [
    ("100,000 spans/s", 100_000, 1),
    ("3,000,000 spans/s", 3_000_000, 1),
    ("flood, 1 producer", 0, 1),
    ("flood, 2 producers", 0, 2),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.first().map(String::as_str) {
        Some("--client") => client::main(&args[1..]),
        _ => table(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("export: {message}");
            ExitCode::FAILURE
        }
    }
}

/// One run, as the parent sees it.
struct Run {
    produced: f64,
    delivered: f64,
    cpu_micros: f64,
    peak_mib: f64,
    seconds: f64,
}

fn table(args: &[String]) -> Result<(), String> {
    let (mut seconds, mut rounds, mut chosen) = (2.0, 3, Vec::new());
    let mut loads: Vec<(String, u64, usize)> = LOADS
        .iter()
        .map(|(title, rate, producers)| ((*title).to_owned(), *rate, *producers))
        .collect();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut number = || {
            let text = args.next().ok_or(format!("{arg} needs a number"))?;
            text.parse::<f64>()
                .map_err(|_| format!("expected a number, got {text:?}"))
        };
        match arg.as_str() {
            "--seconds" => seconds = number()?,
            "--rounds" => rounds = number()? as usize,
            "--rate" => {
                let rate = number()? as u64;
                loads = vec![(format!("{rate} spans/s"), rate, 1)];
            }
            client if client::NAMES.contains(&client) => chosen.push(client),
            other => {
                return Err(format!(
                    "no client {other:?}; there are {:?}",
                    client::NAMES
                ));
            }
        }
    }
    if chosen.is_empty() {
        chosen = client::NAMES.to_vec();
    }
    println!(
        "| load | client | CPU us per delivered span | delivered, M/s | lost % | peak RSS, MiB |"
    );
    println!("|---|---|---|---|---|---|");
    for (title, rate, producers) in loads {
        let mut runs: Vec<Vec<Run>> = chosen.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for (client, runs) in chosen.iter().zip(&mut runs) {
                let load = Load {
                    rate,
                    producers,
                    duration: Duration::from_secs_f64(seconds),
                };
                runs.push(run(client, load)?);
            }
        }
        for (client, runs) in chosen.iter().zip(&runs) {
            let column = |value: fn(&Run) -> f64, digits: usize| {
                let values: Vec<f64> = runs.iter().map(value).collect();
                let min = values.iter().copied().fold(f64::INFINITY, f64::min);
                let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                format!(
                    "{:.digits$} [{min:.digits$}..{max:.digits$}]",
                    median(&values)
                )
            };
            println!(
                "| {title} | {client} | {} | {} | {} | {} |",
                column(|r| r.cpu_micros / r.delivered.max(1.0), 3),
                column(|r| r.delivered / r.seconds / 1e6, 2),
                column(|r| 100.0 * (1.0 - r.delivered / r.produced), 1),
                column(|r| r.peak_mib, 0),
            );
        }
    }
    Ok(())
}

fn run(client: &str, load: Load) -> Result<Run, String> {
    let receiver = Receiver::start().map_err(|e| format!("receiver: {e}"))?;
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new(program)
        .args(["--client", client, &receiver.url()])
        .args([load.rate.to_string(), load.producers.to_string()])
        .arg(load.duration.as_secs_f64().to_string())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|w| w.parse().ok())
        .collect();
    let [produced, cpu_micros, peak_mib, seconds] = numbers[..] else {
        return Err(format!(
            "client {client} failed ({}), it printed {text:?}",
            output.status
        ));
    };
    let counted = receiver.finish()?;
    Ok(Run {
        produced,
        delivered: counted as f64,
        cpu_micros,
        peak_mib,
        seconds,
    })
}
