//! One installed default, what it refuses, and what is left when it goes.

use obs_runtime::metrics::MetricData;
use obs_runtime::{Level, Observability, Sampler, SpanContext, traced};
use obs_tests::own_process;

#[traced]
fn work() -> Option<SpanContext> {
    SpanContext::current()
}

// bug: T3 (a second start said yes and ignored its arguments).
#[test]
fn installing_and_ending() {
    own_process!();
    assert!(work().is_none());

    let error = Observability::builder()
        .sampler(Sampler::ratio(1.5))
        .install()
        .unwrap_err();
    assert!(
        error.is_config() && error.to_string().contains("1.5"),
        "{error}"
    );

    let obs = Observability::builder()
        .service_name("one")
        .install()
        .unwrap();
    assert!(work().is_some_and(|c| c.is_sampled()));
    let error = Observability::builder().install().unwrap_err();
    assert!(error.to_string().contains("installed already"), "{error}");
    obs.set_max_level(None);
    assert!(work().is_none());
    obs.set_max_level(Some(Level::Error));
    assert!(work().is_none(), "it is counted");
    obs.set_max_level(Some(Level::Info));
    assert!(work().is_some());
    assert_eq!(obs.stats().spans.recorded, 2);
    let calls = obs.collect_metrics();
    let calls = calls.iter().find(|f| f.name == "function.calls").unwrap();
    let MetricData::Counter(points) = &calls.data else {
        panic!("{calls:?}")
    };
    // Only `work` is a function of this module.
    let mut of_work = points
        .iter()
        .filter(|p| p.labels.get("module") == Some(module_path!()));
    let ok = of_work.find(|p| p.labels.get("result") == Some("ok"));
    assert!((ok.unwrap().value.as_f64() - 3.0).abs() < f64::EPSILON);
    assert!(obs.health().is_ok());
    let handle = Observability::current().unwrap();
    assert_eq!(handle.stats(), obs.stats());
    obs.shutdown().unwrap();
    assert!(work().is_none());
    // It keeps nothing switched on, and switches nothing on.
    handle.set_max_level(Some(Level::Trace));
    handle.force_flush().unwrap();
    assert!(work().is_none() && Observability::current().is_none());

    let obs = Observability::builder()
        .sampler(Sampler::always_off())
        .install()
        .unwrap();
    let unsampled = work().expect("a trace that is not recorded has an identity too");
    assert!(!unsampled.is_sampled());
    let stats = obs.stats();
    assert_eq!(stats.spans.recorded, 0);
    let calls = obs.collect_metrics();
    assert!(calls.iter().any(|f| f.name == "function.calls"));
    drop(obs);
    assert!(work().is_none());
}
