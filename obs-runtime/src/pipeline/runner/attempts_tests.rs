use core::time::Duration;

use crate::pipeline::{Pipeline, RetryPolicy, RunState, Task};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_longest_of_all_durations_can_be_waited_for() {
    let policy = RetryPolicy::new(u32::MAX)
        .delay(Duration::MAX)
        .max_delay(Duration::MAX);
    let task = Task::new("quick", |_| async { Ok::<_, String>(()) })
        .timeout(Duration::MAX)
        .retry(policy);
    let pipeline = Pipeline::builder("long").add_task(task).build().unwrap();
    assert_eq!(pipeline.run().await.unwrap().state, RunState::Succeeded);
}

// bug: a timeout on a runtime without a timer failed the task with the text of tokio's panic.
#[test]
fn a_task_that_waits_is_refused_where_nothing_can_wait() {
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
    #[derive(Debug)]
    struct Bad;
    impl core::fmt::Display for Bad {
        fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            panic!("bad formatter")
        }
    }
    impl core::error::Error for Bad {}
    let at_once = RetryPolicy::new(1).delay(Duration::ZERO);
    let task = Task::new("load", |_| async { Err::<(), _>(Bad) }).retry(at_once);
    let pipeline = Pipeline::builder("etl").add_task(task).build().unwrap();
    let result = pipeline.run().await.unwrap();
    let task = &result.get_failed_tasks()[0];
    let error = task.error.as_ref().unwrap();
    assert_eq!(error.message(), "<panicked while formatting>");
    assert_eq!(task.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn repetitions_end_with_the_time_that_they_may_take() {
    let policy = RetryPolicy::new(9).delay(SECOND).max_elapsed(SECOND * 4);
    let task = Task::new("load", |_| async { Err::<(), _>("refused") }).retry(policy);
    let pipeline = Pipeline::builder("etl").add_task(task).build().unwrap();
    let result = pipeline.run().await.unwrap();
    // They begin after 0, 1 and 3 seconds; the next one would after 7.
    assert_eq!(result.get_failed_tasks()[0].attempts, 3);
    assert_eq!(result.duration, SECOND * 3);
}
