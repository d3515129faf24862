use super::*;

const KNOWN: [Selectable; 3] = [
    Selectable::new("otlp", "otlp", true),
    Selectable::new("pages", "http", true).metrics_only(),
    Selectable::new("paper", "printer", false).variable("PAPER_SIZE"),
];

fn read(set: &[(&str, &str)]) -> (Selection, Vec<String>) {
    let mut vars = Vars::of_list(set);
    let selection = Selection::read(&KNOWN, &mut vars);
    selection.check(&KNOWN, &mut vars);
    (selection, vars.problems)
}

#[test]
fn each_list_selects_for_its_signal() {
    let (selection, problems) = read(&[
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", " pages , otlp"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ]);
    assert_eq!(problems, [""; 0]);
    assert_eq!(selection.traces.has("otlp"), Some(true));
    assert_eq!(selection.traces.has("pages"), Some(false));
    assert_eq!(selection.metrics.has("pages"), Some(true));
    assert_eq!(selection.logs.has("otlp"), Some(false));
}

#[test]
fn what_is_not_known_is_said_and_selects_nothing() {
    let (selection, problems) = read(&[
        ("OTEL_TRACES_EXPORTER", "pages"),
        ("OTEL_METRICS_EXPORTER", "zipkin, pages"),
        ("OTEL_LOGS_EXPORTER", ""),
    ]);
    assert_eq!(
        problems,
        [
            "OTEL_TRACES_EXPORTER=pages: expected otlp, paper or none; it is left out",
            "OTEL_METRICS_EXPORTER=zipkin: expected otlp, pages, paper or none; it is left out",
        ]
    );
    assert_eq!(selection.traces.has("otlp"), None);
    assert_eq!(selection.metrics.has("pages"), Some(true));
    assert_eq!(selection.logs.has("otlp"), None);
}

#[test]
fn what_is_not_built_in_names_its_feature() {
    let does_nothing =
        |variable| format!("{variable} does nothing: enable feature `printer` of obs-runtime");
    let (_, problems) = read(&[("OTEL_LOGS_EXPORTER", "paper"), ("PAPER_SIZE", "A4")]);
    let expected = ["PAPER_SIZE", "OTEL_LOGS_EXPORTER"].map(does_nothing);
    assert_eq!(problems, expected);
    let (_, problems) = read(&[("OTEL_LOGS_EXPORTER", "otlp")]);
    assert_eq!(problems, [""; 0]);
}
