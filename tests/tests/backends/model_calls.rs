//! A small program with model calls of every kind, for receivers that show them: its account by obs itself is what they
//! must say.

use obs_runtime::llm::{LlmResponse, LlmTotals, Request, Usage};
use obs_runtime::{Observability, SpanContext, llm_call, traced, vector_op};
use obs_tests::server::until;

/// What one run is known by.
pub(crate) struct Ran {
    /// The id of its trace, in hexadecimal digits.
    pub(crate) trace_id: String,
    /// What obs says of it.
    pub(crate) totals: LlmTotals,
}

/// How many spans a run has.
pub(crate) const SPANS: usize = 6;

/// Runs the program, and waits until the receiver has taken its spans.
pub(crate) fn run(obs: &Observability) -> Ran {
    let trace_id = answer("Who was the first keeper?");
    // The first request may take a receiver longer than a flush waits. What it refuses is told of metrics and logs: some
    // take spans alone.
    let _ = obs.force_flush();
    until("the spans are taken", || {
        let traces = &obs.stats().spans.exporters[0];
        assert_eq!(traces.dropped, [], "{traces:?}");
        (traces.exported == SPANS as u64).then_some(())
    });
    Ran {
        totals: LlmTotals::for_trace(trace_id).expect("it has model calls"),
        trace_id: trace_id.to_string(),
    }
}

#[traced]
fn answer(question: &str) -> obs_runtime::trace::TraceId {
    embed(question);
    let found = search(question);
    ask(question, found.len());
    think(question);
    let failed = refuse(question);
    assert!(failed.is_err());
    let context = SpanContext::current().expect("it is inside of a span");
    context.trace_id()
}

#[llm_call(provider = "openai", operation = "embeddings", model = "text-embedding-3-small",
    usage = |_| LlmResponse::new().usage(Usage::input(8)).model("text-embedding-3-small"))]
fn embed(question: &str) -> usize {
    question.len()
}

#[vector_op(system = "qdrant", operation = "search", collection = "docs", count = |found| found.len())]
fn search(question: &str) -> Vec<String> {
    vec![question.to_owned()]
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", server = "https://api.openai.com/v1", max_tokens = 100,
    request = Request::new().conversation("conv_1"), usage = |_| LlmResponse::new()
        .usage(Usage::new(1_200, 34).cache_read(1_024))
        .model("gpt-4o-mini-2024-07-18")
        .id("chatcmpl-1")
        .finish_reason("stop"))]
fn ask(question: &str, documents: usize) -> usize {
    documents * question.len()
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-5", usage = |_| Usage::new(50, 80)
    .cached_apart(1_000, 200)
    .cache_write_5m(200))]
fn think(question: &str) -> usize {
    question.len()
}

/// Refused, so that it costs nothing.
#[llm_call(provider = "openai", model = "gpt-4o", refused = |_| true)]
fn refuse(question: &str) -> Result<(), String> {
    Err(format!(
        "no answer to a question of {} letters",
        question.len()
    ))
}
