//! One installed default, what it refuses, and what is left when it goes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use obs_runtime::{Level, Observability, Sampler, SpanContext, TailSampling, traced};
use obs_tests::cases::total;
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
    let labels = [("module", module_path!()), ("result", "ok")];
    let calls = total(&obs.collect_metrics(), "function.calls", &labels);
    assert_eq!(calls as u64, 3);
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

#[traced(root)]
fn trace() {
    work();
}

// bug: while the end decided what was still waiting, the account was empty
#[test]
fn the_account_is_never_empty_again() {
    own_process!();
    // A root that has not ended has its trace wait until the end, which decides all of them.
    let tail = TailSampling::new().keep_errors();
    let obs = Observability::builder();
    let obs = obs.tail_sampling(tail).install().unwrap();
    for _ in 0..5_000 {
        trace();
    }
    assert_eq!(obs.stats().spans.recorded, 10_000);
    let handle = Observability::current().unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                assert_eq!(handle.stats().spans.recorded, 10_000);
            }
        });
        obs.shutdown().unwrap();
        is_over.store(true, Ordering::Release);
        reader.join().unwrap();
    });
    assert_eq!(handle.stats().spans.recorded, 10_000);
}
