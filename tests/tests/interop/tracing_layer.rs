//! Spans of `tracing` and of obs in one trace: every order of nesting, every way in which a future is run.
//!
//! The letters are those of the cases in docs/interop.md.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::{self, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use obs_runtime::{Instrument as _, SpanContext, current, traced};
use obs_tests::tracing_capture::{assert_parents, capture, capture_async};
use tokio::task::yield_now;
use tracing::info_span;

#[traced]
fn ours<R>(inside: impl FnOnce() -> R) -> R {
    inside()
}

#[traced]
fn ours_deeper<R>(inside: impl FnOnce() -> R) -> R {
    inside()
}

#[traced]
async fn ours_async<F: Future>(inside: F) -> F::Output {
    yield_now().await;
    let value = inside.await;
    yield_now().await;
    value
}

#[traced]
async fn ours_async_deeper<F: Future>(inside: F) -> F::Output {
    yield_now().await;
    inside.await
}

#[traced]
fn leaf() {}

/// (c)
#[test]
fn ours_in_tracing() {
    let captured = capture(|| info_span!("outer").in_scope(|| ours(|| ())));
    assert_parents(&captured, &[("outer", ""), ("ours", "outer")]);

    let captured = capture_async(async {
        let outer = info_span!("outer");
        tracing::Instrument::instrument(ours_async(async {}), outer).await;
    });
    assert_parents(&captured, &[("outer", ""), ("ours_async", "outer")]);
}

/// (c3)
#[test]
fn the_current_span_of_tracing_entered_again_inside_ours() {
    let captured = capture_async(async {
        let inside = async {
            leaf();
            yield_now().await;
            tracing::Instrument::in_current_span(async { ours_deeper(leaf_named) }).await;
        };
        let work = ours_async(inside);
        tracing::Instrument::instrument(work, info_span!("outer")).await;
    });
    assert_parents(
        &captured,
        &[
            ("outer", ""),
            ("ours_async", "outer"),
            ("leaf", "ours_async"),
            ("ours_deeper", "ours_async"),
            ("leaf_named", "ours_deeper"),
        ],
    );
}

#[traced]
fn leaf_named() {}

/// (d)
#[test]
fn tracing_in_ours() {
    let captured = capture(|| ours(|| info_span!("inner").in_scope(leaf)));
    assert_parents(
        &captured,
        &[("ours", ""), ("inner", "ours"), ("leaf", "inner")],
    );
}

/// (d)
#[test]
fn tracing_made_in_ours_and_entered_or_closed_outside() {
    let captured = capture(|| {
        let (first, second) = ours(|| (info_span!("first"), info_span!("second")));
        ours_deeper(|| first.in_scope(leaf));
        drop(first);
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        std::thread::spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                second.in_scope(leaf_named);
                drop(second);
            });
        })
        .join()
        .expect("nothing panics there");
    });
    assert_parents(
        &captured,
        &[
            ("ours", ""),
            ("first", "ours"),
            ("second", "ours"),
            ("leaf", "first"),
            ("leaf_named", "second"),
            ("ours_deeper", ""),
        ],
    );
}

/// Each level is one of two kinds; `bits` says which.
fn nested(bits: u32, levels: u32) {
    match (levels, bits & 1) {
        (0, _) => leaf(),
        (n, 0) => {
            let span = obs_runtime::span!("level", n);
            span.in_scope(|_| nested(bits >> 1, n - 1));
        }
        (n, _) => info_span!("level", n).in_scope(|| nested(bits >> 1, n - 1)),
    }
}

fn nested_async(bits: u32, levels: u32) -> future::BoxFuture<'static, ()> {
    async move {
        yield_now().await;
        match (levels, bits & 1) {
            (0, _) => leaf(),
            (n, 0) => {
                let inside = nested_async(bits >> 1, n - 1);
                let span = obs_runtime::span!("level", n);
                obs_runtime::Instrument::instrument(inside, span).await;
            }
            (n, _) => {
                let inside = nested_async(bits >> 1, n - 1);
                tracing::Instrument::instrument(inside, info_span!("level", n)).await;
            }
        }
        yield_now().await;
    }
    .boxed()
}

/// (e)
#[test]
fn every_order_of_four_levels() {
    let chain = |tree: &str| {
        let indents = tree.lines().map(|l| l.len() - l.trim_start().len());
        indents.collect::<Vec<_>>()
    };
    for bits in 0..16 {
        let captured = capture(|| nested(bits, 4));
        assert_eq!(chain(&captured.tree()), [0, 2, 4, 6, 8], "{bits:04b}");
        let captured = capture_async(nested_async(bits, 4));
        assert_eq!(chain(&captured.tree()), [0, 2, 4, 6, 8], "{bits:04b}");
        let levels: Vec<_> = captured
            .spans_named("level")
            .map(|s| s.attribute("n").cloned())
            .collect();
        // The innermost ends first.
        let expected: Vec<_> = (1..=4_u32).map(|n| Some(n.into())).collect();
        assert_eq!(levels, expected, "{bits:04b}");
    }
}

/// (f)
#[test]
fn interleaved_polls() {
    let branch = |name: &'static str| {
        let span = info_span!("branch", name);
        let work = async move {
            yield_now().await;
            info_span!("below", name).in_scope(|| ours(|| ()));
            yield_now().await;
            current::set_attribute("done", true);
        };
        tracing::Instrument::instrument(work, span)
    };
    let captured = capture_async(ours_async(async move {
        let mut all: FuturesUnordered<_> = ["a", "b", "c"].map(branch).into_iter().collect();
        while all.next().await.is_some() {}
        future::join(branch("d"), branch("e")).await;
        yield_now().await;
        leaf();
    }));
    let root = captured.span("ours_async");
    assert_eq!(captured.span("leaf").parent_id, Some(root.span_id));
    let branches: Vec<_> = captured.spans_named("branch").collect();
    assert_eq!(branches.len(), 5);
    for branch in branches {
        // `branch("a")` and the others of the array are made when the future runs: inside.
        assert_eq!(branch.parent_id, Some(root.span_id));
        assert_eq!(branch.attribute("done"), Some(&true.into()));
        let below = captured.children(branch);
        let [below] = below[..] else {
            panic!("{}", captured.tree())
        };
        assert_eq!(below.attribute("name"), branch.attribute("name"));
        assert_eq!(captured.children(below).len(), 1);
    }
}

/// Calls on drop.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// (f)
#[test]
fn a_cancelled_future_is_dropped_inside_its_span() {
    let captured = capture(|| {
        let work = async {
            let _end = OnDrop(|| info_span!("cleanup").in_scope(leaf));
            future::pending::<()>().await;
        };
        let work = ours_async_deeper(tracing::Instrument::instrument(work, info_span!("work")));
        let mut boxed = Box::pin(ours_async(work));
        let mut cx = Context::from_waker(Waker::noop());
        // `yield_now` of tokio needs no runtime.
        for _ in 0..4 {
            assert!(boxed.as_mut().poll(&mut cx).is_pending());
        }
        drop(boxed);
        leaf_named();
    });
    assert_parents(
        &captured,
        &[
            ("ours_async", ""),
            ("ours_async_deeper", "ours_async"),
            // Made before anything ran.
            ("work", ""),
            ("cleanup", "work"),
            ("leaf", "cleanup"),
            ("leaf_named", ""),
        ],
    );
}

/// (f)
#[test]
fn select_drops_the_loser_and_leaves_nothing_entered() {
    let captured = capture_async(async {
        let slow = ours_async(future::pending::<()>());
        let slow = tracing::Instrument::instrument(slow, info_span!("slow"));
        let quick = tracing::Instrument::instrument(yield_now(), info_span!("quick"));
        tokio::select! {
            biased;
            () = slow => {}
            () = quick => {}
        }
        leaf();
    });
    assert_parents(
        &captured,
        &[
            ("slow", ""),
            ("ours_async", "slow"),
            ("quick", ""),
            ("leaf", ""),
        ],
    );
    assert_eq!(captured.span("ours_async").outcome.as_str(), "cancelled");
}

/// (f)
#[test]
fn spawned_tasks() {
    let captured = capture_async(ours_async(async {
        let alone = tokio::spawn(async { leaf() });
        let with_ours = async { ours_deeper(|| ()) }.in_current_span();
        let with_ours = tokio::spawn(with_ours);
        let with_tracing = async { info_span!("below").in_scope(leaf_named) };
        let with_tracing = tokio::spawn(tracing::Instrument::instrument(
            with_tracing,
            info_span!("task"),
        ));
        for task in [alone, with_ours, with_tracing] {
            task.await.expect("no task panics");
        }
    }));
    assert_parents(
        &captured,
        &[
            ("ours_async", ""),
            ("leaf", ""),
            ("ours_deeper", "ours_async"),
            ("task", "ours_async"),
            ("below", "task"),
            ("leaf_named", "below"),
        ],
    );
}

/// (f): polled first in one context, then in others.
#[test]
fn polls_under_other_contexts() {
    let captured = capture(|| {
        let mut work = pin!(ours(|| {
            tracing::Instrument::instrument(
                async {
                    yield_now().await;
                    leaf();
                    yield_now().await;
                    info_span!("late").in_scope(|| ());
                },
                info_span!("work"),
            )
        }));
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(work.as_mut().poll(&mut cx), Poll::Pending);
        let second = info_span!("other").in_scope(|| work.as_mut().poll(&mut cx));
        assert_eq!(second, Poll::Pending);
        let third = ours_deeper(|| work.as_mut().poll(&mut cx));
        assert_eq!(third, Poll::Ready(()));
        leaf_named();
    });
    assert_parents(
        &captured,
        &[
            ("ours", ""),
            ("work", "ours"),
            ("other", ""),
            ("leaf", "work"),
            ("ours_deeper", ""),
            ("late", "work"),
            ("leaf_named", ""),
        ],
    );
    assert_eq!(SpanContext::current(), None);
}
