use std::sync::Arc;

use tokio::sync::Notify;

use crate::pipeline::items::{collect_all, count_items};
use crate::pipeline::plan::MapRule;
use crate::pipeline::task::Mapping;
use crate::pipeline::{ItemProgress, Pipeline, Progress, RunState, Task, TaskContext, TaskState};

async fn ok(_: TaskContext) -> Result<Vec<u8>, String> {
    Ok(vec![0; 5])
}

/// Follows a run until it is so far.
async fn until(
    run: &mut crate::pipeline::RunHandle,
    is_so_far: impl Fn(&Progress) -> bool,
) -> Progress {
    loop {
        let progress = run.progress().await.expect("the run goes on");
        if is_so_far(&progress) {
            return progress;
        }
    }
}

#[tokio::test]
async fn whoever_follows_a_run_sees_what_tasks_say_and_how_it_ends() {
    let go = Arc::new(Notify::new());
    let waits = Arc::clone(&go);
    let copy = move |context: TaskContext| {
        let waits = Arc::clone(&waits);
        async move {
            for done in 0..=3 {
                context.progress(done, 10);
            }
            waits.notified().await;
            context.progress(10, 10);
            waits.notified().await;
            Ok::<_, String>(())
        }
    };
    let pipeline = Pipeline::builder("p").task("copy", [], copy);
    let pipeline = pipeline.task("after", ["copy"], ok).build().unwrap();
    let mut run = pipeline.start().await.unwrap();
    let mut elsewhere = run.watch();
    let said = |done| move |p: &Progress| p.tasks[0].said == Some((done, 10));
    let first = until(&mut run, said(3)).await;
    assert_eq!(first.state, RunState::Running);
    let states: Vec<_> = first.tasks.iter().map(|task| task.state).collect();
    assert_eq!(states, [TaskState::Running, TaskState::Scheduled]);
    assert_eq!((first.ended(), first.count(TaskState::Running)), (0, 1));
    go.notify_one();
    let second = until(&mut run, said(10)).await;
    assert_eq!(second.tasks[0].state, TaskState::Running);
    go.notify_one();
    let last = until(&mut run, |p| p.state.is_terminal()).await;
    assert_eq!((last.state, last.ended()), (RunState::Succeeded, 2));
    assert_eq!(last.tasks[0].said, Some((10, 10)));
    assert_eq!(run.progress().await, None);
    assert_eq!(run.progress().await, None);
    assert!(run.wait().await.unwrap().succeeded());
    assert_eq!(elsewhere.next().await, Some(last), "whoever comes late");
    assert_eq!(elsewhere.next().await, None);
}

#[tokio::test]
async fn the_items_of_a_mapped_task_are_counted() {
    let go = Arc::new(Notify::new());
    let waits = Arc::clone(&go);
    let mut each = Task::new("each", move |context: TaskContext| {
        let waits = Arc::clone(&waits);
        async move {
            context.progress(1, 1);
            match context.item() {
                Some(0) => Err("broken"),
                Some(3) => {
                    waits.notified().await;
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    });
    each = each.depends_on(["load"]);
    each.map = Some(Mapping {
        rule: MapRule::DEFAULT.parallel(2),
        source: 0,
        count: count_items::<Vec<u8>>,
        collect: collect_all::<()>,
    });
    each.map.as_mut().unwrap().rule.allow_failed = crate::pipeline::plan::AllowFailed::Count(1);
    let pipeline = Pipeline::builder("p").task("load", [], ok).add_task(each);
    let mut run = pipeline.build().unwrap().start().await.unwrap();
    let halfway = until(&mut run, |p| {
        p.tasks[1].items.is_some_and(|items| items.ended == 4)
    });
    let halfway = halfway.await;
    assert_eq!(
        halfway.tasks[1].items,
        Some(ItemProgress {
            total: 5,
            running: 1,
            ended: 4,
            failed: 1
        })
    );
    assert_eq!(
        halfway.tasks[1].said, None,
        "an item says nothing of the task"
    );
    go.notify_one();
    let last = until(&mut run, |p| p.state.is_terminal()).await;
    let items = last.tasks[1].items.unwrap();
    assert_eq!((items.ended, items.running, items.failed), (5, 0, 1));
    let result = run.wait().await.unwrap();
    // One output is missing, and this task takes all of them.
    assert_eq!(result.state, RunState::Failed);
}

/// Its runtime was shut down.
#[tokio::test]
async fn a_run_that_is_gone_answers_nobody() {
    let pipeline = Pipeline::builder("p").task("a", [], ok).build().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).build().unwrap();
    let mut run = runtime.spawn(pipeline.start()).await.unwrap().unwrap();
    runtime.shutdown_background();
    while run.progress().await.is_some() {}
}
