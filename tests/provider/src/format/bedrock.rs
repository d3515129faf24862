//! Bedrock: `Converse` and `ConverseStream`, whose chunks are binary frames.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>,
//! <https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html>

use serde_json::{Value, json};

use super::{Chunk, report};
use crate::journal::Tokens;
use crate::script::{Answer, Finish};

/// The input is what was neither read from the cache nor written to it.
fn usage(answer: &Answer, tokens: Tokens) -> Value {
    let cached = tokens.cache_read + tokens.cache_write();
    let mut usage = json!({
        "inputTokens": tokens.input.saturating_sub(cached),
        "outputTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
        "cacheReadInputTokens": tokens.cache_read,
        "cacheWriteInputTokens": tokens.cache_write(),
    });
    if answer.says_lifetimes && tokens.cache_write() > 0 {
        let lifetimes = [("1h", tokens.cache_write_1h), ("5m", tokens.cache_write_5m)];
        let details: Vec<Value> = lifetimes
            .into_iter()
            .filter(|(_, tokens)| *tokens > 0)
            .map(|(ttl, tokens)| json!({"ttl": ttl, "inputTokens": tokens}))
            .collect();
        usage["cacheDetails"] = json!(details);
    }
    usage
}

fn stop_reason(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
    }
}

/// What a response and the last event of a stream have in common.
fn tail(answer: &Answer, tokens: Option<Tokens>, body: &mut Value) {
    body["metrics"] = json!({"latencyMs": 12});
    if let Some(tokens) = tokens {
        body["usage"] = usage(answer, tokens);
    }
    if let Some(tier) = &answer.tier {
        body["serviceTier"] = json!({ "type": tier });
    }
}

pub(super) fn response(answer: &Answer, tokens: Option<Tokens>) -> Value {
    let message = json!({"role": "assistant", "content": [{"text": answer.text()}]});
    let mut body = json!({"output": {"message": message}, "stopReason": stop_reason(answer)});
    tail(answer, tokens, &mut body);
    body
}

pub(super) fn stream(answer: &Answer) -> Vec<Chunk> {
    let mut chunks = Vec::with_capacity(answer.pieces.len() + 5);
    let mut push = |name: &str, body: &Value, said: Option<Tokens>| {
        let headers = [
            (":event-type", name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ];
        chunks.push(Chunk {
            bytes: frame(&headers, body.to_string().as_bytes()),
            said,
        });
    };
    push("messageStart", &json!({"role": "assistant"}), None);
    for piece in &answer.pieces {
        let body = json!({"contentBlockIndex": 0, "delta": {"text": piece}});
        push("contentBlockDelta", &body, None);
    }
    push("contentBlockStop", &json!({"contentBlockIndex": 0}), None);
    let stop = json!({"stopReason": stop_reason(answer)});
    push("messageStop", &stop, None);
    // There is but one place for the usage, whatever the script wants.
    let last = report(answer, 1.0);
    let mut body = json!({});
    tail(answer, last.value, &mut body);
    push("metadata", &body, last.said);
    chunks
}

pub(super) fn failure() -> Vec<u8> {
    let headers = [
        (":exception-type", "internalServerException"),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    frame(
        &headers,
        br#"{"message":"The system encountered an unexpected error."}"#,
    )
}

/// A frame: two lengths and their checksum, headers, payload, the checksum of it all. Numbers are big-endian.
fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    /// The type of a header's value: a string.
    const STRING: u8 = 7;
    let mut named = Vec::new();
    for (name, value) in headers {
        named.push(name.len() as u8);
        named.extend_from_slice(name.as_bytes());
        named.push(STRING);
        named.extend_from_slice(&(value.len() as u16).to_be_bytes());
        named.extend_from_slice(value.as_bytes());
    }
    let total = 16 + named.len() + payload.len();
    let mut frame = Vec::with_capacity(total);
    frame.extend_from_slice(&(total as u32).to_be_bytes());
    frame.extend_from_slice(&(named.len() as u32).to_be_bytes());
    let checksum = crc32fast::hash(&frame);
    frame.extend_from_slice(&checksum.to_be_bytes());
    frame.extend_from_slice(&named);
    frame.extend_from_slice(payload);
    let checksum = crc32fast::hash(&frame);
    frame.extend_from_slice(&checksum.to_be_bytes());
    frame
}
