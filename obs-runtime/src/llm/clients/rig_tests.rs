use ::rig_core::completion::message::Origin;
use ::rig_core::embeddings::Embedding;
use serde_json::{Value, json};

use super::*;
use crate::llm::usage::Source;
use crate::llm::wire::anthropic;

fn tokens() -> Usage {
    Usage::new()
        .input_tokens(1_200)
        .output_tokens(80)
        .cached_input_tokens(1_000)
}

fn answer(raw: Value) -> CompletionResponse {
    let mut origin = Origin::new("anthropic".to_owned(), "anthropic", "claude-sonnet-4-5");
    origin.response_model = Some("claude-sonnet-4-5-20250929".to_owned());
    origin.response_id = Some("msg_1".to_owned());
    CompletionResponse::new(Vec::new(), tokens(), origin, raw)
}

#[test]
fn an_answer_says_its_parts_and_who_served_it() {
    let expected = LlmResponse::new()
        .usage(OurUsage::new(1_200, 80).cache_read(1_000))
        .model("claude-sonnet-4-5-20250929")
        .id("msg_1");
    assert_eq!(answer(Value::Null).into_llm_response(), expected);
    let mut none = answer(Value::Null);
    none.usage = Usage::new();
    assert_eq!(none.into_llm_response().usage, None, "unknown is not zero");
}

#[test]
fn the_raw_answer_comes_first_where_it_speaks_of_tokens() {
    let raw = json!({
        "type": "message", "id": "msg_1", "model": "claude-sonnet-4-5-20250929", "stop_reason": "max_tokens",
        "usage": {
            "input_tokens": 50, "cache_read_input_tokens": 1_000, "output_tokens": 80,
            "cache_creation_input_tokens": 150,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 50},
        },
    });
    let said = answer(raw.clone()).into_llm_response();
    assert_eq!(said, anthropic::messages(&raw));
    let written = said.usage.and_then(|usage| usage.cache_write_1h_tokens());
    assert_eq!(written, Some(50));
}

#[test]
fn what_arrived_of_a_stream_is_at_least_so_much() {
    let mut given_up = answer(Value::Null);
    given_up.aborted = Some("the caller stopped reading".to_owned());
    let said = given_up.into_llm_response().usage.unwrap();
    assert_eq!(
        (said.source(), said.input_tokens()),
        (Source::Partial, Some(1_200))
    );
    let mut broken = answer(Value::Null);
    broken.error = Some("the connection was reset".to_owned());
    let said = broken.into_llm_response().usage.unwrap();
    assert_eq!(said.source(), Source::Partial);
}

#[test]
fn embeddings_have_input_alone() {
    let vector = Embedding {
        document: String::new(),
        vec: vec![0.1, 0.2],
    };
    let mut response = EmbeddingResponse::new(vec![vector]);
    response.usage = Usage::new().input_tokens(8).output_tokens(0);
    response.model = Some("text-embedding-3-small".to_owned());
    let expected = LlmResponse::new()
        .usage(OurUsage::input(8))
        .model("text-embedding-3-small")
        .dimensions(2);
    assert_eq!(response.into_llm_response(), expected);
    let said = EmbeddingResponse::new(Vec::new()).into_llm_response();
    assert_eq!(said, LlmResponse::new());
}
