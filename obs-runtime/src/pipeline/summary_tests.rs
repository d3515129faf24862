use std::sync::Arc;

use super::*;
use crate::pipeline::plan::MapRule;
use crate::pipeline::task::Mapping;
use crate::pipeline::{Backoff, Pipeline, Task, TaskContext, TaskError};

#[test]
fn numbers_are_grouped() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (1_000, "1,000"),
        (12_345, "12,345"),
        (1_234_567, "1,234,567"),
    ] {
        assert_eq!(grouped(number), text);
    }
}

async fn wait(millis: u64) -> Result<(), String> {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_table_shows_every_task() {
    let result = Pipeline::builder("etl")
        .task("extract", [], |c: TaskContext| async move {
            c.set_records(40);
            wait(12).await
        })
        .add_task(
            Task::new("transform", |_| async { Err::<(), _>("row 7:\nno number") })
                .depends_on(["extract"])
                .retries(2)
                .backoff(Backoff::None),
        )
        .task("load", ["transform"], |_| wait(0))
        .build()
        .unwrap()
        .run()
        .await
        .unwrap();
    let expected = format!(
        "pipeline etl failed in 12.0 ms: 1 of 3 tasks succeeded, 1 failed, 1 skipped; 40 records
  ✓ extract    succeeded      12.0 ms  40 records
  ✗ transform  failed     ×3     0 ns              row 7:\\nno number
  – load       skipped                             `transform` failed
  cause: transform, for which 1 task was skipped
  critical path: extract 12.0 ms → transform 0 ns
  run {}\n",
        result.run_id
    );
    assert_eq!(result.summary(), expected);
    assert_eq!(result.to_string(), expected);
}

/// A run of twelve tasks that fails in the middle.
async fn nightly() -> RunResult {
    let ok = |millis| move |_: TaskContext| wait(millis);
    let pipeline = Pipeline::builder("nightly")
        .task("load_users", [], |c: TaskContext| async move {
            c.set_records(12_400);
            wait(1_200).await
        })
        .task("load_orders", [], |c: TaskContext| async move {
            c.set_records(1_093_220);
            wait(64_000).await
        })
        .task("load_prices_from_the_old_warehouse", [], ok(800))
        .task("clean", ["load_users", "load_orders"], ok(7_300))
        .add_task(
            Task::new("enrich", |_| async {
                wait(2_000).await?;
                Err::<(), _>(
                    "POST https://enrich.example/v1/batch: 503 Service Unavailable: the upstream \
                     has no healthy host; try again in 30 s"
                        .to_owned(),
                )
            })
            .depends_on(["clean"])
            .retries(3)
            .backoff(Backoff::None),
        )
        .task("score", ["enrich"], ok(1))
        .task("rank", ["score"], ok(1))
        .task("report", ["rank"], ok(1))
        .task("mail", ["report"], ok(1))
        .task("audit", [], |_| async {
            panic!("index out of bounds") as Result<(), String>
        })
        .add_task(
            Task::new("backup", |_| std::future::pending::<Result<(), String>>())
                .timeout(Duration::from_secs(30)),
        )
        .task("vacuum", ["backup"], ok(1));
    pipeline.build().unwrap().run().await.unwrap()
}

fn fits(text: &str, columns: usize) {
    for line in text.lines() {
        assert!(wide(line) <= columns, "{columns}: {line}\n{text}");
        assert_eq!(line, line.trim_end(), "{line:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_twelve_tasks_is_readable_on_every_terminal() {
    let run = nightly().await;
    for columns in [0, 32, 40, 60, 80, 100, 200] {
        let text = run.for_terminal().columns(columns).color(false).to_string();
        fits(&text, columns.max(FEWEST));
        // No task and no error is lost, however narrow it is.
        for said in ["enrich", "audit", "backup", "vacuum", "timed out after"] {
            assert!(text.contains(said), "{said}: {text}");
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("try again in 30 s"), "{text}");
        assert!(words.contains("critical path: load_orders"), "{text}");
        let cause = "cause: enrich, for which 4 tasks were skipped";
        assert!(words.contains(&cause[7..]), "{text}");
    }
    assert!(!run.summary().contains('\x1b'));
    let coloured = run.for_terminal().color(true).to_string();
    assert!(coloured.contains("\x1b[31mfailed\x1b[0m"), "{coloured}");
}

#[tokio::test(start_paused = true)]
async fn a_large_run_has_as_many_lines_as_a_small_one() {
    let mut pipeline = Pipeline::builder("large");
    for at in 0..3_000_u64 {
        let fails = at % 100 == 7;
        pipeline = pipeline.task(format!("task-{at}"), [], move |_| async move {
            wait(at).await?;
            if fails { Err("no") } else { Ok(()) }.map_err(str::to_owned)
        });
    }
    let run = pipeline.build().unwrap().run().await.unwrap();
    let text = run.summary();
    fits(&text, 100);
    assert!(text.lines().count() < 50, "{text}");
    assert!(text.contains("✗ task-7 "), "{text}");
    assert!(text.contains("✓ task-2999 "), "{text}");
    let others = "… and 2,960 more tasks: 2,950 succeeded, 10 failed\n";
    assert!(text.contains(others), "{text}");
    assert!(text.contains("causes: task-7; task-107; "), "{text}");
    assert!(text.contains("; and 24 more\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_map_of_1_000_items_is_told_by_its_slowest_and_its_failed_ones() {
    let list = Task::new("list", |_| async {
        Ok::<_, String>((0..1_000_u64).collect::<Vec<_>>())
    });
    let mut each = Task::new("embed", |c: TaskContext| async move {
        let item = c.item().unwrap() as u64;
        wait(item + 1).await?;
        if item % 200 == 42 {
            Err(format!("no page {item}\u{1b}[2J"))
        } else {
            Ok(item)
        }
    })
    .depends_on(["list"]);
    each.map = Some(Mapping {
        rule: MapRule::DEFAULT,
        source: 0,
        count: crate::pipeline::items::count_items::<Vec<u64>>,
        collect: |_| Arc::new(()),
    });
    let pipeline = Pipeline::builder("index").add_task(list).add_task(each);
    let run = pipeline.build().unwrap().run().await.unwrap();
    for columns in [40, 100] {
        let text = run.for_terminal().columns(columns).color(false).to_string();
        fits(&text, columns);
        assert!(text.lines().count() < 30, "{text}");
        for said in [
            "1,000 items: ",
            "failed",
            "#42: no page 42\\u{1b}[2J",
            "#242: no page 242",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

#[tokio::test]
async fn no_text_of_a_stranger_commands_a_terminal() {
    let task = Task::new("a\u{1b}[31mb", |_| async {
        Err::<(), _>(TaskError::new("kind", "\r\u{1b}]0;title\u{7}\u{202e}txt"))
    });
    let pipeline = Pipeline::builder("p\u{9b}31m")
        .add_task(task)
        .build()
        .unwrap();
    let run = pipeline.on_failure(|_| async { Err::<(), _>("no\u{1b}[0m") });
    let text = run.run().await.unwrap().summary();
    let odd = text.chars().filter(|c| c.is_control() && *c != '\n');
    assert_eq!(odd.count(), 0, "{text:?}");
    assert!(
        text.contains("a\\u{1b}[31mb") && text.contains("\\u{202e}txt"),
        "{text}"
    );
}
