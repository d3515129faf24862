use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn seconds(policy: RetryPolicy) -> Vec<u64> {
    (1..=5).map(|n| policy.pause(n).as_secs()).collect()
}

#[test]
fn each_backoff_grows_in_its_way() {
    let policy = RetryPolicy::new(5).delay(SECOND);
    assert_eq!(seconds(policy.backoff(Backoff::None)), [0, 0, 0, 0, 0]);
    assert_eq!(seconds(policy.backoff(Backoff::Constant)), [1, 1, 1, 1, 1]);
    assert_eq!(seconds(policy.backoff(Backoff::Linear)), [1, 2, 3, 4, 5]);
    assert_eq!(
        seconds(policy.backoff(Backoff::Exponential)),
        [1, 2, 4, 8, 16]
    );
}

#[test]
fn no_pause_is_longer_than_the_maximum_whatever_the_number_of_attempts() {
    let policy = RetryPolicy::new(u32::MAX)
        .delay(SECOND)
        .max_delay(SECOND * 7)
        .jitter(0.5);
    for failed in [3, 4, 31, 32, 33, 64, u32::MAX] {
        assert!(policy.pause(failed) <= SECOND * 7, "{failed}");
        assert!(policy.pause(failed) >= SECOND * 2, "{failed}");
    }
}

#[test]
fn jitter_stays_inside_its_fraction_and_varies() {
    let policy = RetryPolicy::new(1)
        .backoff(Backoff::Constant)
        .delay(SECOND * 10)
        .jitter(0.25);
    let pauses: Vec<_> = (0..200).map(|_| policy.pause(1)).collect();
    let (low, high) = (Duration::from_millis(7_500), SECOND * 10);
    assert!(pauses.iter().all(|p| (low..=high).contains(p)));
    assert!(pauses.iter().any(|p| *p != pauses[0]));
}

#[test]
fn a_jitter_that_is_no_fraction_is_clamped() {
    for (given, kept) in [(f64::NAN, 0.0), (-1.0, 0.0), (7.0, 1.0)] {
        assert!((RetryPolicy::new(1).jitter(given).jitter - kept).abs() < f64::EPSILON);
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_of_all_durations_can_be_waited_for() {
    use crate::pipeline::{Pipeline, RunState, Task};

    let policy = RetryPolicy::new(u32::MAX)
        .delay(Duration::MAX)
        .max_delay(Duration::MAX);
    for failed in [1, 2, u32::MAX] {
        assert!(policy.pause(failed) <= Duration::MAX);
    }
    let task = Task::new("quick", |_| async { Ok::<_, String>(()) })
        .timeout(Duration::MAX)
        .retry(policy);
    let pipeline = Pipeline::builder("long").add_task(task).build().unwrap();
    assert_eq!(pipeline.run().await.unwrap().state, RunState::Succeeded);
}

// bug: a timeout on a runtime without a timer failed the task with the text of tokio's panic.
#[test]
fn a_task_that_waits_is_refused_where_nothing_can_wait() {
    use crate::pipeline::{Pipeline, RunState, Task};

    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    let task = || Task::new("load", |_| async { Ok::<_, String>(()) });
    let run = |task| {
        let pipeline = Pipeline::builder("etl").add_task(task).build().unwrap();
        runtime.block_on(pipeline.run())
    };
    for waits in [task().timeout(SECOND), task().retries(1)] {
        let error = run(waits).unwrap_err().to_string();
        let expected = "the task `load` has a timeout or pauses before a retry, and this tokio runtime has no timer";
        assert!(
            error.contains(expected) && error.contains("enable_time()"),
            "{error}"
        );
    }
    let at_once = RetryPolicy::new(1).delay(Duration::ZERO);
    for plain in [task(), task().retry(at_once)] {
        assert_eq!(run(plain).unwrap().state, RunState::Succeeded);
    }
}

// bug: an error whose `Display` panics failed its task as one that had panicked, so it was not repeated.
#[tokio::test]
async fn an_error_that_cannot_be_shown_is_an_error() {
    use crate::pipeline::{Pipeline, Task};

    struct Bad;
    impl core::fmt::Display for Bad {
        fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            panic!("bad formatter")
        }
    }
    let at_once = RetryPolicy::new(1).delay(Duration::ZERO);
    let task = Task::new("load", |_| async { Err::<(), _>(Bad) }).retry(at_once);
    let pipeline = Pipeline::builder("etl").add_task(task).build().unwrap();
    let result = pipeline.run().await.unwrap();
    let task = &result.get_failed_tasks()[0];
    let error = task.error.as_ref().unwrap();
    assert_eq!(error.message(), "<panicked while formatting>");
    assert_eq!(task.attempts, 2);
}
