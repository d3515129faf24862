//! Exponential histograms and summaries in both text formats.

use crate::exporter::prometheus::{Format, encode_as, text};
use crate::metrics::MetricsCollector;

type Result<T = ()> = std::result::Result<T, crate::Error>;

fn open_metrics(collector: &MetricsCollector) -> String {
    encode_as(&collector.collect_all(), &[], Format::OpenMetrics).text
}

#[test]
fn exponential_histograms_are_classic_buckets_with_lasting_bounds() -> Result {
    let collector = MetricsCollector::new();
    let h = collector.histogram("h").unit("s").exponential().build()?;
    for value in [1.5, 2.0, 3.0] {
        h.observe(value);
    }
    let first = text(&collector.collect_all(), &[]);
    // Four buckets for each doubling; only those between the smallest and the largest value.
    let expected = "# HELP h_seconds h\n# TYPE h_seconds histogram\n\
         h_seconds_bucket{le=\"1.4142135623730951\"} 0\n\
         h_seconds_bucket{le=\"1.681792830507429\"} 1\n\
         h_seconds_bucket{le=\"2\"} 2\n\
         h_seconds_bucket{le=\"2.378414230005442\"} 2\n\
         h_seconds_bucket{le=\"2.8284271247461903\"} 2\n\
         h_seconds_bucket{le=\"3.363585661014858\"} 3\n\
         h_seconds_bucket{le=\"+Inf\"} 3\n\
         h_seconds_sum 6.5\nh_seconds_count 3\n";
    assert_eq!(first, expected);
    // Wider values join no buckets that Prometheus knows.
    h.observe(1e5);
    let second = text(&collector.collect_all(), &[]);
    for line in first
        .lines()
        .filter(|l| l.contains("le=") && !l.contains("Inf"))
    {
        assert!(second.contains(line), "{line} in {second}");
    }
    Ok(())
}

// bug: I5 (summaries exported `NaN` lines), behaviour 9.
#[test]
fn a_summary_without_values_has_a_count_and_no_quantiles() -> Result {
    let collector = MetricsCollector::new();
    let s = collector
        .summary("s")
        .unit("ms")
        .quantiles([0.5, 1.0])
        .build()?;
    let header = "# HELP s_milliseconds s\n# TYPE s_milliseconds summary\n";
    let empty = format!("{header}s_milliseconds_sum 0\ns_milliseconds_count 0\n");
    assert_eq!(text(&collector.collect_all(), &[]), empty);
    s.observe(4);
    let one = format!(
        "{header}s_milliseconds{{quantile=\"0.5\"}} 4\ns_milliseconds{{quantile=\"1\"}} 4\n\
         s_milliseconds_sum 4\ns_milliseconds_count 1\n"
    );
    assert_eq!(text(&collector.collect_all(), &[]), one);
    assert!(open_metrics(&collector).contains("s_milliseconds{quantile=\"1.0\"} 4\n"));
    Ok(())
}

#[test]
fn the_quantiles_of_each_series_have_its_labels() -> Result {
    let collector = MetricsCollector::new();
    let s = collector.summary("s").labels(["route"]).build()?;
    for ms in 1..=100 {
        s.with(["/a"])?.observe(ms);
    }
    let page = text(&collector.collect_all(), &[]);
    let quantile = |q: &str| -> f64 {
        let start = format!("s{{route=\"/a\",quantile=\"{q}\"}} ");
        let line = page.lines().find_map(|l| l.strip_prefix(&start));
        line.expect("the quantile").parse().expect("a number")
    };
    assert!((50.0..=51.0).contains(&quantile("0.5")) && (99.0..=100.0).contains(&quantile("0.99")));
    assert!((90.0..=91.0).contains(&quantile("0.9")) && (95.0..=96.0).contains(&quantile("0.95")));
    assert!(
        page.contains("s_sum{route=\"/a\"} 5050\ns_count{route=\"/a\"} 100\n"),
        "{page}"
    );
    // A label of that name is the format's own.
    assert!(collector.summary("t").labels(["quantile"]).build().is_err());
    Ok(())
}

#[test]
fn open_metrics_has_no_negative_quantiles() -> Result {
    let collector = MetricsCollector::new();
    let s = collector.summary("s").quantiles([0.0, 1.0]).build()?;
    s.observe(-5);
    s.observe(5);
    let page = open_metrics(&collector);
    assert_eq!(
        page,
        "# HELP s s\n# TYPE s summary\ns{quantile=\"1.0\"} 5\n# EOF\n"
    );
    assert!(text(&collector.collect_all(), &[]).contains("s{quantile=\"0\"} -5\n"));
    Ok(())
}

#[test]
fn a_bad_quantile_is_an_error_that_names_it() -> Result {
    let collector = MetricsCollector::new();
    for (quantiles, part) in [
        (vec![0.5, 99.0], "quantile 99 of summary `s`"),
        (vec![f64::NAN], "quantile NaN"),
        (vec![0.9, 0.5], "0.9, 0.5"),
    ] {
        let error = collector
            .summary("s")
            .quantiles(quantiles)
            .build()
            .expect_err("refused");
        assert!(error.to_string().contains(part), "{error}");
    }
    collector.summary("s").quantiles([0.5]).build()?;
    let error = collector
        .summary("s")
        .quantiles([0.6])
        .build()
        .expect_err("a clash");
    assert!(error.to_string().contains("quantiles [0.5]"), "{error}");
    Ok(())
}
