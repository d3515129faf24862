//! `#[llm_call]`, `#[vector_op]` and `span!` with the wrong arguments.
use obs_runtime::{llm_call, span, vector_op};

#[llm_call]
fn nothing() {}

#[llm_call(provider = "openai", model = "gpt-4o", capture(content), budget = "x", reserve = |a| a)]
fn not_yet() {}

#[llm_call(provider = "openai", model = "gpt-4o", usage = |out| out.len())]
fn no_usage() -> String {
    String::new()
}

#[llm_call(provider = "openai", model = "gpt-4o", usage = |out| (out.len(), 0.5))]
fn no_count() -> String {
    String::new()
}

#[llm_call(provider = "openai", model = "gpt-4o")]
fn stream() -> impl futures_util::Stream<Item = u8> {
    futures_util::stream::empty()
}

#[vector_op(system = "qdrant", operation = "scroll")]
fn vector_stream() -> Result<impl futures_util::Stream<Item = u8>, u8> {
    Ok(futures_util::stream::empty())
}

#[llm_call(provider = "openai", model = "gpt-4o", stream)]
fn inert() -> Vec<u8> {
    Vec::new()
}

struct Answer;

#[llm_call(provider = "openai", model = "gpt-4o", stream)]
async fn no_stream() -> Result<Answer, u8> {
    Ok(Answer)
}

#[vector_op(system = "qdrant", usage = 1)]
fn no_operation() {}

#[vector_op(system = "qdrant", operation = "search", count = "three")]
fn no_number() {}

fn main() {
    span!();
    span!("");
    span!("x", password = 1 + 1);
}
