//! Programs that a machine may or may not have, and how a test does without them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The python modules of `oracle/requirements.txt`.
const PYTHON_MODULES: &str =
    "import grpc, opentelemetry.proto.collector, prometheus_client, pytest_genai_semconv";

/// The folder of the python programs.
pub fn oracle_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle")
}

/// Where `.ci/run` installs what Debian has no package for.
fn cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("obs-tests"))
}

/// The first that exists: what the variable names, what `.ci/run` installs, a program of the path.
pub fn find(variable: &str, installed: &str, program: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let installed = cache().map(|cache| cache.join(installed));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_path = std::env::split_paths(&path).map(|folder| folder.join(program));
    let mut candidates = named.into_iter().chain(installed).chain(of_path);
    candidates.find(|candidate| candidate.exists())
}

/// A python that has the oracle's packages: `OBS_TEST_PYTHON`, the virtual environment that
/// `.ci/run` makes, or the `python3` of the path. `None` (and a SKIPPED line) if there is none.
///
/// # Panics
/// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`.
pub fn python(test: &str) -> Option<PathBuf> {
    let found = find_python();
    if found.is_none() {
        missing(
            test,
            "python3 with the packages of tests/oracle/requirements.txt (see .ci/run, or set OBS_TEST_PYTHON)",
        );
    }
    found
}

/// The python of [`python`], if there is one.
pub fn find_python() -> Option<PathBuf> {
    let candidates = [
        std::env::var_os("OBS_TEST_PYTHON").map(PathBuf::from),
        cache().map(|c| c.join("venv/bin/python")),
        Some(PathBuf::from("python3")),
    ];
    candidates.into_iter().flatten().find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", PYTHON_MODULES]);
        run(command, b"").is_ok_and(|out| out.status.success())
    })
}

/// `promtool check metrics` on a text; `None` (and a SKIPPED line) when promtool is not installed.
///
/// # Panics
/// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when promtool cannot be run.
pub fn promtool_check_metrics(test: &str, text: &str) -> Option<Output> {
    let mut command = promtool(test)?;
    command.args(["check", "metrics"]);
    Some(run(command, text.as_bytes()).expect("promtool takes its standard input"))
}

/// `promtool check rules` on a file; `None` (and a SKIPPED line) when promtool is not installed.
///
/// # Panics
/// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when promtool cannot be run.
pub fn promtool_check_rules(test: &str, file: &Path) -> Option<Output> {
    let mut command = promtool(test)?;
    command.args(["check", "rules"]).arg(file);
    Some(run(command, b"").expect("promtool runs"))
}

/// `promtool test rules` on a file; `None` (and a SKIPPED line) when promtool is not installed.
///
/// # Panics
/// Instead of `None` when `OBS_REQUIRE_BACKENDS=1`; when promtool cannot be run.
pub fn promtool_test_rules(test: &str, file: &Path) -> Option<Output> {
    let mut command = promtool(test)?;
    command.args(["test", "rules"]).arg(file);
    Some(run(command, b"").expect("promtool runs"))
}

fn promtool(test: &str) -> Option<Command> {
    if Command::new("promtool").arg("--version").output().is_err() {
        missing(test, "promtool (Debian package prometheus)");
        return None;
    }
    Some(Command::new("promtool"))
}

/// The metric families of a page, as Prometheus' official parser reads them; `format` is `text` or `openmetrics`.
///
/// # Errors
/// What the parser says of a page that is not valid, and the page.
///
/// # Panics
/// When the python of [`python`] cannot run the parser.
pub fn parse_metrics(python: &Path, page: &str, format: &str) -> Result<Vec<Value>, String> {
    let mut command = Command::new(python);
    let program = oracle_dir().join("prometheus_text.py");
    command.arg("-B").arg(program).arg(format);
    let output = run(command, page.as_bytes()).expect("python runs");
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).expect("JSON"))
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{format}: {said}\n{page}"))
    }
}

/// The program without the variables of this process that configure it: its exporters, its models, its proxies.
pub fn unconfigured(mut program: Command) -> Command {
    let configures = |name: &str| {
        let prefixes = ["OPENAI_", "OTEL_", "OBS_"];
        let is_prefix = prefixes.iter().any(|prefix| name.starts_with(prefix));
        is_prefix || name.to_lowercase().ends_with("_proxy")
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(configures) {
            program.env_remove(name);
        }
    }
    program
}

/// Runs a program to its end with that standard input.
///
/// # Errors
/// When it cannot be started or read.
///
/// # Panics
/// Never: standard input is piped.
pub fn run(mut command: Command, input: &[u8]) -> std::io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("piped above");
    let input = input.to_vec();
    // A thread writes: the program may answer before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    // A program may end without reading all; its output says why.
    let _ = writer.join();
    Ok(output)
}

/// Says that a test cannot run here.
///
/// # Panics
/// When `OBS_REQUIRE_BACKENDS=1`: on such a machine nothing may be missing.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn missing(test: &str, what: &str) {
    assert!(
        std::env::var_os("OBS_REQUIRE_BACKENDS").is_none_or(|v| v != "1"),
        "{test} needs {what}, and OBS_REQUIRE_BACKENDS=1"
    );
    eprintln!("{test}: SKIPPED, needs {what}");
}
