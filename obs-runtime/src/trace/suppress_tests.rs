use core::pin::pin;
use core::task::{Context, Waker};

use super::*;
use crate::testing::{self, Captured};
use crate::{Instrument as _, SpanContext, current};

#[crate::traced]
fn helper() {
    current::set_attribute("seen", true);
}

#[crate::traced]
async fn later() {
    helper();
}

/// Polls a future that is ready at once.
fn poll(future: impl Future<Output = ()>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(pin!(future).poll(&mut cx).is_ready());
}

fn spans<T>(captured: &Captured<T>) -> Vec<&str> {
    captured.spans.iter().map(|span| &*span.name).collect()
}

#[test]
fn nothing_is_recorded_until_the_guard_is_dropped() {
    let captured = testing::capture(|| {
        let outer = crate::span!("outer");
        let elsewhere = SpanContext::current();
        outer.in_scope(|_| {
            let outer = SpanContext::current();
            let guard = suppress();
            assert_eq!(SpanContext::current(), None);
            // Whatever is entered: a context, a span by hand, a future with one, one in another.
            let inner = crate::span!("inner");
            inner.in_scope(|_| helper());
            let attached = outer.map(|outer| outer.attach());
            helper();
            drop(attached);
            poll(later().in_span_context(outer));
            poll(later().instrument(crate::span!("instrumented")));
            {
                let _twice = suppress();
                helper();
            }
            helper();
            drop(guard);
            assert_eq!(SpanContext::current(), outer);
            helper();
        });
        assert_eq!(SpanContext::current(), elsewhere);
    });
    assert_eq!(spans(&captured), ["helper", "outer"]);
    let outer = captured.span("outer").span_id;
    assert_eq!(captured.span("helper").parent_id, Some(outer));
}

#[test]
fn a_span_from_before_is_not_entered() {
    let captured = testing::capture(|| {
        let span = crate::span!("before");
        let guard = suppress();
        span.in_scope(|_| helper());
        drop(guard);
    });
    assert_eq!(spans(&captured), ["before"]);
}
