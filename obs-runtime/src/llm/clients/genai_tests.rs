use ::genai::ModelIden;
use ::genai::adapter::AdapterKind;
use ::genai::embed::Embedding;
use serde_json::{Value, json};

use super::*;
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
