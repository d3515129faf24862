//! Annotated tasks and handlers, from the registry to the result.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use obs_runtime::pipeline::{CancelHandle, TaskError};
use obs_runtime::testing::capture_async;
use obs_runtime::{
    AttributeValue, on_cancel, on_complete, on_failure,
    pipeline::{Input, Pipeline, Resource, RunResult, RunState, TaskContext, TaskState},
    pipeline_task,
    registry::{Construct, callsites},
    trace::Outcome,
};

#[derive(Debug)]
pub(crate) struct Refused(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused {}", self.0)
    }
}

/// Every way to take an input, and every way to return an output.
mod rag {
    use super::*;

    pub(crate) struct Folder(pub(crate) &'static str);
    pub(crate) struct Client(pub(crate) u32);
    #[derive(Debug, PartialEq)]
    pub(crate) struct Doc(pub(crate) String);

    pub(crate) mod load {
        use super::*;

        #[pipeline_task(pipeline = "rag", records = |docs| docs.len())]
        pub(crate) async fn load_documents(folder: Input<Folder>) -> Result<Vec<Doc>, Refused> {
            tokio::task::yield_now().await;
            Ok(vec![Doc(format!("{}/a", folder.0)), Doc("b".to_owned())])
        }
    }
    use load::load_documents;

    #[pipeline_task(
        pipeline = "rag",
        depends_on(load_documents),
        retries = 2,
        backoff = "none"
    )]
    async fn chunk_documents(
        load_documents: &[Doc],
        context: &TaskContext,
    ) -> Result<String, Refused> {
        if context.attempt() == 1 {
            return Err(Refused("the first attempt"));
        }
        context.set_records(10);
        Ok(load_documents
            .iter()
            .map(|d| &*d.0)
            .collect::<Vec<_>>()
            .join("+"))
    }

    /// Synchronous, and only in order with the chunks.
    #[pipeline_task(
        pipeline = "rag",
        depends_on(docs = load::load_documents, chunk_documents),
        name = "count"
    )]
    fn count_documents(docs: Arc<Vec<Doc>>, client: Resource<Client>) -> usize {
        docs.len() + client.0 as usize
    }

    #[pipeline_task(pipeline = "rag", depends_on(chunk_documents, count = count_documents))]
    async fn store(count: usize, chunk_documents: &str) -> (usize, String) {
        (count, chunk_documents.to_owned())
    }
}

fn rag() -> Pipeline {
    Pipeline::named("rag")
        .unwrap()
        .input(rag::Folder("docs"))
        .resource(rag::Client(40))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_inputs_and_resources_reach_the_parameters() {
    let result = rag().run().await.unwrap();
    assert!(result.succeeded(), "{result}");
    let stored = result.output::<(usize, String)>("store").unwrap();
    assert_eq!(*stored, (42, "docs/a+b".to_owned()));
    assert_eq!(result.task_results["chunk_documents"].attempts, 2);
    assert_eq!(result.task_results["load_documents"].records, Some(2));
    assert_eq!(result.records_count, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn annotated_tasks_are_spans_of_the_run() {
    let captured = capture_async(rag().run()).await;
    let run = captured.span("pipeline rag");
    let load = captured.span("load_documents");
    // A synchronous task runs on another thread and is a child all the same.
    let count = captured.span("count");
    for span in [load, count, captured.span("store")] {
        assert_eq!(span.parent_id, Some(run.span_id), "{}", span.name);
        assert_eq!(
            span.attribute("obs.pipeline.name"),
            Some(&AttributeValue::from("rag"))
        );
        assert_eq!(
            span.attribute("obs.task.attempt"),
            Some(&AttributeValue::I64(1))
        );
    }
    assert!(load.links.is_empty());
    let chunks: Vec<_> = captured
        .spans
        .iter()
        .filter(|s| s.name == "chunk_documents")
        .collect();
    assert_eq!(chunks[0].outcome, Outcome::Error);
    assert_eq!(
        chunks[0].error.as_ref().unwrap().message.as_deref(),
        Some("refused the first attempt")
    );
    assert_eq!(chunks[1].outcome, Outcome::Ok);
    assert_eq!(
        chunks[1].attribute("obs.task.attempt"),
        Some(&AttributeValue::I64(2))
    );
    let links: Vec<_> = count.links.iter().map(|l| l.context.span_id()).collect();
    assert_eq!(links, [load.span_id, chunks[1].span_id]);
}

#[tokio::test]
async fn a_task_is_a_function_like_any_other() {
    let captured = capture_async(async {
        rag::load::load_documents(Input::from(rag::Folder("x")))
            .await
            .unwrap()
            .len()
    })
    .await;
    assert_eq!(captured.value, 2);
    let span = captured.span("load_documents");
    assert_eq!(span.attribute("obs.task.attempt"), None);
}

#[test]
fn tasks_are_in_the_registry_without_running() {
    let site = callsites()
        .find(|s| s.function() == "count_documents" && s.file() == file!())
        .unwrap();
    assert_eq!(site.construct(), Construct::PipelineTask);
    let order: Vec<_> = rag().task_names().map(str::to_owned).collect();
    assert_eq!(
        order,
        ["load_documents", "chunk_documents", "count", "store"]
    );
    assert!(obs_runtime::pipeline::names().contains(&"rag"));
}

#[test]
fn what_a_run_lacks_is_named_before_it_starts() {
    let error = Pipeline::named("rag")
        .unwrap()
        .check()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("task `load_documents` needs a value of type `"),
        "{error}"
    );
    assert!(
        error.contains("Folder`: call `.input(…)` before `run`"),
        "{error}"
    );
    assert!(
        error.contains("Client`: call `.resource(…)` before `run`"),
        "{error}"
    );
}

// bug: a wrong type of input was reported like none at all.
#[test]
fn an_input_of_another_type_is_named() {
    let pipeline = Pipeline::named("rag").unwrap();
    let error = pipeline.input("docs".to_owned()).input(7_u8).check();
    let error = error.unwrap_err().to_string();
    let expected =
        "Folder`: call `.input(…)` before `run` (given was `alloc::string::String`, `u8`)";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn an_unknown_pipeline_is_refused_with_those_that_exist() {
    let error = Pipeline::named("rga").unwrap_err();
    assert!(error.is_pipeline());
    assert!(error.to_string().contains("`rag`"), "{error}");
}

/// An error without `Display`, an alias of `Result`, and a panic.
mod errors {
    use super::*;

    #[derive(Debug)]
    pub(crate) struct Plain;
    type Fallible<T> = std::result::Result<T, Plain>;

    #[pipeline_task(pipeline = "errors")]
    async fn aliased() -> Fallible<u8> {
        Err(Plain)
    }

    #[pipeline_task(pipeline = "errors")]
    fn panics() -> u8 {
        panic!("no luck")
    }

    #[pipeline_task(pipeline = "errors", timeout = "20ms")]
    async fn hangs() {
        std::future::pending::<()>().await;
    }

    #[pipeline_task(pipeline = "errors", depends_on(aliased))]
    async fn after() {}

    pub(crate) static FAILED: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[on_failure(pipeline = "errors")]
    async fn tell(result: &RunResult) {
        let names = result.get_failed_tasks();
        let names: Vec<_> = names.iter().map(|t| &*t.name).collect();
        FAILED.lock().unwrap().push(names.join(","));
    }

    #[on_failure(task = panics)]
    fn tell_of_the_panic(result: &RunResult) -> Result<(), String> {
        Err(format!(
            "{}",
            result.task_results["panics"].error.as_ref().unwrap()
        ))
    }

    #[on_failure(task = after)]
    fn never(_: &RunResult) {
        FAILED.lock().unwrap().push("never".to_owned());
    }

    #[on_complete(pipeline = "errors")]
    fn also_panics(_: &RunResult) {
        panic!("in the handler")
    }
}

// case: 116
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_have_their_reason_and_handlers_are_told() {
    let captured = capture_async(Pipeline::named("errors").unwrap().run()).await;
    let result = captured.value.as_ref().unwrap();
    assert_eq!(result.state, RunState::Failed);
    let error = |name: &str| -> TaskError { result.task_results[name].error.clone().unwrap() };
    assert_eq!(error("aliased").message(), "Plain");
    assert!(error("aliased").error_type().ends_with("errors::Plain"));
    assert_eq!(error("panics").message(), "panicked: no luck");
    assert_eq!(error("hangs").message(), "timed out after 20ms");
    assert_eq!(result.task_results["after"].state, TaskState::Skipped);

    assert_eq!(*errors::FAILED.lock().unwrap(), ["aliased,panics,hangs"]);
    let told: Vec<_> = result.handler_errors.iter().map(|e| &*e.message).collect();
    assert_eq!(told, ["panicked: no luck", "panicked: in the handler"]);
    let handler = captured.span("tell");
    assert_eq!(
        handler.parent_id,
        Some(captured.span("pipeline errors").span_id)
    );
    assert_eq!(captured.span("panics").outcome, Outcome::Panicked);
    assert_eq!(captured.span("hangs").outcome, Outcome::Error);
}

/// Names that generated code might stumble over.
mod hostile {
    #![allow(dead_code)]
    use super::pipeline_task;

    struct Result;
    struct Option;
    mod core {}
    fn context() {}
    static META: u8 = 0;

    #[pipeline_task(pipeline = "hostile")]
    async fn r#type() -> u8 {
        7
    }

    #[pipeline_task(pipeline = "hostile", depends_on(value = r#type))]
    async fn double(mut value: u8) -> u8 {
        value *= 2;
        value
    }
}

#[tokio::test]
async fn strange_scopes_and_raw_names_work() {
    let result = Pipeline::named("hostile").unwrap().run().await.unwrap();
    assert_eq!(result.output::<u8>("double"), Some(&14), "{result}");
}

mod limited {
    use super::*;

    pub(crate) static RUNNING: AtomicU32 = AtomicU32::new(0);
    pub(crate) static MOST: AtomicU32 = AtomicU32::new(0);
    const PAUSE: Duration = Duration::from_millis(1);

    async fn work() {
        let now = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }

    macro_rules! tasks {
        ($($name:ident)*) => {
            $(#[pipeline_task(pipeline = "limited", concurrency = "gpu", retries = 1, delay = PAUSE, jitter)]
            async fn $name() {
                work().await;
            })*
        };
    }
    tasks!(a b c d e f);
}

#[tokio::test]
async fn a_named_limit_holds() {
    let pipeline = Pipeline::named("limited").unwrap();
    let result = pipeline.concurrency("gpu", 2).run().await.unwrap();
    assert!(result.succeeded(), "{result}");
    assert_eq!(limited::MOST.load(Ordering::SeqCst), 2);
}

/// What the compiler cannot see: it is said when the pipeline is built.
mod clashes {
    use super::*;

    pub(crate) mod one {
        #[obs_runtime::pipeline_task(pipeline = "same-name")]
        async fn load() {}
    }

    pub(crate) mod two {
        #[obs_runtime::pipeline_task(pipeline = "same-name")]
        async fn load() {}
    }

    #[pipeline_task(pipeline = "taken-twice")]
    async fn rows() -> Vec<u8> {
        Vec::new()
    }

    #[pipeline_task(pipeline = "taken-twice", depends_on(rows))]
    async fn sum(rows: Vec<u8>) -> usize {
        rows.len()
    }

    #[pipeline_task(pipeline = "taken-twice", depends_on(rows))]
    async fn first(rows: &[u8]) -> Option<u8> {
        rows.first().copied()
    }
}

#[test]
fn clashes_are_refused_with_the_remedy() {
    let error = |name: &str| Pipeline::named(name).unwrap_err().to_string();
    let same = error("same-name");
    assert!(same.contains("two tasks have the name `load`"), "{same}");
    assert_eq!(same.matches(concat!(file!(), ":")).count(), 2, "{same}");
    assert_eq!(
        error("taken-twice"),
        "pipeline `taken-twice`: `sum` takes the output of `rows` by value, but `first` uses it \
         too: take `&T` or `Arc<T>`"
    );
}

mod judged {
    use super::*;

    #[pipeline_task(pipeline = "judged", error_if = |n| *n > 2)]
    async fn too_many() -> u8 {
        3
    }

    #[pipeline_task(pipeline = "judged", ok_if = |r| matches!(r, Ok(3)))]
    fn as_wanted() -> Result<u8, String> {
        Ok(3)
    }

    #[pipeline_task(pipeline = "judged", ok_if = |r| matches!(r, Ok(4)))]
    fn not_as_wanted() -> Result<u8, String> {
        Ok(3)
    }
}

#[tokio::test]
async fn a_value_that_is_an_error_of_the_span_fails_the_task() {
    let captured = capture_async(Pipeline::named("judged").unwrap().run()).await;
    let result = captured.value.as_ref().unwrap();
    for (task, state, outcome) in [
        ("too_many", TaskState::Failed, Outcome::Error),
        ("as_wanted", TaskState::Succeeded, Outcome::Ok),
        ("not_as_wanted", TaskState::Failed, Outcome::Error),
    ] {
        assert_eq!(result.task_results[task].state, state, "{task}");
        assert_eq!(captured.span(task).outcome, outcome, "{task}");
    }
    let error = result.task_results["too_many"].error.as_ref().unwrap();
    assert_eq!(
        error.message(),
        "`error_if` calls the returned value an error"
    );
}

mod unprintable {
    use super::*;

    pub(crate) struct Unprintable;

    impl std::fmt::Display for Unprintable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("in the formatter")
        }
    }

    #[pipeline_task(pipeline = "unprintable", retries = 1)]
    fn fails() -> Result<u8, Unprintable> {
        Err(Unprintable)
    }
}

#[tokio::test]
async fn an_error_whose_formatter_panics_is_an_error() {
    let run = Pipeline::named("unprintable").unwrap().run().await;
    let task = &run.unwrap().task_results["fails"];
    // A task that panicked would not be repeated.
    assert_eq!((task.state, task.attempts), (TaskState::Failed, 2));
    let error = task.error.as_ref().unwrap();
    assert_eq!(error.message(), "<panicked while formatting>");
    assert!(error.error_type().ends_with("Unprintable"), "{error:?}");
}

mod cancelled {
    use super::*;

    #[pipeline_task(pipeline = "cancelled")]
    async fn cancel(handle: Resource<CancelHandle>) {
        handle.cancel();
        std::future::pending::<()>().await;
    }

    #[pipeline_task(pipeline = "cancelled", depends_on(cancel))]
    async fn never() {}

    pub(crate) static CALLED: Mutex<Vec<&str>> = Mutex::new(Vec::new());

    #[on_cancel(pipeline = "cancelled")]
    fn of_the_run(_: &RunResult) {
        CALLED.lock().unwrap().push("run");
    }

    #[on_cancel(task = never)]
    async fn of_the_task(_: &RunResult) {
        CALLED.lock().unwrap().push("task");
    }

    #[on_complete(pipeline = "cancelled")]
    fn complete(_: &RunResult) {
        CALLED.lock().unwrap().push("complete");
    }
}

#[tokio::test]
async fn a_cancelled_run_calls_the_handlers_of_cancelled_runs() {
    let pipeline = Pipeline::named("cancelled").unwrap();
    let handle = pipeline.cancel_handle();
    let captured = capture_async(pipeline.resource(handle).run()).await;
    let result = captured.value.as_ref().unwrap();
    assert_eq!(result.state, RunState::Cancelled);
    assert_eq!(*cancelled::CALLED.lock().unwrap(), ["run", "task"]);
    assert_eq!(
        captured.span("pipeline cancelled").outcome,
        Outcome::Cancelled
    );
    assert_eq!(captured.span("cancel").outcome, Outcome::Cancelled);
}
