use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::SeqCst;

use tokio::sync::Notify;

use super::*;
use crate::steps::RetryPolicy;
use crate::testing::{self, Captured};
use crate::trace::{Outcome, SpanRecord};

fn add(name: &str, n: u32) -> Flow<u32, u32, String> {
    step(name, move |x: u32| async move { Ok::<_, String>(x + n) }).boxed()
}

fn fail(name: &str) -> Flow<u32, u32, String> {
    step(name, async |_: u32| Err::<u32, _>("no disk".to_owned())).boxed()
}

async fn captured(flow: &impl Step<u32>) -> Captured<()> {
    testing::capture_async(async {
        let _ = flow.call(1).await;
    })
    .await
}

// bug: T10, three steps without a span around them were four traces, and with one they were its children.
#[tokio::test]
async fn a_sequence_is_one_trace_with_each_step_under_it() {
    let inner = add("b", 2).retry(RetryPolicy::NEVER);
    let flow = add("a", 1) >> inner >> add("c", 3);
    let tree = "
        sequence a >> b >> c
          a obs.step.index=0 obs.step.total=3 obs.step.kind=function
          retry b obs.step.index=1
            b
          c obs.step.index=2
        ";
    let alone = captured(&flow).await;
    alone.assert_tree(tree);
    assert!(
        alone
            .spans
            .iter()
            .all(|span| span.trace_id == alone.spans[0].trace_id)
    );

    let inside = testing::capture_async(async {
        let request = crate::span!("request");
        let outer = request.context();
        let call = async {
            assert_eq!(flow.call(1).await, Ok(7));
            // The outer span is current again.
            assert_eq!(crate::SpanContext::current(), outer);
        };
        crate::Instrument::instrument(call, request).await;
    })
    .await;
    inside.assert_tree(
        "
        request
          sequence a >> b >> c
            a
            retry b
              b
            c
        ",
    );
}

#[tokio::test]
async fn operators_are_flat_however_they_are_nested() {
    let left = (add("a", 1) >> add("b", 1)) >> add("c", 1);
    let right = add("a", 1) >> (add("b", 1) >> add("c", 1));
    let erased = add("a", 1) >> (add("b", 1) >> add("c", 1)).boxed();
    let tree = "
        sequence a >> b >> c
          a obs.step.index=0 obs.step.total=3
          b obs.step.index=1 obs.step.total=3
          c obs.step.index=2 obs.step.total=3
        ";
    captured(&left).await.assert_tree(tree);
    captured(&right).await.assert_tree(tree);
    captured(&erased).await.assert_tree(tree);

    let branches = add("a", 1) | (add("b", 2) | add("c", 3)) | add("d", 4);
    assert_eq!(branches.call(0).await, Ok((1, 2, 3, 4)));
    captured(&branches).await.assert_tree(
        "
        parallel a | b | c | d
          a obs.step.index=0 obs.step.total=4
          b obs.step.index=1
          c obs.step.index=2
          d obs.step.index=3
        ",
    );
}

#[tokio::test]
async fn what_has_a_name_stays_one_step() {
    let inner = (add("b", 1) >> add("c", 1)).named("inner");
    let flow = (add("a", 1) >> inner).named("outer");
    captured(&flow).await.assert_tree(
        "
        sequence outer
          a obs.step.total=2
          sequence inner obs.step.index=1
            b obs.step.total=2
            c
        ",
    );
    let both = (add("a", 1) | add("b", 1)).named("both") | add("c", 1);
    assert_eq!(both.call(0).await, Ok(((1, 1), 1)));
    assert_eq!(both.name(), "(both | c)");
}

#[tokio::test]
async fn sequences_and_parallels_mix() {
    let sum = step("sum", async |(a, b): (u32, u32)| Ok::<_, String>(a + b));
    let flow = add("a", 1) >> (add("b", 10) >> add("c", 10) | add("d", 100)) >> sum;
    assert_eq!(flow.call(1).await, Ok(22 + 102));
    captured(&flow).await.assert_tree(
        "
        sequence a >> (b >> c | d) >> sum
          a
          parallel b >> c | d obs.step.index=1
            sequence b >> c obs.step.index=0
              b
              c
            d obs.step.index=1
          sum obs.step.index=2
        ",
    );
}

// bug: T23 and T25, a step that failed left no metric, and those of all sequences had one name.
#[tokio::test]
async fn a_failing_step_is_counted_and_timed() {
    let flow = add("a", 1) >> fail("b") >> add("c", 1);
    let captured = captured(&flow).await;
    captured.assert_tree(
        "
        sequence a >> b >> c [error: no disk]
          a
          b [error: no disk]
        ",
    );
    for (function, result) in [
        ("a", "ok"),
        ("b", "error"),
        ("sequence a >> b >> c", "error"),
    ] {
        let calls = captured.assert_metric("function.calls");
        calls
            .labels([("function", function), ("result", result)])
            .value(1);
        let duration = captured.assert_metric("function.calls.duration");
        duration.labels([("function", function)]).count(1);
    }
    // It is one failure, of the step in which it happened.
    let errors = captured.spans.iter().filter_map(|span| span.error.as_ref());
    assert_eq!(errors.filter(|error| error.exception).count(), 1);
}

/// Notes that it was dropped.
struct OnDrop<'a>(&'a AtomicUsize);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

// bug: T24, the other branches went on after one had failed.
#[tokio::test]
async fn the_first_failure_ends_the_other_branches() {
    let dropped = AtomicUsize::new(0);
    let started = Notify::new();
    let wait = |name: &'static str| {
        step(name, async |_: u32| {
            let _dropped = OnDrop(&dropped);
            started.notify_one();
            std::future::pending::<Result<u32, String>>().await
        })
    };
    let bad = step("bad", async |_: u32| {
        // Both others have begun.
        started.notified().await;
        started.notified().await;
        Err::<u32, _>("no disk".to_owned())
    });
    let flow = wait("first") | bad | wait("last");
    let captured = testing::capture_async(async {
        assert_eq!(flow.call(1).await, Err("no disk".to_owned()));
        assert_eq!(dropped.load(SeqCst), 2);
    })
    .await;
    captured.assert_tree_in_any_order(
        "
        parallel first | bad | last [error: no disk]
          bad [error: no disk]
          first [cancelled]
          last [cancelled]
        ",
    );
}

#[tokio::test]
async fn branches_wait_at_the_same_time_and_results_are_in_order() {
    let (first, second) = (Notify::new(), Notify::new());
    let slow = step("slow", async |n: u32| {
        // Ends after the other one alone.
        second.notify_one();
        first.notified().await;
        Ok::<_, String>(n)
    });
    let quick = step("quick", async |n: u32| {
        second.notified().await;
        first.notify_one();
        Ok(n + 1)
    });
    assert_eq!((slow | quick).call(1).await, Ok((1, 2)));
}

#[tokio::test]
async fn any_number_of_steps_of_one_type() {
    let all = parallel((0..40).map(|n| add(&format!("s{n}"), n)))
        .unwrap()
        .named("all");
    assert_eq!(all.call(0).await, Ok((0..40).collect()));
    let line = sequence((0..3).map(|_| add("one", 1)))
        .unwrap()
        .named("line");
    assert_eq!((line >> add("two", 2)).call(0).await, Ok(5));
    // Neither without any step.
    for error in [
        sequence(Vec::<Flow<u32, u32, String>>::new())
            .map(drop)
            .unwrap_err(),
        parallel(Vec::<Flow<u32, u32, String>>::new())
            .map(drop)
            .unwrap_err(),
    ] {
        assert!(
            error.is_config() && error.to_string().contains("at least one"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_never_mix_their_parents() {
    use std::sync::Arc;

    let captured = testing::capture_async(async {
        let flow = Arc::new(add("a", 1) >> (add("b", 1) | add("c", 1)));
        let calls: Vec<_> = (0..50)
            .map(|_| {
                let flow = Arc::clone(&flow);
                let call = async move {
                    tokio::task::yield_now().await;
                    flow.call(1).await
                };
                tokio::spawn(crate::Instrument::in_current_span(call))
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), Ok((3, 3)));
        }
    })
    .await;
    let names = |parent: &SpanRecord| {
        let mut names: Vec<String> = captured
            .children(parent)
            .iter()
            .map(|span| span.name.to_string())
            .collect();
        names.sort();
        names
    };
    let roots: Vec<_> = captured.spans_named("sequence a >> (b | c)").collect();
    assert_eq!(roots.len(), 50);
    for root in roots {
        assert_eq!(names(root), ["a", "parallel b | c"]);
    }
    for fan in captured.spans_named("parallel b | c") {
        assert_eq!(names(fan), ["b", "c"]);
    }
    assert_eq!(captured.spans.len(), 50 * 5);
}

#[tokio::test]
async fn a_panic_and_a_drop_are_told_apart() {
    let panics = step("panics", async |_: u32| -> Result<u32, String> {
        panic!("no disk")
    });
    let waits = step("waits", async |_: u32| {
        std::future::pending::<Result<u32, String>>().await
    });
    let (panics, waits) = (add("a", 1) >> panics, add("a", 1) >> waits);
    let captured = testing::capture_async(async {
        let panicking = std::panic::AssertUnwindSafe(panics.call(1));
        let caught = futures_util::FutureExt::catch_unwind(panicking).await;
        assert!(caught.is_err());
        let mut waiting = Box::pin(waits.call(1));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    })
    .await;
    assert_eq!(captured.span("panics").outcome, Outcome::Panicked);
    assert_eq!(
        captured.span("sequence a >> panics").outcome,
        Outcome::Panicked
    );
    assert_eq!(captured.span("waits").outcome, Outcome::Cancelled);
    assert_eq!(
        captured.span("sequence a >> waits").outcome,
        Outcome::Cancelled
    );
}

#[tokio::test]
async fn what_a_step_returns_may_be_told_of_the_outside_alone() {
    // Neither input nor output is recorded.
    let secret = step("secret", async |card: String| Ok::<_, String>(card.len()));
    let captured = testing::capture_async(async {
        let _ = secret.call("4111 1111 1111 1111".to_owned()).await;
    })
    .await;
    assert!(!format!("{:?}", captured.spans).contains("4111"));
}

/// Each step around another adds what it needs itself: nothing is held twice.
#[test]
fn the_future_of_a_flow_grows_by_a_step_at_a_time() {
    let size = |flow: &dyn Fn() -> usize| flow();
    let one = step("one", async |n: u32| Ok::<_, String>(n));
    let bytes = size(&|| size_of_val(&one.call(1)));
    let nested = step("one", async |n: u32| Ok::<_, String>(n))
        .retry(RetryPolicy::NEVER)
        .retry(RetryPolicy::NEVER)
        .retry(RetryPolicy::NEVER);
    let all = size(&|| size_of_val(&nested.call(1)));
    assert!(bytes <= 320 && all <= 4 * 512, "{bytes} and {all} bytes");
}
