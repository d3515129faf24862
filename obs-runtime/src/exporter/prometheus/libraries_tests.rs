//! Metrics of one name that belong to several libraries.

use std::sync::Arc;

use super::*;
use crate::metrics::{Library, MetricsCollector};

// bug: of two libraries' metrics with one name the page had one, or two with the same labels.
#[test]
fn metrics_of_libraries_have_labels_that_name_them() {
    let library = |name: &'static str, version: &'static str| {
        let attributes = vec![("shard".into(), 7_i64.into(), "7".to_owned())];
        Arc::new(Library::new(
            name.into(),
            version.into(),
            "".into(),
            if version.is_empty() {
                Vec::new()
            } else {
                attributes
            },
        ))
    };
    let (a, b) = (library("a", "1.2"), library("b", ""));
    let own = MetricsCollector::new();
    own.counter("kind").build().expect("valid").add(1);
    let (of_a, of_b) = (MetricsCollector::new(), MetricsCollector::new());
    of_a.counter("kind").build().expect("valid").add(2);
    of_b.histogram("kind")
        .buckets([1])
        .build()
        .expect("valid")
        .observe(1);
    of_b.gauge("level").build().expect("valid").set(3);
    let mut families = own.collect_all();
    of_a.collect_of(Some(&a), &mut families);
    of_b.collect_of(Some(&b), &mut families);

    // A counter ends with `_total` there, so the histogram is none of its family.
    let page = encode(&families, &[]);
    let lines: Vec<_> = page
        .text
        .lines()
        .filter(|l| !l.starts_with("# HELP"))
        .collect();
    assert_eq!(
        lines,
        [
            "# TYPE kind histogram",
            "kind_bucket{otel_scope_name=\"b\",le=\"1\"} 1",
            "kind_bucket{otel_scope_name=\"b\",le=\"+Inf\"} 1",
            "kind_sum{otel_scope_name=\"b\"} 1",
            "kind_count{otel_scope_name=\"b\"} 1",
            "# TYPE kind_total counter",
            "kind_total 1",
            "kind_total{otel_scope_name=\"a\",otel_scope_shard=\"7\",otel_scope_version=\"1.2\"} 2",
            "# TYPE level gauge",
            "level{otel_scope_name=\"b\"} 3",
        ]
    );
    assert!(page.conflicts.is_empty(), "{:?}", page.conflicts);
    // In OpenMetrics it is: one type for a family, and a line that says what to do.
    let page = encode_as(&families, &[], Format::OpenMetrics);
    assert_eq!(page.text.matches("# TYPE kind ").count(), 1);
    assert!(
        page.text.contains("kind_total{otel_scope_name=\"a\""),
        "{}",
        page.text
    );
    assert_eq!(
        page.conflicts,
        [
            "metric `kind` of library \"b\" (histogram) is left out: metric `kind` (counter) has the name \
          `kind` already; give one another name"
        ]
    );
    // The same series from two namespaces of a library is one line.
    let mut twice = Vec::new();
    of_b.collect_of(Some(&b), &mut twice);
    of_b.collect_of(Some(&Arc::new(b.beside())), &mut twice);
    let page = encode(&twice, &[]);
    assert_eq!(page.text.matches("level{").count(), 1);
    assert!(
        page.conflicts
            .iter()
            .any(|c| c.contains("`level{otel_scope_name=\"b\"}`"))
    );
}
