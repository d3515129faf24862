//! Tests that need a process of their own, although they share a test program with others.

use std::any::type_name;
use std::process::Command;

/// Names the test that the process was started for.
const VARIABLE: &str = "OBS_TESTS_OWN_PROCESS";

/// Runs the rest of the test in a process of its own: the same test program, started again for this test alone,
/// with the variables that are given. It is the first statement of the test.
///
/// What belongs to a process is then the test's own: the installed default, the environment, the globals of other
/// libraries.
#[macro_export]
macro_rules! own_process {
    ($($variable:expr => $value:expr),*) => {
        fn here() {}
        if $crate::own_process::has_passed(&here, &[$(($variable, $value)),*]) {
            return $crate::own_process::Passed::passed();
        }
    };
}

/// What a test returns when it has passed.
pub trait Passed {
    /// The value that says so.
    fn passed() -> Self;
}

impl Passed for () {
    fn passed() -> Self {}
}

impl<E> Passed for Result<(), E> {
    fn passed() -> Self {
        Ok(())
    }
}

/// Runs the test that the function `here` stands in, and returns true; false in the process that was started for it.
///
/// # Panics
/// When the test fails.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn has_passed<F>(_here: &F, variables: &[(&str, &str)]) -> bool {
    let test = test_of(type_name::<F>());
    if std::env::var(VARIABLE).is_ok_and(|started_for| started_for == test) {
        return false;
    }
    let program = std::env::current_exe().expect("the test program has a path");
    let output = Command::new(program)
        .args([test, "--exact", "--nocapture"])
        .env(VARIABLE, test)
        .envs(variables.iter().copied())
        .output()
        .expect("the test program can be started again");
    let said = String::from_utf8_lossy(&output.stderr);
    let summary = String::from_utf8_lossy(&output.stdout);
    // A name that no test has would be a success as well, of no test.
    let passed = output.status.success() && summary.contains("test result: ok. 1 passed");
    assert!(passed, "{}\n{summary}\n{said}", output.status);
    eprint!("{said}");
    true
}

/// The name that the test program knows a test by: the path of a function in it, without the crate.
fn test_of(here: &str) -> &str {
    let (_, path) = here.split_once("::").expect("the path begins with a crate");
    let test = path.strip_suffix("::here").expect("the macro names it");
    // The body of an async test is a closure in it.
    test.split("::{{closure}}").next().unwrap_or(test)
}
