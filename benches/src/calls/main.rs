//! Cost of `#[llm_call]` per call, beside `#[traced]`: what a call adds whose tokens are counted and priced.
//!
//! ```text
//! calls [--rounds N] [--bursts N] [ROW]...   the table, as markdown
//! calls --count ROW VARIANT CALLS            only runs the calls; for callgrind, see instructions.sh
//! calls --list                               rows and their variants
//! ```

mod rows;

use std::process::ExitCode;

use obs_benches::harness::{self, Effort};
use obs_benches::table;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("calls: {message}");
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
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut chosen = Vec::new();
    match args[..] {
        ["--list"] => {
            for row in &rows {
                let names: Vec<_> = row.variants.iter().map(|v| v.name).collect();
                println!("{} {}", row.name, names.join(" "));
            }
            return Ok(());
        }
        ["--count", row, variant, calls] => {
            let found = rows.iter().find(|known| known.name == row);
            let variants = found.map_or(&[][..], |row| &row.variants);
            let variant = variants.iter().find(|known| known.name == variant);
            let variant = variant.ok_or("no such row and variant of it; see --list")?;
            println!("{}", harness::count(variant, number(calls)?));
            return Ok(());
        }
        _ => {}
    }
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let mut value = || number(args.next().unwrap_or_default());
        match arg {
            "--rounds" => effort.rounds = value()?.max(1) as usize,
            "--bursts" => effort.bursts = value()?.max(1) as usize,
            row => chosen.push(row),
        }
    }
    rows.retain(|row| chosen.is_empty() || chosen.contains(&row.name));
    print!("{}", table::head("traced"));
    for row in &rows {
        let measured = harness::measure(row, effort);
        print!("{}", table::lines(row, &measured, "traced"));
    }
    Ok(())
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number, got {text:?}"))
}
