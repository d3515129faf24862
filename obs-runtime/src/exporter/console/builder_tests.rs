use super::*;
use crate::vars::Vars;

fn resolved(mut console: Console, set: &[(&str, &str)]) -> (Console, Vec<String>) {
    let mut env = Environment::new(Vars::of_list(set));
    console.resolve(&mut env);
    (console, env.vars.problems)
}

#[test]
fn every_signal_can_be_printed() {
    let (console, problems) = resolved(
        Console::default(),
        &[
            ("OTEL_LOGS_EXPORTER", "none,console"),
            ("OTEL_METRICS_EXPORTER", "console"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1500"),
        ],
    );
    assert_eq!(problems, [""; 0]);
    assert!(console.logs && console.traces.is_none());
    assert_eq!(console.metrics, Some(Duration::from_millis(1500)));
    let set = [("OTEL_METRICS_EXPORTER", "none, console")];
    let (console, _) = resolved(Console::default(), &set);
    assert_eq!(console.metrics, Some(Duration::from_secs(60)));
    assert!(!console.logs);
}

#[test]
fn the_program_comes_before_the_environment() {
    for (said, list, expected) in [
        (None, "", None),
        (None, "console", Some(true)),
        (None, "none", Some(false)),
        (Some(true), "none", Some(true)),
        (Some(false), "console", Some(false)),
    ] {
        let console = Console {
            traces: said,
            ..Console::default()
        };
        let (console, _) = resolved(console, &[("OTEL_TRACES_EXPORTER", list)]);
        assert_eq!(console.traces, expected, "{said:?} {list}");
    }
}
