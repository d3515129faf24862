use super::*;
use crate::llm::Usage;
use crate::{AttributeValue, testing, trace::Outcome};
use futures_util::{StreamExt as _, stream};

fn call() -> LlmCall {
    LlmCall::new("openai", "chat", "gpt-4o-mini")
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn a_stream_that_is_read_to_its_end_is_one_call() {
    let chunks = [
        LlmResponse::new()
            .id("chatcmpl-1")
            .model("gpt-4o-mini-2024-07-18"),
        LlmResponse::new(),
        LlmResponse::new()
            .finish_reason("stop")
            .usage(Usage::new(1_000, 100).cache_read(0)),
    ];
    let captured = testing::capture(|| {
        let chunks = observe_stream(call(), stream::iter(chunks), Clone::clone);
        block_on(chunks.collect::<Vec<_>>()).len()
    });
    assert_eq!(captured.value, 3);
    let span = captured.span("chat gpt-4o-mini");
    assert_eq!((span.kind, span.outcome), (SpanKind::Client, Outcome::Ok));
    for (key, value) in [
        ("gen_ai.provider.name", "openai".into()),
        ("gen_ai.request.model", "gpt-4o-mini".into()),
        ("gen_ai.request.stream", AttributeValue::Bool(true)),
        ("gen_ai.response.id", "chatcmpl-1".into()),
        ("gen_ai.response.model", "gpt-4o-mini-2024-07-18".into()),
        (
            "gen_ai.response.finish_reasons",
            AttributeValue::StringArray(vec!["stop".into()]),
        ),
        ("gen_ai.usage.input_tokens", 1_000.into()),
        ("operation.cost", 0.000_21.into()),
    ] {
        assert_eq!(span.attribute(key), Some(&value), "{key}");
    }
    assert!(
        span.attribute("gen_ai.response.time_to_first_chunk")
            .is_some()
    );
}

#[test]
fn what_happens_while_a_chunk_is_made_is_inside_the_span() {
    let captured = testing::capture(|| {
        let chunks = stream::iter([()]).map(|()| crate::current::add_event("chunk"));
        let chunks = observe_stream(call(), chunks, |()| Some(Usage::new(1, 1)));
        block_on(chunks.collect::<Vec<_>>());
    });
    assert_eq!(captured.span("chat gpt-4o-mini").events[0].name, "chunk");
}

#[test]
fn an_error_makes_the_call_a_failed_one() {
    let captured = testing::capture(|| {
        let chunks = stream::iter([Ok(Usage::new(5, 1)), Err("token=abc expired")]);
        let mut chunks = observe_try_stream(call(), chunks, |usage| *usage);
        // A caller that stops at the error.
        block_on(async { while let Some(Ok(_)) = chunks.next().await {} });
    });
    let span = captured.span("chat gpt-4o-mini");
    assert_eq!(span.outcome, Outcome::Error);
    let error = span.error.as_ref().unwrap();
    assert_eq!(
        (&*error.kind, error.message.as_deref()),
        ("&str", Some("token=*** expired"))
    );
    assert_eq!(
        span.attribute("gen_ai.usage.input_tokens"),
        Some(&AttributeValue::I64(5))
    );
}

#[test]
fn a_stream_that_is_dropped_is_a_cancelled_call() {
    let captured = testing::capture(|| {
        let mut chunks = observe_stream(call(), stream::iter([1, 2]), |_| None::<Usage>);
        block_on(chunks.next());
        drop(chunks);
    });
    let span = captured.span("chat gpt-4o-mini");
    assert_eq!(span.outcome, Outcome::Cancelled);
    let reasons = ["no_usage", "unbounded"].map(Into::into).to_vec();
    assert_eq!(
        span.attribute("obs.cost.reasons"),
        Some(&AttributeValue::StringArray(reasons))
    );
}

// bug: an error whose `Display` panics took the program down with the stream.
#[test]
fn an_error_that_cannot_be_shown_is_an_error() {
    struct Bad;
    impl core::fmt::Display for Bad {
        fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            panic!("bad formatter")
        }
    }
    let captured = testing::capture(|| {
        let chunks = stream::iter([Err::<(), Bad>(Bad)]);
        let chunks = observe_try_stream(call(), chunks, |()| Some(Usage::new(1, 1)));
        block_on(chunks.collect::<Vec<_>>()).len()
    });
    assert_eq!(captured.value, 1);
    let error = captured.span("chat gpt-4o-mini").error.as_ref().unwrap();
    assert_eq!(
        error.message.as_deref(),
        Some("<panicked while formatting>")
    );
}
