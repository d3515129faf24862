//! The small examples from the outside.

mod axum;
mod conventions;

use std::process::Command;

use obs_tests::programs;

/// An example's program, which is built with the tests, in an environment that says nothing.
fn example(name: &str) -> Command {
    let mut folder = std::env::current_exe().expect("the test program has a path");
    folder.pop();
    folder.pop();
    let program = folder.join("examples").join(name);
    assert!(
        program.exists(),
        "`cargo build --examples` first: there is no {}",
        program.display()
    );
    programs::unconfigured(Command::new(program))
}
