//! The judges of the other tests, judged: the python oracle's own tests.

use std::process::Command;

use obs_tests::programs;

#[test]
fn the_otlp_oracle_names_each_kind_of_bad_data() {
    let Some(python) = programs::python("the_otlp_oracle_names_each_kind_of_bad_data") else {
        return;
    };
    let mut command = Command::new(python);
    command
        .args(["-B", "-W", "error", "-m", "unittest", "test_checks"])
        .current_dir(programs::oracle_dir());
    let output = programs::run(command, b"").expect("python runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !text.contains("Ran 0 tests"),
        "{text}"
    );
}

#[test]
fn promtool_tells_good_text_from_bad() {
    let test = "promtool_tells_good_text_from_bad";
    let good = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n";
    let Some(output) = programs::promtool_check_metrics(test, good) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let bad = programs::promtool_check_metrics(test, "calls_total{ 1\n");
    assert_eq!(bad.and_then(|o| o.status.code()), Some(1));
}
