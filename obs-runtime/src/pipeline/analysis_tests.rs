use std::time::Duration;

use crate::pipeline::{Pipeline, RunResult, TaskContext, TaskResult};

fn names(tasks: &[&TaskResult]) -> Vec<String> {
    tasks.iter().map(|task| task.name.to_string()).collect()
}

async fn wait(millis: u64, result: Result<(), &'static str>) -> Result<(), &'static str> {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    result
}

async fn run(tasks: &[(&'static str, &[&'static str], u64, bool)]) -> RunResult {
    let mut pipeline = Pipeline::builder("p");
    for (name, needs, millis, fails) in tasks.iter().copied() {
        let result = if fails { Err("no") } else { Ok(()) };
        let needs = needs.iter().copied();
        pipeline = pipeline.task(name, needs, move |_: TaskContext| wait(millis, result));
    }
    pipeline.build().unwrap().run().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_critical_path_is_what_the_end_waited_for() {
    let run = run(&[
        ("a", &[], 10, false),
        ("b", &[], 30, false),
        // As late as `d`, but nothing waits for it.
        ("side", &["a"], 40, false),
        ("c", &["a", "b"], 5, false),
        ("d", &["c"], 20, false),
    ])
    .await;
    assert_eq!(names(&run.critical_path()), ["b", "c", "d"]);
    let whole: Duration = run.critical_path().iter().map(|task| task.duration).sum();
    assert_eq!(whole, run.duration);
    assert_eq!(names(&run.slowest_tasks()), ["side", "b", "d", "a", "c"]);
    assert!(run.root_causes().is_empty());
    let json = serde_json::to_value(&run).unwrap();
    assert_eq!(json["critical_path"], serde_json::json!(["b", "c", "d"]));
    assert_eq!(json["root_causes"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_failed_because_of_others_is_no_cause() {
    let run = run(&[
        ("a", &[], 10, true),
        ("b", &[], 20, false),
        ("c", &["a"], 1, false),
        ("d", &["c", "b"], 1, false),
        ("e", &["b"], 5, true),
    ])
    .await;
    assert_eq!(names(&run.root_causes()), ["a", "e"]);
    assert_eq!(names(&run.critical_path()), ["b", "e"]);
    assert_eq!(names(&run.slowest_tasks()), ["b", "a", "e"]);
}

#[tokio::test]
async fn nothing_ran_and_nothing_is_said() {
    let empty = Pipeline::builder("p").build().unwrap().run().await.unwrap();
    assert!(empty.critical_path().is_empty() && empty.slowest_tasks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_long_line_of_tasks_is_followed_without_recursion() {
    let mut pipeline = Pipeline::builder("p").task("0", [], |_| wait(1, Ok(())));
    for at in 1..20_000 {
        let before = (at - 1).to_string();
        pipeline = pipeline.task(at.to_string(), [&*before], |_| async {
            Ok::<_, String>(())
        });
    }
    let run = pipeline.build().unwrap().run().await.unwrap();
    assert_eq!(run.critical_path().len(), 20_000);
}
