//! Cost of a span per call: bare function, fastrace, obs and, with `--features peers-heavy`, OpenTelemetry's SDK and
//! tracing over it.
//!
//! ```text
//! spans [--rounds N] [--bursts N] [ROW]...   the table, as markdown
//! spans --count ROW VARIANT CALLS            only runs the calls; for callgrind, see instructions.sh
//! spans --threads [--rounds N] [ROW]...       two threads at once, beside one
//! spans --list                               rows and their variants
//! ```
//!
//! With the variable `LINES` (and `peers-heavy`), functions keep their fields as if log lines were written.

mod bare;
#[cfg(feature = "peers")]
mod fastrace_rows;
mod obs_rows;
#[cfg(feature = "peers-heavy")]
mod opentelemetry_rows;
mod rows;
#[cfg(feature = "peers-heavy")]
mod tracing_rows;

use std::process::ExitCode;

use obs_benches::harness::{self, Effort, Row};
use obs_benches::{table, threads};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    #[cfg(feature = "peers-heavy")]
    if std::env::var_os("LINES").is_some() {
        use obs_runtime::interop::tracing::{Format, lines};
        drop(lines::<tracing_subscriber::Registry>(Format::Json));
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("spans: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let mut rows = rows::all();
    let mut effort = Effort {
        rounds: 30,
        bursts: 20,
    };
    let mut chosen = Vec::new();
    let mut two_threads = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--list" => {
                for row in &rows {
                    let names: Vec<_> = row.variants.iter().map(|v| v.name).collect();
                    println!("{} {}", row.name, names.join(" "));
                }
                return Ok(());
            }
            "--count" => {
                let (row, variant, calls) = (value()?, value()?, number(value()?)?);
                let row = find(&rows, row)?;
                let variant = row
                    .variants
                    .iter()
                    .find(|v| v.name == variant)
                    .ok_or(format!(
                        "row {} has no variant {variant}; see --list",
                        row.name
                    ))?;
                println!("{}", harness::count(variant, calls));
                return Ok(());
            }
            "--threads" => two_threads = true,
            "--rounds" => effort.rounds = number(value()?)? as usize,
            "--bursts" => effort.bursts = number(value()?)? as usize,
            row => chosen.push(find(&rows, row)?.name),
        }
    }
    if effort.rounds == 0 || effort.bursts == 0 {
        return Err("--rounds and --bursts must be at least 1".into());
    }
    rows.retain(|r| chosen.is_empty() || chosen.contains(&r.name));
    if two_threads {
        print_threads(&rows, effort.rounds);
        return Ok(());
    }
    print!("{}", table::head("fastrace"));
    for row in &rows {
        print!(
            "{}",
            table::lines(row, &harness::measure(row, effort), "fastrace")
        );
    }
    println!("\n{}", rows::check_counts()?);
    Ok(())
}

/// How the rows scale from one thread to two.
fn print_threads(rows: &[Row], rounds: usize) {
    println!("{}", threads::HEAD);
    for row in rows {
        let Some((bare, variants)) = row.variants.split_first() else {
            continue;
        };
        for v in variants {
            let line = threads::line(row.title, v.name, v.burst, bare.burst, v.drain, rounds);
            println!("{line}");
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number, got {text:?}"))
}

fn find<'a>(rows: &'a [Row], name: &str) -> Result<&'a Row, String> {
    rows.iter()
        .find(|r| r.name == name)
        .ok_or(format!("no row {name:?}; see --list"))
}
