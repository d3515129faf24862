use ::genai::ModelIden;
use ::genai::adapter::AdapterKind;
use ::genai::embed::Embedding;
use serde_json::{Value, json};

use super::*;
use crate::llm::usage::Source;
use crate::llm::wire::anthropic;

fn usage(raw: Value) -> Usage {
    serde_json::from_value(raw).unwrap()
}

fn model() -> ModelIden {
    ModelIden::from_static(AdapterKind::Anthropic, "claude-sonnet-4-5")
}

/// What genai makes of an answer of Anthropic that wrote to its cache for both lifetimes.
fn answer(raw: Option<Value>) -> ChatResponse {
    ChatResponse {
        content: String::new().into(),
        reasoning_content: None,
        model_iden: model(),
        provider_model_iden: model(),
        stop_reason: Some(StopReason::from("max_tokens".to_owned())),
        usage: usage(json!({
            "prompt_tokens": 1_200, "completion_tokens": 80,
            "prompt_tokens_details": {
                "cached_tokens": 1_000, "cache_creation_tokens": 150,
                "cache_creation_details": {"ephemeral_5m_tokens": 100, "ephemeral_1h_tokens": 50},
            },
        })),
        captured_raw_body: raw,
        response_id: Some("msg_1".to_owned()),
    }
}

#[test]
fn an_answer_says_its_parts_and_who_served_it() {
    let expected = OurUsage::new(1_200, 80)
        .cache_read(1_000)
        .cache_write(150)
        .cache_write_5m(100)
        .cache_write_1h(50);
    let expected = LlmResponse::new()
        .usage(expected)
        .model("claude-sonnet-4-5")
        .id("msg_1")
        .finish(0, "length");
    assert_eq!(answer(None).into_llm_response(), expected);
}

#[test]
fn the_raw_answer_comes_first_where_it_speaks_of_tokens() {
    let raw = json!({
        "type": "message", "id": "msg_1", "model": "claude-sonnet-4-5-20250929", "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 50, "output_tokens": 80, "service_tier": "priority",
            "server_tool_use": {"web_search_requests": 2},
        },
    });
    let said = answer(Some(raw.clone())).into_llm_response();
    assert_eq!(said, anthropic::messages(&raw));
    assert_eq!(
        said.usage.and_then(|usage| usage.web_search_count()),
        Some(2)
    );
    // Nothing that is known.
    let said = answer(Some(json!({"unknown": true}))).into_llm_response();
    assert_eq!(said, answer(None).into_llm_response());
}

#[test]
fn a_lifetime_that_is_left_out_is_zero_beside_the_other() {
    let said = usage(json!({
        "prompt_tokens": 200, "completion_tokens": 1,
        "prompt_tokens_details": {
            "cache_creation_tokens": 150,
            "cache_creation_details": {"ephemeral_1h_tokens": 150},
        },
    }));
    let said = said.into_llm_response().usage.unwrap();
    assert_eq!(
        (said.cache_write_5m_tokens(), said.cache_write_1h_tokens()),
        (Some(0), Some(150))
    );
}

#[test]
fn the_end_of_a_stream_says_what_was_captured() {
    let end = StreamEnd {
        captured_usage: Some(usage(json!({"prompt_tokens": 9, "completion_tokens": 2}))),
        captured_stop_reason: Some(StopReason::from("tool_use".to_owned())),
        captured_response_id: Some("resp_1".to_owned()),
        ..StreamEnd::default()
    };
    let said = (&ChatStreamEvent::End(end)).into_llm_response();
    let expected = LlmResponse::new().usage(OurUsage::new(9, 2)).id("resp_1");
    assert_eq!(said, expected.finish(0, "tool_call"));
    let nothing = LlmResponse::new();
    assert_eq!((&ChatStreamEvent::Start).into_llm_response(), nothing);
    let end = ChatStreamEvent::End(StreamEnd::default());
    assert_eq!((&end).into_llm_response(), nothing);
}

#[test]
fn embeddings_have_input_alone() {
    let vectors = vec![Embedding::new(vec![0.1, 0.2], 0)];
    let tokens = usage(json!({"prompt_tokens": 8, "completion_tokens": 0}));
    let said = (&EmbedResponse::new(vectors, model(), model(), tokens)).into_llm_response();
    let expected = LlmResponse::new()
        .usage(OurUsage::input(8))
        .model("claude-sonnet-4-5");
    assert_eq!(said, expected.dimensions(2));
    let none = usage(json!({"prompt_tokens": 0}));
    let said = (&EmbedResponse::new(Vec::new(), model(), model(), none)).into_llm_response();
    assert_eq!(said.usage, None, "no text is without tokens");
}

/// What genai makes of an answer of this provider with this usage.
fn answer_of(kind: AdapterKind, said: Value) -> OurUsage {
    let mut answer = answer(None);
    answer.model_iden = ModelIden::from_static(kind, "model");
    answer.usage = usage(said);
    answer.into_llm_response().usage.unwrap()
}

// bug: what Bedrock cached was taken for a part of the input, so the rest of it cost nothing.
#[test]
fn bedrock_counts_what_was_cached_beside_the_input() {
    // As `Converse` says it: 1,000 and 500 and 80 and 20 are 1,600 in all.
    let said = json!({
        "prompt_tokens": 1_000, "completion_tokens": 80, "total_tokens": 1_600,
        "prompt_tokens_details": {"cached_tokens": 500, "cache_creation_tokens": 20},
    });
    let expected = OurUsage::new(1_520, 80).cache_read(500).cache_write(20);
    assert_eq!(answer_of(AdapterKind::BedrockApi, said.clone()), expected);
    // The end of a stream does not say whose it is; the total does.
    let end = StreamEnd {
        captured_usage: Some(usage(said)),
        captured_stop_reason: Some(StopReason::from("end_turn".to_owned())),
        ..StreamEnd::default()
    };
    assert_eq!((&end).into_llm_response().usage, Some(expected));
    // Nothing was cached, or it is a part of the input.
    let said = json!({"prompt_tokens": 1_000, "completion_tokens": 80, "total_tokens": 1_080});
    let none = OurUsage::new(1_000, 80).cache_read(0).cache_write(0);
    assert_eq!(answer_of(AdapterKind::BedrockApi, said), none);
    let said = json!({
        "prompt_tokens": 1_000, "completion_tokens": 80, "total_tokens": 1_080,
        "prompt_tokens_details": {"cached_tokens": 500},
    });
    let part = OurUsage::new(1_000, 80).cache_read(500);
    assert_eq!((&usage(said)).into_llm_response().usage, Some(part));
}

// bug: genai fills in 0 where a provider did not say what it put out, and that was priced.
#[test]
fn a_sum_that_was_filled_with_zero_is_unknown() {
    let said = json!({"prompt_tokens": 1_000, "completion_tokens": 0, "total_tokens": 1_000});
    let none = answer_of(AdapterKind::Anthropic, said);
    assert_eq!(
        (none.output_tokens(), none.source()),
        (None, Source::Partial)
    );
    // Of what was not cached Anthropic says nothing; others may have left it out.
    let said = json!({"prompt_tokens": 1_000, "completion_tokens": 80});
    let known = answer_of(AdapterKind::Anthropic, said.clone());
    assert_eq!(known.cache_read_tokens(), Some(0));
    let unknown = answer_of(AdapterKind::OpenAI, said);
    assert_eq!(unknown.cache_read_tokens(), None);
}

// bug: the end that genai makes of a stream that was cut off was taken for the provider's last word.
#[test]
fn the_end_of_a_stream_that_was_cut_off_is_no_last_word() {
    let end = StreamEnd {
        captured_usage: Some(usage(json!({"prompt_tokens": 9, "completion_tokens": 2}))),
        ..StreamEnd::default()
    };
    let said = (&end).into_llm_response().usage.unwrap();
    assert_eq!(
        (said.source(), said.output_tokens()),
        (Source::Partial, Some(2))
    );
}
