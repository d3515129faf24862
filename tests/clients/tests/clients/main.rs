//! Clients of models under `#[llm_call]`, with the telemetry of their own on: one span of an inference, one count.

mod genai_client;
mod refusals;
mod rig_client;
mod spans;

use std::future::Future;

use obs_runtime::testing::{self, Captured};
use obs_runtime::trace::SpanRecord;
use obs_tests_provider::Tokens;
use tracing_subscriber::prelude::*;

/// The model that all of them ask.
const MODEL: &str = "gpt-4o-mini";
const TOKENS: Tokens = Tokens {
    input: 1_200,
    output: 80,
    cache_read: 1_000,
    cache_write_5m: 0,
    cache_write_1h: 0,
    reasoning: 0,
    web_searches: 0,
};
/// 200 tokens at 0.15 dollars for a million, 1,000 from the cache at 0.075, 80 at 0.60.
const COST: f64 = 0.000_153;

/// A client that asks nobody but this machine.
fn loopback() -> reqwest::Client {
    // Another crate of the workspace asks reqwest for a rustls without a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("a client without files or sockets")
}

/// Captures what a call records, what is said with `tracing` included.
fn capture<F: Future>(call: F) -> Captured<F::Output> {
    let subscriber = tracing_subscriber::registry().with(obs_runtime::interop::tracing::layer());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    testing::capture(|| tracing::subscriber::with_default(subscriber, || runtime.block_on(call)))
}

/// Every attribute by which somebody who reads the trace would take a span for an inference.
fn of_inference(span: &SpanRecord) -> Vec<&str> {
    let keys = span.attributes.iter().map(|(key, _)| &**key);
    keys.filter(|key| key.starts_with("gen_ai.")).collect()
}

/// Asserts that there is one span of an inference, one count of its tokens and its cost.
#[track_caller]
fn assert_one_inference<T>(captured: &Captured<T>) {
    let tree = captured.tree();
    let inferences = captured
        .spans
        .iter()
        .filter(|span| !of_inference(span).is_empty());
    assert_eq!(inferences.count(), 1, "{tree}");
    let call = captured.assert_span("chat gpt-4o-mini");
    call.attribute("gen_ai.usage.input_tokens", 1_200)
        .attribute("gen_ai.usage.output_tokens", 80)
        .attribute("gen_ai.usage.cache_read.input_tokens", 1_000)
        .attribute("operation.cost", COST)
        .without("obs.llm.attempts");
    captured
        .assert_metric("gen_ai.client.inference.duration")
        .count(1);
    captured
        .assert_metric("gen_ai.client.inference.usage.input_tokens")
        .value(1_200);
    captured
        .assert_metric("gen_ai.client.inference.usage.output_tokens")
        .value(80);
    captured.assert_metric("obs.llm.cost").value(COST);
}
