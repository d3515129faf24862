//! `token` and `stall` of `#[llm_call]`: without a stream, and with the wrong values.

use std::time::Duration;

use futures_util::stream::{self, Stream};
use obs_runtime::llm_call;

#[llm_call(provider = "openai", model = "gpt-4o", stall = "60s")]
async fn whole() -> Result<String, String> {
    Ok(String::new())
}

#[llm_call(provider = "openai", model = "gpt-4o", token = |chunk| true, stall = "60s")]
fn at_once() -> String {
    String::new()
}

#[llm_call(provider = "openai", model = "gpt-4o", stream = false, stall = "60s")]
fn call_alone() -> impl Stream<Item = u8> {
    stream::empty()
}

#[llm_call(provider = "openai", model = "gpt-4o", stream, stall = 60)]
fn no_unit() -> impl Stream<Item = u8> {
    stream::empty()
}

#[llm_call(provider = "openai", model = "gpt-4o", stream, stall = "soon")]
fn no_time() -> impl Stream<Item = u8> {
    stream::empty()
}

#[llm_call(provider = "openai", model = "gpt-4o", stream, token = true)]
fn no_closure() -> impl Stream<Item = u8> {
    stream::empty()
}

#[llm_call(provider = "openai", model = "gpt-4o", stream, token = |chunk| chunk.len())]
fn no_answer() -> impl Stream<Item = String> {
    stream::empty()
}

const SECONDS: u64 = 60;

#[llm_call(provider = "openai", model = "gpt-4o", stream, stall = SECONDS)]
fn no_duration() -> impl Stream<Item = u8> {
    stream::empty()
}

#[llm_call(provider = "openai", model = "gpt-4o", stream, stall = Duration::from_secs(SECONDS))]
fn fits() -> impl Stream<Item = u8> {
    stream::empty()
}

#[llm_call(provider = "openai", model = "gpt-4o", stream, refused = |error| true)]
fn never_fails() -> impl Stream<Item = u8> {
    stream::empty()
}

#[llm_call(provider = "openai", model = "gpt-4o", stream, refused = |error| error == "429")]
async fn fails_to_begin() -> Result<impl Stream<Item = u8>, String> {
    Ok(stream::empty())
}

fn main() {}
