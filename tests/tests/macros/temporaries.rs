//! What the arguments of a macro hold, a lock say, is let go before anything else is evaluated.

use std::sync::{Mutex, MutexGuard, TryLockError};

use obs_runtime::testing::capture;
use obs_runtime::{Label, SpanContext, counter, gauge, histogram, span, traced};

#[derive(Clone, Copy, Debug, PartialEq, Label)]
enum Kind {
    A,
}

static KIND: Mutex<Kind> = Mutex::new(Kind::A);

fn held() -> MutexGuard<'static, Kind> {
    KIND.lock().unwrap()
}

/// Is 1 if nobody holds the lock any more.
fn free() -> u64 {
    match KIND.try_lock() {
        Err(TryLockError::WouldBlock) => panic!("an argument is still alive"),
        _ => 1,
    }
}

// bug: the guard in a label lived until the end of the statement, and the value waited for it.
#[test]
fn labels_are_dropped_before_the_value_is_evaluated() {
    let captured = capture(|| {
        counter!("temporaries.counter", kind = *held()).add(free());
        gauge!("temporaries.gauge", kind = *held()).set(free() as f64);
        histogram!("temporaries.histogram", kind = *held()).observe(free() as f64);
    });
    assert!(
        captured
            .metrics
            .iter()
            .any(|m| m.name == "temporaries.gauge")
    );
}

#[test]
fn fields_and_names_are_dropped_before_the_span_is_used() {
    let captured = capture(|| {
        span!("constant", kind = ?*held()).in_scope(|_| free());
        span!(&format!("{:?}", held()), kind = ?held()).in_scope(|_| free());
    });
    assert_eq!(captured.spans.len(), 2);
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "of what a guard holds")]
fn context_of(_: &Kind) -> Option<SpanContext> {
    None
}

#[traced(
    name = format!("{:?}", *held()),
    fields(kind = ?held()),
    labels(kind = *held()),
    parent = context_of(&held()),
    links = context_of(&held())
)]
fn annotated() -> u64 {
    free()
}

#[traced(
    name = format!("{:?}", *held()),
    fields(kind = ?held()),
    labels(kind = *held()),
    parent = context_of(&held()),
    links = context_of(&held())
)]
async fn annotated_future() -> u64 {
    free()
}

#[test]
fn arguments_of_attributes_are_dropped_before_the_body() {
    let captured = capture(|| {
        annotated();
        obs_tests::cases::block_on(annotated_future());
    });
    assert_eq!(captured.spans.len(), 2);
}
