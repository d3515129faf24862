//! A program under `#[obs_runtime::main]` that ends as its argument says, for `tests/delivery/ends.rs`.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::io::Read as _;

use obs_runtime::traced;

#[traced]
fn work() {}

#[obs_runtime::main(service = "delivery")]
fn main() {
    work();
    match std::env::args().nth(1).as_deref() {
        Some("panic") => panic!("the end"),
        Some("exit") => std::process::exit(3),
        Some("wait") => {
            println!("ready");
            // Nobody writes: the end of it comes with a signal.
            let _ = std::io::stdin().read(&mut [0]);
        }
        _ => {}
    }
}
