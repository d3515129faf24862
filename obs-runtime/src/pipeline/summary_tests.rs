use super::*;
use crate::pipeline::{Backoff, Pipeline, Task, TaskContext};

#[test]
fn durations_have_three_digits_and_a_unit() {
    for (nanos, text) in [
        (0, "0.00us"),
        (12_345, "12.3us"),
        (1_500_000, "1.50ms"),
        (123_400_000, "123ms"),
        (12_000_000_000, "12.0s"),
        (180_000_000_000, "3.00min"),
        (7_200_000_000_000, "2.00h"),
    ] {
        assert_eq!(duration(Duration::from_nanos(nanos)), text);
    }
}

#[test]
fn an_error_stays_on_its_line() {
    assert_eq!(one_line("a\nb\tc"), "a b c");
    let long = one_line(&"é".repeat(500));
    assert_eq!(long.chars().count(), 201);
    assert!(long.ends_with('…'));
}

#[tokio::test(start_paused = true)]
async fn the_table_shows_every_task() {
    let result = Pipeline::builder("etl")
        .task("extract", [], |c: TaskContext| async move {
            c.set_records(40);
            tokio::time::sleep(Duration::from_millis(12)).await;
            Ok::<_, String>(())
        })
        .add_task(
            Task::new("transform", |_| async { Err::<(), _>("row 7:\nno number") })
                .depends_on(["extract"])
                .retries(2)
                .backoff(Backoff::None),
        )
        .task("load", ["transform"], |_| async { Ok::<_, String>(()) })
        .build()
        .unwrap()
        .run()
        .await
        .unwrap();
    let expected = format!(
        "pipeline etl failed in 12.0ms: 1 of 3 tasks succeeded, 1 failed, 1 skipped; 40 records
  task       state      attempts  duration  records  error
  extract    succeeded         1    12.0ms       40
  transform  failed            3    0.00us        -  row 7: no number
  load       skipped           0         -        -  `transform` failed
  run {}\n",
        result.run_id
    );
    assert_eq!(result.summary(), expected);
    assert_eq!(result.to_string(), expected);
}
