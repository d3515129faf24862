//! Annotated tasks and handlers in a crate that allows nothing: the macros add no lint
//! (`cargo clippy` judges).

#![deny(
    warnings,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    rust_2018_idioms,
    single_use_lifetimes,
    unused_qualifications,
    unused_lifetimes,
    let_underscore_drop,
    missing_debug_implementations,
    missing_copy_implementations,
    unreachable_pub
)]
#![allow(
    missing_docs,
    clippy::future_not_send,
    clippy::missing_const_for_fn,
    clippy::redundant_pub_crate,
    clippy::unused_async,
    clippy::needless_pass_by_value,
    reason = "the plain functions have these too"
)]
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use obs_runtime::{
    on_complete, on_failure,
    pipeline::{Input, Pipeline, Resource, RunResult, TaskContext},
    pipeline_task,
};

const LIMIT: Duration = Duration::from_secs(60);

mod source {
    use obs_runtime::{pipeline::Input, pipeline_task};

    #[pipeline_task(pipeline = "lints", records = |text| text.len())]
    pub(crate) fn load(name: Input<&'static str>) -> Result<String, std::io::Error> {
        Ok((*name).to_owned())
    }
}
use source::load;

#[pipeline_task(pipeline = "lints", depends_on(load), retries = 1, timeout = LIMIT, jitter)]
async fn words(load: &str, context: &TaskContext, _unused: Resource<u8>) -> Vec<String> {
    context.set_records(1);
    load.split(' ').map(str::to_owned).collect()
}

#[pipeline_task(pipeline = "lints", depends_on(words, load))]
async fn count(words: Arc<Vec<String>>, _: Input<&'static str>) -> usize {
    words.len()
}

#[pipeline_task(pipeline = "lints", depends_on(n = count), fields(n), error_if = |ok| !*ok)]
async fn enough(mut n: usize) -> bool {
    n += 1;
    n > 2
}

/// Nothing to take, nothing to give.
#[pipeline_task(pipeline = "lints", depends_on(enough), concurrency = "one")]
async fn notify() {
    tokio::task::yield_now().await;
}

#[on_failure(pipeline = "lints")]
async fn report(result: &RunResult) -> Result<(), String> {
    Err(result.run_id.clone())
}

#[on_complete(task = enough)]
fn done(_: &RunResult) {}

#[tokio::test]
async fn all_of_it_runs() {
    let pipeline = Pipeline::named("lints").expect("it is complete");
    let result = pipeline
        .input("a b")
        .resource(1_u8)
        .concurrency("one", 1)
        .run()
        .await
        .expect("it has what it needs");
    assert!(result.succeeded(), "{result}");
    assert!(result.handler_errors.is_empty(), "{result}");
}
