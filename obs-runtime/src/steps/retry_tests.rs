use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::steps::{WorkflowContext, step};
use crate::testing;

const SECOND: Duration = Duration::from_secs(1);

/// Fails so many times, with the number of the call.
fn fails(times: u32) -> Flow<(), u32, u32> {
    let calls = AtomicU32::new(0);
    let call = move |(): ()| {
        let call = calls.fetch_add(1, SeqCst) + 1;
        async move { if call <= times { Err(call) } else { Ok(call) } }
    };
    step("fetch", call).boxed()
}

#[tokio::test(start_paused = true)]
async fn it_is_repeated_as_often_as_is_said_and_the_last_error_counts() {
    let captured = testing::capture_async(async {
        let began = Instant::now();
        assert_eq!(
            fails(9)
                .retry(RetryPolicy::new(3).delay(SECOND))
                .call(())
                .await,
            Err(4)
        );
        assert_eq!(began.elapsed(), SECOND * (1 + 2 + 4));
    })
    .await;
    captured.assert_tree(
        "
        retry fetch [error: 4]
          fetch [error: 1]
          fetch [error: 2] obs.step.attempt=2
          fetch [error: 3] obs.step.attempt=3
          fetch [error: 4] obs.step.attempt=4
        ",
    );
    captured
        .assert_metric("obs.step.retries")
        .labels([("step", "fetch")])
        .value(3);
}

#[tokio::test]
async fn a_first_success_leaves_no_trace_of_attempts() {
    let captured = testing::capture_async(async {
        let context = WorkflowContext::new("quick");
        assert_eq!(
            context.run(&fails(0).retry(RetryPolicy::new(3)), ()).await,
            Ok(1)
        );
        assert_eq!(context.history(), []);
    })
    .await;
    captured.assert_span("fetch").without("obs.step.attempt");
    assert!(
        captured
            .metrics
            .iter()
            .all(|family| family.name != "obs.step.retries")
    );
}

// bug: T32, every error was repeated, and with jitter pauses were up to 1.5 times the longest.
#[tokio::test(start_paused = true)]
async fn the_typed_error_decides_whether_and_when() {
    let policy = RetryPolicy::new(9)
        .delay(SECOND)
        .max_delay(SECOND * 2)
        .jitter(1.0);
    let flow = fails(9).retry(policy).retry_if(|error| *error < 3);
    assert_eq!(flow.call(()).await, Err(3));
    for _ in 0..50 {
        let (began, flow) = (Instant::now(), fails(1).retry(policy));
        assert_eq!(flow.call(()).await, Ok(2));
        assert!(began.elapsed() <= SECOND * 2);
    }
    // Who refuses knows best, up to the time that all may take.
    let asks = |policy| fails(1).retry(policy).retry_after(|_| Some(SECOND * 60));
    let began = Instant::now();
    assert_eq!(asks(policy).call(()).await, Ok(2));
    assert_eq!(began.elapsed(), SECOND * 60);
    let began = Instant::now();
    assert_eq!(asks(policy.max_elapsed(SECOND * 59)).call(()).await, Err(1));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn repetitions_are_in_the_history_of_the_workflow() {
    let context = WorkflowContext::new("fetch");
    let flow = fails(1).retry(RetryPolicy::new(1).delay(SECOND));
    assert_eq!(context.run(&flow, ()).await, Ok(2));
    let expected = StepEvent::Retried {
        step: "fetch".into(),
        attempt: 2,
        pause: SECOND,
    };
    assert_eq!(context.history(), [expected]);
}

#[tokio::test]
async fn another_step_stands_in_for_one_that_fails() {
    let captured = testing::capture_async(async {
        let other = step("other", async |()| Ok::<_, u32>(70));
        assert_eq!(fails(9).fallback(other).call(()).await, Ok(70));
        let worse = step("worse", async |()| Err::<u32, u32>(71));
        assert_eq!(fails(9).fallback(worse).call(()).await, Err(71));
        let unused = step("unused", async |()| Ok::<_, u32>(72));
        assert_eq!(fails(0).fallback(unused).call(()).await, Ok(1));
    })
    .await;
    captured.assert_tree(
        "
        fallback fetch
          fetch [error: 1]
          other
        fallback fetch [error: 71]
          fetch [error: 1]
          worse [error: 71]
        fallback fetch
          fetch
        ",
    );
    captured
        .assert_metric("obs.step.fallbacks")
        .labels([("step", "fetch")])
        .value(2);
}
