use super::*;
use crate::pipeline::meters::Meters;
use crate::pipeline::{Pipeline, TaskContext};

fn succeed(_: HandlerCall<'_>) -> HandlerFuture<'_> {
    Box::pin(async { Ok(()) })
}

fn refuse(call: HandlerCall<'_>) -> HandlerFuture<'_> {
    Box::pin(async move { Err(format!("after {} errors", call.result.handler_errors.len())) })
}

fn panic_at_once(_: HandlerCall<'_>) -> HandlerFuture<'_> {
    panic!("at once")
}

fn panic_later(_: HandlerCall<'_>) -> HandlerFuture<'_> {
    Box::pin(async {
        tokio::task::yield_now().await;
        panic!("later")
    })
}

const fn meta(
    event: HandlerEvent,
    path: &'static str,
    run: for<'a> fn(HandlerCall<'a>) -> HandlerFuture<'a>,
) -> HandlerMeta {
    HandlerMeta {
        event,
        pipeline: None,
        task: None,
        module: "m",
        path,
        line: 1,
        deadline: None,
        blocks: false,
        run,
    }
}

/// Calls these handlers beside those of the program, which has none for this pipeline.
async fn call_all(
    handlers: Vec<&'static HandlerMeta>,
    result: RunResult,
    given: Handlers,
) -> RunResult {
    let graph = Arc::clone(&result.task_results.graph);
    let meters = Meters::of(&crate::scope::current(), &graph, &[]);
    Calls::new(given, None, meters)
        .call_each(handlers, result)
        .await
}

async fn result(fails: bool) -> RunResult {
    let pipeline = Pipeline::builder("p").task("a", [], move |_: TaskContext| async move {
        if fails { Err("broken") } else { Ok(()) }
    });
    pipeline.build().unwrap().run().await.unwrap()
}

#[tokio::test]
async fn every_handler_is_called_whatever_the_others_do() {
    static HANDLERS: [HandlerMeta; 4] = [
        meta(HandlerEvent::Complete, "one", panic_at_once),
        meta(HandlerEvent::Complete, "two", panic_later),
        meta(HandlerEvent::Complete, "three", succeed),
        meta(HandlerEvent::Complete, "four", refuse),
    ];
    let result = result(false).await;
    let result = call_all(HANDLERS.iter().collect(), result, Handlers::default()).await;
    let errors: Vec<_> = result
        .handler_errors
        .iter()
        .map(|e| (&*e.handler, &*e.message))
        .collect();
    assert_eq!(
        errors,
        [
            ("one", "panicked: at once"),
            ("two", "panicked: later"),
            ("four", "after 2 errors"),
        ]
    );
    assert!(result.summary().contains("handler two: panicked: later"));
}

#[tokio::test]
async fn a_handler_concerns_its_event_and_its_pipeline() {
    let (good, bad) = (result(false).await, result(true).await);
    let mut handler = meta(HandlerEvent::Failure, "h", succeed);
    assert!(concerns(&handler, &bad) && !concerns(&handler, &good));
    handler.event = HandlerEvent::Complete;
    assert!(concerns(&handler, &bad) && concerns(&handler, &good));
    handler.event = HandlerEvent::Cancel;
    assert!(!concerns(&handler, &bad) && !concerns(&handler, &good));
    handler.event = HandlerEvent::Complete;
    handler.pipeline = Some("other");
    assert!(!concerns(&handler, &good));
    handler.pipeline = Some("p");
    assert!(concerns(&handler, &good));
}

// bug: while a late run went on, the handlers of tasks that had ended were called, and again at its end.
#[tokio::test]
async fn a_handler_of_a_task_is_not_called_before_its_run_has_ended() {
    static TASK: TaskMeta = TaskMeta {
        pipeline: "p",
        name: "a",
        path: "p::a",
        file: "p.rs",
        line: 1,
        dependencies: &[],
        policy: crate::pipeline::task::TaskPolicy::DEFAULT,
        about: crate::pipeline::about::About::NONE,
        map: None,
        error_types: &[],
        requires: &[],
        run: |_| Box::pin(core::future::pending()),
    };
    let mut result = result(false).await;
    let mut handler = meta(HandlerEvent::Complete, "h", succeed);
    handler.task = Some(&TASK);
    assert!(concerns(&handler, &result));
    result.state = RunState::Running;
    assert!(!concerns(&handler, &result));
}

#[cfg(feature = "alert")]
#[tokio::test]
async fn a_handler_gets_the_pipelines_alert_manager_or_is_told_that_there_is_none() {
    use crate::alert::AlertManager;
    use crate::private::pipeline::handler_param;

    fn needs_manager(call: HandlerCall<'_>) -> HandlerFuture<'_> {
        Box::pin(async move { handler_param::<AlertManager>(&call).map(|_| ()) })
    }
    static HANDLER: HandlerMeta = meta(HandlerEvent::Complete, "alerts", needs_manager);
    let result = result(false).await;

    let mut result = call_all(vec![&HANDLER], result, Handlers::default()).await;
    let error = result.handler_errors.pop().unwrap();
    assert!(error.message.contains("`.alerts(…)`"), "{}", error.message);

    let manager = AlertManager::builder().log(true).build().unwrap();
    let given = Handlers {
        alerts: Some(manager),
        ..Handlers::default()
    };
    let result = call_all(vec![&HANDLER], result, given).await;
    assert_eq!(result.handler_errors, []);
}

#[tokio::test]
async fn the_error_of_a_handler_tells_no_secret() {
    fn leak(_: HandlerCall<'_>) -> HandlerFuture<'_> {
        Box::pin(async { Err("sink refused password=hunter2".to_owned()) })
    }
    static HANDLER: HandlerMeta = meta(HandlerEvent::Complete, "sink", leak);
    let result = result(false).await;
    let result = call_all(vec![&HANDLER], result, Handlers::default()).await;
    assert_eq!(
        result.handler_errors[0].message,
        "sink refused password=***"
    );
}

// bug: what a handler threw was dropped where nothing caught its own panic, which ended the run.
#[tokio::test]
async fn what_a_handler_throws_may_panic_when_it_is_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the second panic");
        }
    }
    fn throws(_: HandlerCall<'_>) -> HandlerFuture<'_> {
        Box::pin(async { std::panic::panic_any(Bomb) })
    }
    static HANDLER: HandlerMeta = meta(HandlerEvent::Complete, "throws", throws);
    let result = result(false).await;
    let result = call_all(vec![&HANDLER], result, Handlers::default()).await;
    assert_eq!(result.handler_errors[0].message, "panicked");
}
