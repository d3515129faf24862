//! Spans of clients as `tracing` and OpenTelemetry's API make them, in every order of what they say.

use obs_runtime::Sampler;
use obs_runtime::interop::opentelemetry::TracerProvider;
use obs_runtime::{Observability, SpanKind, llm_call, testing};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_subscriber::prelude::*;

use super::{MODEL, assert_one_inference, capture, of_inference};

#[llm_call(provider = "openai", model = MODEL)]
fn ask(client: impl FnOnce()) {
    client();
}

/// A span as a client makes one that says at once what it is about.
fn span(operation: &str, provider: &str, model: &str) -> Span {
    info_span!(
        target: "client::calls",
        "call",
        otel.kind = "client",
        gen_ai.operation.name = operation,
        gen_ai.provider.name = provider,
        gen_ai.request.model = model,
        gen_ai.response.id = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.request.top_p = Empty,
        error.type = Empty,
    )
}

fn answer(span: &Span) {
    span.record("gen_ai.usage.input_tokens", 1_200);
    span.record("gen_ai.usage.cache_read.input_tokens", 1_000);
    span.record("gen_ai.usage.output_tokens", 80);
}

/// A sole call of this kind, in a runtime that it does not need.
fn captured(client: impl FnOnce()) -> testing::Captured<()> {
    capture(async { ask(client) })
}

#[test]
fn a_span_of_the_same_request_is_an_attempt() {
    let captured = captured(|| {
        let span = span("chat", "openai", MODEL);
        answer(&span);
        span.record("gen_ai.response.id", "answer-1");
        span.record("gen_ai.response.finish_reasons", r#"["stop"]"#);
        span.record("gen_ai.request.top_p", 0.9);
    });
    assert_one_inference(&captured);
    captured
        .assert_span("attempt client")
        .kind(SpanKind::Internal)
        .parent("chat gpt-4o-mini");
    captured
        .assert_span("chat gpt-4o-mini")
        .attribute("gen_ai.response.id", "answer-1")
        .attribute("gen_ai.response.finish_reasons", vec!["stop".to_owned()])
        .attribute("gen_ai.request.top_p", 0.9);
}

#[test]
fn a_client_that_speaks_the_format_of_openai_names_openai() {
    #[llm_call(provider = "house", model = MODEL)]
    fn ask_house(client: impl FnOnce()) {
        client();
    }
    let captured = capture(async {
        ask_house(|| answer(&span("chat", "openai", MODEL)));
        ask_house(|| answer(&span("chat", "anthropic", MODEL)));
    });
    assert_eq!(captured.spans_named("attempt client").count(), 1);
    assert_eq!(
        of_inference(captured.span("call")).len(),
        6,
        "another provider"
    );
}

#[test]
fn what_the_span_is_about_may_come_late_or_never() {
    let late = captured(|| {
        let span = info_span!(
            target: "client",
            "call",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = Empty,
            gen_ai.request.model = Empty,
            gen_ai.usage.input_tokens = 1_200,
            gen_ai.usage.cache_read.input_tokens = 1_000,
            gen_ai.usage.output_tokens = 80,
        );
        span.record("gen_ai.provider.name", "openai");
        span.record("gen_ai.request.model", MODEL);
    });
    assert_one_inference(&late);
    let never = captured(|| {
        drop(info_span!(
            target: "client",
            "call",
            gen_ai.operation.name = "chat",
            gen_ai.usage.input_tokens = 1_200,
            gen_ai.usage.cache_read.input_tokens = 1_000,
            gen_ai.usage.output_tokens = 80,
        ));
    });
    assert_one_inference(&never);
    let different = captured(|| {
        let span = span("chat", "openai", "gpt-4o");
        answer(&span);
    });
    assert_eq!(of_inference(different.span("call")).len(), 6);
}

#[test]
fn a_tool_inside_and_a_client_outside_are_what_they_were() {
    let captured = capture(async {
        ask(|| answer(&span("execute_tool", "openai", MODEL)));
        answer(&span("chat", "openai", MODEL));
    });
    let theirs: Vec<_> = captured.spans_named("call").collect();
    assert_eq!(theirs.len(), 2, "{}", captured.tree());
    for span in theirs {
        assert_eq!((of_inference(span).len(), span.kind), (6, SpanKind::Client));
    }
}

#[test]
fn attempts_of_one_call_add_up() {
    let captured = captured(|| {
        for _ in 0..2 {
            answer(&span("chat", "openai", MODEL));
        }
        let refused = span("chat", "openai", MODEL);
        refused.record("error.type", "429");
    });
    assert_eq!(captured.spans_named("attempt client").count(), 3);
    captured
        .assert_span("chat gpt-4o-mini")
        .attribute("gen_ai.usage.input_tokens", 2_400)
        .attribute("operation.cost", 2.0 * super::COST)
        .attribute("obs.llm.attempts", 3);
    captured.assert_metric("obs.llm.rate_limited").value(1);
}

#[test]
fn a_span_that_has_said_its_input_alone_is_cut() {
    let captured = captured(|| {
        let span = span("chat", "openai", MODEL);
        span.record("gen_ai.usage.input_tokens", 1_200);
    });
    captured
        .assert_metric("obs.llm.unpriced")
        .labels([("reason", "cut")])
        .value(1);
}

#[test]
fn accounts_do_not_depend_on_sampling() {
    let builder = Observability::builder().sampler(Sampler::always_off());
    let subscriber = tracing_subscriber::registry().with(obs_runtime::interop::tracing::layer());
    let captured = testing::capture_with(builder, || {
        tracing::subscriber::with_default(subscriber, || {
            ask(|| answer(&span("chat", "openai", MODEL)));
        });
    });
    let captured = captured.expect("a capture");
    assert_eq!(captured.spans.len(), 0);
    captured.assert_metric("obs.llm.cost").value(super::COST);
}

#[test]
fn spans_of_opentelemetry_are_merged_too() {
    let captured = captured(|| {
        let tracer = TracerProvider::new().tracer("client");
        let about = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
        ];
        let mut span = tracer
            .span_builder("chat gpt-4o-mini")
            .with_kind(opentelemetry::trace::SpanKind::Client)
            .with_attributes(about.map(|(key, value)| KeyValue::new(key, value)))
            .start(&tracer);
        span.set_attribute(KeyValue::new("gen_ai.request.model", MODEL));
        span.set_attribute(KeyValue::new("gen_ai.usage.input_tokens", 1_200));
        span.set_attribute(KeyValue::new("gen_ai.usage.cache_read.input_tokens", 1_000));
        span.set_attribute(KeyValue::new("gen_ai.usage.output_tokens", 80));
        span.set_attribute(KeyValue::new("http.route", "/v1/chat"));
        span.end();
    });
    assert_one_inference(&captured);
    captured
        .assert_span("attempt client")
        .kind(SpanKind::Internal)
        .attribute("http.route", "/v1/chat")
        .parent("chat gpt-4o-mini");
}
