use obs_tests_provider::{Answer, Finish, Format, Reports, Tokens, body};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::llm::wire::openai;

const TOKENS: Tokens = Tokens {
    input: 1_200,
    output: 80,
    cache_read: 1_000,
    cache_write_5m: 0,
    cache_write_1h: 0,
    reasoning: 64,
    web_searches: 2,
};

/// Answers of every sort that the client's types take.
fn answers() -> Vec<Answer> {
    let mut all = Vec::new();
    for reports in [
        Reports::Usual,
        Reports::Every,
        Reports::Never,
        Reports::Zeros,
    ] {
        for finish in [Finish::Stop, Finish::Length] {
            for tier in [None, Some("flex".to_owned())] {
                all.push(Answer {
                    reports,
                    finish,
                    tier: tier.clone(),
                    ..Answer::new("gpt-5-mini", ["It ", "is."], TOKENS)
                });
            }
        }
    }
    all
}

fn typed<T: DeserializeOwned>(raw: &Value) -> T {
    serde_json::from_value(raw.clone()).unwrap_or_else(|error| panic!("{error}: {raw}"))
}

fn whole(format: Format, answer: &Answer) -> Value {
    serde_json::from_slice(&body(format, false, answer).concat()).unwrap()
}

/// The chunks of a stream.
fn chunks(format: Format, answer: &Answer) -> Vec<Value> {
    let all = body(format, true, answer).concat();
    let lines = std::str::from_utf8(&all).unwrap().lines();
    let data = lines.filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

#[test]
fn its_types_say_what_the_json_says() {
    for answer in answers() {
        let raw = whole(Format::Chat, &answer);
        let said = typed::<CreateChatCompletionResponse>(&raw);
        assert_eq!(said.into_llm_response(), openai::chat(&raw), "{raw}");
        for raw in chunks(Format::Chat, &answer) {
            let said = typed::<CreateChatCompletionStreamResponse>(&raw);
            assert_eq!(said.into_llm_response(), openai::chat(&raw), "{raw}");
        }
    }
}

/// The provider of these tests leaves out what the types ask for and no account needs.
fn completed(mut raw: Value) -> Value {
    let response = match raw.get_mut("response") {
        Some(response) => response,
        None => &mut raw,
    };
    if response["object"] == "response" {
        response["created_at"] = json!(0);
        if let Some(images) = response.pointer_mut("/tool_usage/image_gen") {
            let none = json!({"image_tokens": 0, "text_tokens": 0});
            images["input_tokens_details"] = none.clone();
            images["output_tokens_details"] = none;
        }
        for item in response["output"].as_array_mut().into_iter().flatten() {
            item["id"] = json!("item");
            item["status"] = json!("completed");
            let parts = item.get_mut("content").and_then(Value::as_array_mut);
            for part in parts.into_iter().flatten() {
                part["annotations"] = json!([]);
            }
        }
    }
    raw
}

#[test]
fn its_responses_say_what_the_json_says() {
    for answer in answers() {
        let raw = completed(whole(Format::Responses, &answer));
        let said = typed::<Response>(&raw);
        assert_eq!(said.into_llm_response(), openai::responses(&raw), "{raw}");
        let mut with_usage = 0;
        for raw in chunks(Format::Responses, &answer) {
            let raw = completed(raw);
            // Events of texts need more than this provider says, and say nothing of tokens.
            if raw["response"].is_null() {
                continue;
            }
            let said = typed::<ResponseStreamEvent>(&raw).into_llm_response();
            assert_eq!(said, openai::responses(&raw), "{raw}");
            with_usage += usize::from(said.usage.is_some());
        }
        let is_said = matches!(answer.reports, Reports::Usual | Reports::Every);
        assert!(!is_said || with_usage > 0);
    }
}

#[test]
fn completions_and_embeddings_say_what_the_json_says() {
    let completion = json!({
        "id": "cmpl-1", "object": "text_completion", "created": 0, "model": "gpt-3.5-turbo-instruct",
        "choices": [{"text": "It is.", "index": 0, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    });
    let said = typed::<CreateCompletionResponse>(&completion).into_llm_response();
    assert_eq!(said, openai::chat(&completion));
    assert_eq!(said.usage, Some(Usage::new(5, 7)));
    let embeddings = json!({
        "object": "list", "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}],
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    });
    let said = typed::<CreateEmbeddingResponse>(&embeddings).into_llm_response();
    assert_eq!(said, openai::embeddings(&embeddings));
    assert_eq!(said.dimensions, Some(3));
    let mut zero = embeddings;
    zero["usage"]["prompt_tokens"] = json!(0);
    let said = typed::<CreateEmbeddingResponse>(&zero).into_llm_response();
    assert_eq!(said.usage, None, "no text is without tokens");
}

#[test]
fn a_usage_alone_says_its_tokens() {
    let raw = whole(Format::Chat, &Answer::new("gpt-5-mini", ["."], TOKENS));
    let said = typed::<CompletionUsage>(&raw["usage"]).into_llm_response();
    assert_eq!(said.usage, openai::chat(&raw).usage);
    // xAI counts reasoning beside the completion, and in the total.
    let beside = json!({
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 35,
        "completion_tokens_details": {"reasoning_tokens": 20},
    });
    let said = typed::<CompletionUsage>(&beside).into_llm_response();
    let expected = Usage::new(10, 25).reasoning(20).audio_output(0);
    assert_eq!(said.usage, Some(expected));
}
