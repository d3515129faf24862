//! What is wrong with the arguments or the signature, said at the argument or the signature.

#![allow(unused_variables)]

use obs_runtime::pipeline_task;

#[pipeline_task]
async fn without_pipeline() {}

#[pipeline_task(pipeline = "")]
async fn empty_pipeline() {}

#[pipeline_task(pipeline = "p", depend_on(a))]
async fn misspelled() {}

#[pipeline_task(pipeline = "p", provider = "openai")]
async fn of_another_macro() {}

#[pipeline_task(pipeline = "p", cache = "1h")]
async fn cached() {}

#[pipeline_task(pipeline = "p", backoff = "linear", jitter)]
async fn backoff_alone() {}

#[pipeline_task(pipeline = "p", retries = 1, backoff = "exponentiall")]
async fn strange_backoff() {}

#[pipeline_task(pipeline = "p", timeout = 30)]
async fn without_unit() {}

#[pipeline_task(pipeline = "p", timeout = "soon")]
async fn no_duration() {}

#[pipeline_task(pipeline = "p", depends_on("extract"))]
async fn text() {}

#[pipeline_task(pipeline = "p", depends_on = extract)]
async fn form() {}

#[pipeline_task(pipeline = "p", depends_on(a::load, b::load))]
async fn same_name() {}

#[pipeline_task(pipeline = "p", depends_on(a, other = a))]
async fn twice() {}

#[pipeline_task(pipeline = "p", depends_on(extract))]
async fn misspelled_parameter(extrat: &[u8]) {}

#[pipeline_task(pipeline = "p", depends_on(rows))]
async fn exclusive(rows: &mut Vec<u8>) {}

#[pipeline_task(pipeline = "p", name = format!("{}", 1))]
async fn dynamic_name() {}

#[pipeline_task(pipeline = "p")]
async fn generic<T>() {}

#[pipeline_task(pipeline = "p")]
async unsafe fn dangerous() {}

#[pipeline_task(pipeline = "p")]
async fn any(value: impl Send) {}

#[pipeline_task(pipeline = "p")]
async fn opaque() -> impl Send {}

#[pipeline_task(pipeline = "p")]
fn borrowed(bytes: &u8) -> &u8 {
    bytes
}

struct Loader;

impl Loader {
    #[pipeline_task(pipeline = "p")]
    async fn method(&self) {}
}

#[pipeline_task(pipeline = "p")]
struct NoFunction;

fn main() {}
