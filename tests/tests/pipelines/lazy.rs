//! Tasks that are mapped over a list whose items are made meanwhile.

use obs_runtime::pipeline::{Input, Lazy, Pipeline, RunState, TaskState};
use obs_runtime::pipeline_task;

/// How many items there are, and the one that cannot be made.
struct Source(u32, Option<u32>);

mod pages {
    use super::*;

    #[pipeline_task(pipeline = "lazy")]
    async fn load(source: Input<Source>) -> Lazy<String> {
        let Source(items, broken) = *source;
        Lazy::try_new((0..items).map(move |item| match broken {
            Some(at) if at == item => Err(format!("page {item} is gone, password=hunter2")),
            _ => Ok(format!("page {item}")),
        }))
    }

    #[pipeline_task(pipeline = "lazy", depends_on(load), map(page in load, parallel = 3, max = 1_000), retries = 1, delay = "1ms")]
    async fn length(page: &str) -> Result<usize, String> {
        tokio::task::yield_now().await;
        Ok(page.len())
    }

    #[pipeline_task(pipeline = "lazy", depends_on(length))]
    async fn sum(length: &[usize]) -> usize {
        length.iter().sum()
    }
}

#[tokio::test]
async fn items_that_are_made_meanwhile_are_worked_on_in_their_order() {
    let pipeline = Pipeline::named("lazy").unwrap();
    let run = pipeline.input(Source(500, None)).run().await.unwrap();
    assert_eq!(run.state, RunState::Succeeded, "{run}");
    let expected: usize = (0..500).map(|item| format!("page {item}").len()).sum();
    assert_eq!(run.output::<usize>("sum"), Some(&expected));
    let length = &run.task_results["length"];
    assert_eq!((length.items.len(), length.attempts), (500, 1));
}

#[tokio::test]
async fn an_item_that_cannot_be_made_fails_the_task_and_says_why() {
    let pipeline = Pipeline::named("lazy").unwrap();
    let run = pipeline.input(Source(500, Some(7))).run().await.unwrap();
    let length = &run.task_results["length"];
    assert_eq!(length.state, TaskState::Failed);
    let error = length.error.as_ref().unwrap();
    assert_eq!(error.error_type(), "items");
    assert!(error.message().contains("page 7 is gone"), "{error}");
    assert!(!error.message().contains("hunter2"), "{error}");
    // Those before it have run.
    let done = length.items.iter().filter(|item| item.state.is_success());
    assert_eq!((length.items.len(), done.count()), (7, 7));
    assert_eq!(run.task_results["sum"].state, TaskState::Skipped);
}

#[tokio::test]
async fn one_item_more_than_may_be_fails_the_task() {
    let pipeline = Pipeline::named("lazy").unwrap();
    let run = pipeline.input(Source(u32::MAX, None)).run().await.unwrap();
    let error = run.task_results["length"].error.as_ref().unwrap();
    assert!(error.message().contains("at most 1000"), "{error}");
}

#[tokio::test]
async fn an_empty_list_succeeds() {
    let pipeline = Pipeline::named("lazy").unwrap();
    let run = pipeline.input(Source(0, None)).run().await.unwrap();
    assert_eq!(run.output::<usize>("sum"), Some(&0));
}
