//! A program that takes its caller from the environment: prints what it sees and records.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use obs_runtime::propagation::{self, Environment};
use obs_runtime::{testing, traced};

#[traced]
fn work() {}

fn main() {
    let caller = propagation::extract(&Environment::read());
    let captured = testing::capture(|| {
        let _inside = caller.attach();
        work();
    });
    let span = captured.span("work");
    println!("{}", span.trace_id);
    println!("{:?} {}", span.parent_id, span.parent_is_remote);
    println!("{}", caller.trace_state());
    println!("{}", caller.baggage());
}
