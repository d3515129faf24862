//! Anthropic: messages. <https://docs.anthropic.com/en/api/messages>, <…/messages-streaming>

use serde_json::{Value, json};

use super::{Chunk, Report, event, report};
use crate::journal::Tokens;
use crate::script::{Answer, Finish, Refusal, Reports};

pub(super) fn error(refusal: &Refusal) -> Value {
    let kind = match refusal.status {
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        401 => "authentication_error",
        404 => "not_found_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": refusal.message}})
}

pub(super) fn failure() -> Vec<u8> {
    let error =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    event("error", &error, None).bytes
}

/// All counts; the input is what was neither read from the cache nor written to it.
fn usage(answer: &Answer, tokens: Tokens) -> Value {
    let cached = tokens.cache_read + tokens.cache_write();
    let mut usage = json!({
        "input_tokens": tokens.input.saturating_sub(cached),
        "cache_creation_input_tokens": tokens.cache_write(),
        "cache_read_input_tokens": tokens.cache_read,
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    });
    if answer.says_lifetimes {
        usage["cache_creation"] = json!({
            "ephemeral_5m_input_tokens": tokens.cache_write_5m,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        });
    }
    if tokens.web_searches > 0 {
        usage["server_tool_use"] =
            json!({"web_search_requests": tokens.web_searches, "web_fetch_requests": 0});
    }
    if let Some(tier) = &answer.tier {
        usage["service_tier"] = json!(tier);
    }
    usage
}

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
    }
}

fn envelope(answer: &Answer, content: &Value, stop: Option<&str>, tokens: Option<Tokens>) -> Value {
    let mut body = json!({
        "id": answer.id, "type": "message", "role": "assistant", "model": answer.model,
        "content": content, "stop_reason": stop, "stop_sequence": null,
    });
    if let Some(tokens) = tokens {
        body["usage"] = usage(answer, tokens);
    }
    body
}

pub(super) fn message(answer: &Answer, tokens: Option<Tokens>) -> Value {
    let content = json!([{"type": "text", "text": answer.text()}]);
    envelope(answer, &content, Some(stop_reason(answer)), tokens)
}

pub(super) fn stream(answer: &Answer) -> Vec<Chunk> {
    let named = |data: Value, said| {
        let name = data["type"].as_str().unwrap_or_default().to_owned();
        event(&name, &data, said)
    };
    let zeros = Report {
        value: Some(Tokens::default()),
        said: None,
    };
    // Where all counts are in the last event, the first one has zeros.
    let start = match answer.reports {
        Reports::Last => zeros,
        _ => report(answer, 0.0),
    };
    let begun = envelope(answer, &json!([]), None, start.value);
    let mut chunks = vec![
        named(
            json!({"type": "message_start", "message": begun}),
            start.said,
        ),
        named(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            None,
        ),
        named(json!({"type": "ping"}), None),
    ];
    for piece in &answer.pieces {
        let delta = json!({"type": "text_delta", "text": piece});
        let data = json!({"type": "content_block_delta", "index": 0, "delta": delta});
        chunks.push(named(data, None));
    }
    chunks.push(named(
        json!({"type": "content_block_stop", "index": 0}),
        None,
    ));
    let delta = json!({"stop_reason": stop_reason(answer), "stop_sequence": null});
    let mut data = json!({"type": "message_delta", "delta": delta});
    let end = report(answer, 1.0);
    let mut said = end.said;
    match (answer.reports, end.value) {
        (Reports::First, _) | (_, None) => said = None,
        (Reports::Usual, Some(tokens)) => {
            // The input was said at the start.
            data["usage"] = json!({
                "output_tokens": tokens.output,
                "output_tokens_details": {"thinking_tokens": tokens.reasoning},
            });
            if tokens.web_searches > 0 {
                data["usage"]["server_tool_use"] =
                    json!({"web_search_requests": tokens.web_searches, "web_fetch_requests": 0});
            }
        }
        (_, Some(tokens)) => data["usage"] = usage(answer, tokens),
    }
    chunks.push(named(data, said));
    chunks.push(named(json!({"type": "message_stop"}), None));
    chunks
}
