//! One line for each metric and cause.

use super::*;
use crate::metrics::MetricsCollector;

type Result<T = ()> = std::result::Result<T, crate::Error>;

// bug: I38, S14 (behaviour 17: one warning).
#[test]
fn what_is_capped_is_said_once() -> Result {
    let collector = MetricsCollector::new();
    let calls = collector.counter("calls").labels(["user"]);
    let calls = calls.max_label_values(2).build()?;
    let core = collector.core("calls").expect("the metric");
    calls.with(["1"])?.inc();
    calls.with(["2"])?.inc();
    assert_eq!(overflow(&core), None);
    for user in 3..1_000 {
        calls.with([user.to_string()])?.inc();
    }
    let said = overflow(&core).expect("a line");
    for part in ["`calls`", "2 values of user", "max_label_values"] {
        assert!(said.contains(part), "{said}");
    }
    calls.with(["1000"])?.inc();
    assert_eq!((overflow(&core), refusal(&core)), (None, None));
    Ok(())
}

#[test]
fn a_cap_names_what_was_reached_and_what_helps() {
    let limits = Limits {
        series: 2_000,
        label_values: 100,
    };
    for (series, full, parts) in [
        (
            100,
            &["user"][..],
            ["100 values of user", "`max_label_values`"],
        ),
        (2_000, &[], ["its 2000 series", "`max_series`"]),
        (7, &[], ["no more than 7 series", "drop collectors"]),
    ] {
        let (cause, remedy) = overflow_of(limits, series, full);
        assert!(cause.contains(parts[0]), "{cause}");
        assert!(remedy.contains(parts[1]), "{remedy}");
    }
}

// bug: I2 (a missing label was an empty one).
#[test]
fn what_is_refused_is_said_once() -> Result {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").labels(["task"]).build()?;
    let temperature = collector.gauge("temperature").build()?;
    let core = |name| collector.core(name).expect("the metric");
    assert_eq!(refusal(&core("rows")), None);
    rows.inc();
    rows.add(2);
    temperature.add(f64::NAN);
    let said = refusal(&core("rows")).expect("a line");
    assert!(said.contains("labels (task)"), "{said}");
    let said = refusal(&core("temperature")).expect("a line");
    assert!(!said.contains("with"), "{said}");
    rows.inc();
    assert_eq!((refusal(&core("rows")), rows.refused()), (None, 3));
    // A call site has said it in its own words.
    collector.counter("other").build()?;
    collector.refuse("other");
    assert_eq!(refusal(&core("other")), None);
    assert_eq!(core("other").refused(), 1);
    Ok(())
}
