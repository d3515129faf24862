//! Meters of OpenTelemetry's API that share names, judged by a receiver and by parsers that share no code with obs.

use obs_runtime::Observability;
use obs_runtime::exporter::otlp::OtlpConfig;
use obs_runtime::exporter::prometheus::{self, Format};
use obs_tests::otlp_oracle::OtlpOracle;
use obs_tests::{own_process, programs};
use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::MeterProvider as _;
use serde_json::{Value, json};

/// Counts under one name in three libraries and in obs.
fn count(obs: &Observability) {
    let counter = obs.metrics().counter("kind").build();
    counter.expect("a counter").add(1);
    let provider = obs.meter_provider();
    let a = InstrumentationScope::builder("a").with_version("1.2");
    let a = provider.meter_with_scope(a.build());
    a.u64_counter("kind").build().add(2, &[]);
    let b = provider.meter("b");
    b.f64_histogram("kind").build().record(3.0, &[]);
    b.u64_counter("orders").build().add(4, &[]);
    a.u64_counter("orders").build().add(5, &[]);
    let _ = a
        .u64_observable_gauge("level")
        .with_callback(|observer| observer.observe(6, &[]))
        .build();
    b.i64_up_down_counter("level").build().add(-7, &[]);
}

// bug: of meters with one name the later counted nothing, and an observable instrument vanished.
#[test]
fn each_library_has_a_scope_over_otlp() -> Result<(), obs_runtime::Error> {
    own_process!();
    let Some(oracle) = OtlpOracle::start("each_library_has_a_scope_over_otlp") else {
        return Ok(());
    };
    let obs = Observability::builder()
        .service_name("meters")
        .otlp_with(OtlpConfig::new(oracle.http_url()))
        .install()?;
    count(&obs);
    obs.shutdown()?;
    let dump = oracle.dump();
    assert_eq!(dump.problems(), &[] as &[Value]);
    let mut found = Vec::new();
    for metric in dump.metrics() {
        let [scope, name] = ["scope", "name"].map(|key| metric[key].as_str().unwrap_or_default());
        if ["kind", "orders", "level"].contains(&name) {
            let point = &metric["points"][0];
            let value = [&point["value"], &point["sum"]]
                .into_iter()
                .find_map(Value::as_f64);
            found.push(json!([name, scope, value]));
        }
    }
    found.sort_by_key(Value::to_string);
    assert_eq!(
        found,
        [
            json!(["kind", "a", 2.0]),
            json!(["kind", "b", 3.0]),
            json!(["kind", "obs", 1.0]),
            json!(["level", "a", 6.0]),
            json!(["level", "b", -7.0]),
            json!(["orders", "a", 5.0]),
            json!(["orders", "b", 4.0]),
        ]
    );
    Ok(())
}

#[test]
fn the_page_of_meters_is_valid() {
    own_process!();
    let test = "the_page_of_meters_is_valid";
    let obs = Observability::builder().install().expect("installs");
    count(&obs);
    let families = obs.collect_metrics();
    let text = prometheus::encode(&families, &[]);
    let open_metrics = prometheus::encode_as(&families, &[], Format::OpenMetrics);
    assert!(text.conflicts.is_empty(), "{:?}", text.conflicts);
    // A family of OpenMetrics has one type: the histogram is left out, and that is said.
    assert_eq!(
        open_metrics.conflicts.len(),
        1,
        "{:?}",
        open_metrics.conflicts
    );
    if let Some(python) = programs::python(test) {
        for (page, format) in [(&text.text, "text"), (&open_metrics.text, "openmetrics")] {
            let families = programs::parse_metrics(&python, page, format);
            let families = families.unwrap_or_else(|said| panic!("{said}"));
            let of = |name: &str| families.iter().filter(|f| f["name"] == name).count();
            assert_eq!((of("orders"), of("level")), (1, 1), "{format}");
        }
    }
    if let Some(output) = programs::promtool_check_metrics(test, &text.text) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("error"), "{said}");
    }
}
