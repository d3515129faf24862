use super::per_second;
use crate::metrics::MetricsCollector;

type Result<T = ()> = std::result::Result<T, crate::Error>;

#[test]
fn a_timer_observes_once_in_the_unit_of_the_metric() -> Result {
    let collector = MetricsCollector::new();
    let seconds = collector.histogram("a").unit("s").build()?;
    let nanos = collector.summary("b").unit("ns").labels(["k"]).build()?;
    drop(seconds.time());
    let measured = nanos.with(["x"])?.time().stop();
    assert_eq!((seconds.count(), nanos.count()), (1, 1));
    let expected = measured.as_secs_f64() * 1e9;
    assert!((nanos.sum() - expected).abs() <= expected * 1e-9);
    assert!(seconds.sum() < 1e9, "not in seconds");
    seconds.time().discard();
    assert_eq!(seconds.count(), 1);
    // Without the labels there is nothing to count in.
    drop(nanos.time());
    assert_eq!((nanos.count(), nanos.refused()), (1, 1));
    Ok(())
}

#[test]
fn a_panic_is_timed_too() -> Result {
    let h = MetricsCollector::new().histogram("h").unit("s").build()?;
    let work = || {
        let _timer = h.time();
        panic!("the work failed");
    };
    assert!(std::panic::catch_unwind(core::panic::AssertUnwindSafe(work)).is_err());
    assert_eq!(h.count(), 1);
    Ok(())
}

#[test]
fn a_day_is_the_same_in_every_unit() {
    for (unit, day) in [
        ("ns", 86.4e12),
        ("us", 86.4e9),
        ("ms", 86.4e6),
        ("s", 86_400.0),
        ("", 86_400.0),
        ("min", 1_440.0),
        ("h", 24.0),
        ("d", 1.0),
    ] {
        let measured = 86_400.0 * per_second(unit);
        assert!((measured - day).abs() <= day * 1e-12, "{unit}: {measured}");
    }
}
