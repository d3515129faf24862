use ::opentelemetry::metrics::Meter;

use super::*;

// bug: what clashed counted nothing, and an observable instrument vanished without a word.
#[test]
fn a_name_that_is_given_twice_is_said_once() {
    let namespace = Meters::default().of(&InstrumentationScope::builder("driver").build());
    let meter = Meter::new(Arc::clone(&namespace) as Arc<_>);
    let said = || -> Vec<String> { lock(&namespace.said).values().cloned().collect() };
    for _ in 0..2 {
        let _ = meter.u64_counter("kind").build();
        let _ = meter.f64_counter("kind").build();
        let gauge = meter.u64_observable_gauge("level");
        let _ = gauge.with_callback(|_| {}).build();
    }
    assert!(said().is_empty(), "{:?}", said());
    for _ in 0..2 {
        let _ = meter.f64_histogram("Kind").build();
        let _ = meter.i64_gauge("level").build();
    }
    let both = "until then both are exported under this name, and a back end may refuse one";
    assert_eq!(
        said(),
        [
            format!(
                "opentelemetry: library \"driver\": metric `kind` exists with kind counter, but is asked for \
                 with histogram: use the same definition, or another name; {both}"
            ),
            format!(
                "opentelemetry: library \"driver\": metric `level` is both observed and counted: use another \
                 name for one; {both}"
            ),
        ]
    );
    let _ = meter.u64_counter("no name").build();
    assert!(
        said()[2].starts_with("opentelemetry: library \"driver\": an instrument counts nothing: ")
    );
}
