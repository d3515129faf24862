use super::*;

fn named(set: &[(&str, &str)]) -> (Option<(String, u16)>, Vec<String>) {
    let mut env = Environment::new(Vars::of_list(set));
    let mut prometheus = Prometheus::default();
    prometheus.resolve(&mut env);
    (prometheus.named, env.vars.problems)
}

#[test]
fn the_environment_names_a_host_and_a_port() {
    const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";
    let selected = ("OTEL_METRICS_EXPORTER", "none,prometheus");
    let at = |host: &str, port| Some((host.to_owned(), port));
    let host = ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1");
    for (set, expected) in [
        (&[(PORT, "0"), host][..], None),
        (&[selected], at("localhost", 9464)),
        (&[selected, (PORT, "0"), host], at("127.0.0.1", 0)),
    ] {
        assert_eq!(named(set), (expected, Vec::new()), "{set:?}");
    }
    let (none, problems) = named(&[selected, (PORT, "99999")]);
    assert_eq!(none, None);
    let said = "OTEL_EXPORTER_PROMETHEUS_PORT=99999: ";
    assert!(
        problems.len() == 1 && problems[0].starts_with(said),
        "{problems:?}"
    );
}
