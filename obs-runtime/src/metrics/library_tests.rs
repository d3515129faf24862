use super::*;
use crate::metrics::{MetricData, MetricsCollector};

fn attribute(key: &'static str, value: &str) -> LibraryAttribute {
    (key.into(), value.to_owned().into(), value.to_owned())
}

fn library(attributes: Vec<LibraryAttribute>) -> Library {
    let url = "https://example.com/1".into();
    Library::new("driver".into(), "1.2".into(), url, attributes)
}

/// The labels of the only series of a counter.
fn labels(family: &MetricFamily) -> Vec<(&str, &str)> {
    let MetricData::Counter(points) = &family.data else {
        panic!("{family:?}")
    };
    points[0].labels.iter().collect()
}

#[test]
fn labels_name_the_library_where_there_are_no_scopes() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    let rows = collector
        .counter("rows")
        .labels(["otel.scope.name", "table"]);
    rows.build()?.with(["mine", "users"])?.inc();
    let library = library(vec![
        attribute("shard", "7"),
        // Another part has the name already.
        attribute("version", "9"),
    ]);
    let mut families = Vec::new();
    collector.collect_of(Some(&Arc::new(library)), &mut families);
    assert_eq!(
        labels(&families[0]),
        [("otel.scope.name", "mine"), ("table", "users")]
    );
    assert_eq!(
        labels(&families[0].with_library_labels()),
        [
            ("otel.scope.name", "driver"),
            ("otel.scope.schema_url", "https://example.com/1"),
            ("otel.scope.shard", "7"),
            ("otel.scope.version", "1.2"),
            ("table", "users"),
        ]
    );
    Ok(())
}

#[test]
fn a_library_is_the_same_whatever_its_namespace() {
    let one = library(vec![attribute("shard", "7")]);
    let beside = one.beside();
    assert_eq!(one, beside);
    assert_ne!(one.namespace(), beside.namespace());
    assert_ne!(one, library(Vec::new()));
    // Without a name and anything else there is nothing to add.
    let unnamed = Library::new("".into(), "".into(), "".into(), Vec::new());
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").build();
    rows.expect("a counter").inc();
    let mut families = Vec::new();
    collector.collect_of(Some(&Arc::new(unnamed)), &mut families);
    assert!(labels(&families[0].with_library_labels()).is_empty());
}

#[cfg(feature = "serde")]
#[test]
fn a_family_is_written_with_its_library() {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").build();
    rows.expect("a counter").inc();
    let library = Arc::new(library(vec![attribute("shard", "7")]));
    let mut families = collector.collect_all();
    collector.collect_of(Some(&library), &mut families);
    let json = serde_json::to_value(&families).expect("JSON");
    assert!(json[0].get("library").is_none(), "{json}");
    assert_eq!(
        json[1]["library"],
        serde_json::json!({
            "name": "driver",
            "version": "1.2",
            "schema_url": "https://example.com/1",
            "attributes": {"shard": "7"},
        })
    );
}
