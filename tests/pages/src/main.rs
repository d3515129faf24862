//! The programs of the pages: the first argument says which of them runs.

#![allow(
    warnings,
    clippy::all,
    clippy::pedantic,
    reason = "programs of pages are short"
)]

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

fn main() -> std::process::ExitCode {
    run(&std::env::args().nth(1).expect("the name of a program"))
}
