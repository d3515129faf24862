use crate::llm::{LlmCall, record_llm_call};
use crate::pipeline::{Backoff, Pipeline, Task, TaskContext};
use crate::testing;

fn ask(input: u64) {
    record_llm_call(LlmCall::new("openai", "chat", "gpt-4o-mini").usage((input, 80)));
}

/// Two tasks that run at the same time and take turns, one of them with a failed attempt.
fn pipeline() -> Pipeline {
    Pipeline::builder("answers")
        .add_task(
            Task::new("small", |c: TaskContext| async move {
                ask(1_000);
                tokio::task::yield_now().await;
                ask(1_000);
                if c.attempt() == 1 {
                    Err("again")
                } else {
                    Ok(())
                }
            })
            .retries(1)
            .backoff(Backoff::None),
        )
        .task("large", [], |_| async {
            tokio::task::yield_now().await;
            ask(100_000);
            Ok::<_, String>(())
        })
        .task("none", [], |_| async { Ok::<_, String>(()) })
        .build()
        .unwrap()
}

#[tokio::test]
async fn each_task_has_what_its_calls_used() {
    let captured = testing::capture_async(pipeline().run()).await;
    let run = captured.value.as_ref().unwrap();
    let calls = |task: &str| {
        let spent = run.task_results[task].spent.as_ref()?;
        Some((spent.model_calls, spent.usage.input_tokens()))
    };
    // Attempts that failed are paid for as well.
    assert_eq!(calls("small"), Some((4, Some(4_000))));
    assert_eq!(calls("large"), Some((1, Some(100_000))));
    assert_eq!(calls("none"), None);
    let whole = run.spent.as_ref().unwrap();
    assert_eq!(
        (whole.model_calls, whole.usage.input_tokens()),
        (5, Some(104_000))
    );
    let order: Vec<_> = run
        .cost_by_task()
        .iter()
        .map(|(task, _)| &*task.name)
        .collect();
    assert_eq!(order, ["large", "small"]);
    let text = run.summary();
    assert!(text.contains("; $0.0"), "{text}");
    let json = serde_json::to_value(run).unwrap();
    assert_eq!(json["task_results"][1]["spent"]["model_calls"], 1, "{json}");
    assert_eq!(json["task_results"][2].get("spent"), None);

    let calls = captured.assert_metric("obs.pipeline.model_calls");
    calls.clone().labels([("task", "small")]).value(4);
    calls.labels([("task", "large")]).value(1);
    let cost = captured
        .assert_metric("obs.pipeline.cost")
        .labels([("task", "large")]);
    cost.value(0.015_048);
}

#[tokio::test]
async fn a_run_without_model_calls_has_spent_nothing() {
    let pipeline = Pipeline::builder("p").task("a", [], |_| async { Ok::<_, String>(()) });
    let captured = testing::capture_async(pipeline.build().unwrap().run()).await;
    assert!(captured.value.unwrap().spent.is_none());
}
