//! Bedrock's format for all models. <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>

use std::borrow::Cow;

use serde_json::Value;

use super::anthropic;
use super::counts::{Counts, or_none, sum, total};
use super::json::{count, is_filled, items, text, tier};
use crate::llm::usage::LlmResponse;

/// The members that no other format has: of an answer, and of the events of a stream by their names.
pub(super) const KEYS: [&str; 7] = [
    "stopReason",
    "output",
    "metadata",
    "messageStop",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockIndex",
];

/// Reads an answer of `Converse`, or an event of `ConverseStream`, with or without its name around it.
///
/// Bedrock counts cached tokens beside the input; here they are part of it. It does not say which model served.
///
/// ```
/// use obs_runtime::llm::{LlmResponse, Usage, bedrock};
///
/// let raw = serde_json::json!({
///     "output": {"message": {"role": "assistant", "content": [{"text": "…"}]}},
///     "stopReason": "end_turn",
///     "usage": {
///         "inputTokens": 50, "outputTokens": 80, "totalTokens": 130,
///         "cacheReadInputTokens": 1_000, "cacheWriteInputTokens": 200,
///         "cacheDetails": [{"ttl": "1h", "inputTokens": 200}],
///     },
///     "metrics": {"latencyMs": 840},
/// });
/// let usage = Usage::new(1_250, 80).cache_read(1_000).cache_write(200).cache_write_1h(200);
/// let expected = LlmResponse::new().usage(usage);
/// assert_eq!(bedrock::converse(&raw), expected.finish_reason("stop"));
/// ```
pub fn converse(raw: &Value) -> LlmResponse {
    let names = [
        "metadata",
        "messageStop",
        "contentBlockStart",
        "contentBlockDelta",
    ];
    let named = names.iter().find_map(|name| raw.get(name));
    let body = named.unwrap_or(raw);
    // Usage is in the answer, or in the last event.
    let is_event = named.is_some() || raw.get("metrics").is_some() && raw.get("output").is_none();
    let usage = counts(&body["usage"]).usage(true);
    let mut answer = LlmResponse::new().usage(usage).chunk(is_event);
    if body.get("output").is_none() {
        answer = answer.token(holds_output(body));
    }
    if let Some(reason) = text(&body["stopReason"]) {
        answer = answer.finish(0, finish_reason(reason));
    }
    tier(answer, text(&body["serviceTier"]["type"]))
}

/// Whether an event of a stream holds output: a piece of a block, or the call of a tool with which one begins.
fn holds_output(event: &Value) -> bool {
    let delta = &event["delta"];
    let reasoning = &delta["reasoningContent"]["text"];
    let pieces = [&delta["text"], &delta["toolUse"]["input"], reasoning];
    pieces.into_iter().any(is_filled) || is_filled(&event["start"]["toolUse"])
}

fn counts(usage: &Value) -> Counts {
    // Where the input is said, what was cached is said beside it, unless there is nothing.
    let says_input = !usage["inputTokens"].is_null();
    let cache_read = or_none(count(&usage["cacheReadInputTokens"]), says_input);
    let cache_write = or_none(count(&usage["cacheWriteInputTokens"]), says_input);
    let of_lifetime = |ttl: &str| {
        let details = items(&usage["cacheDetails"]).iter();
        let found = details.filter(|detail| detail["ttl"] == ttl);
        total(found.map(|detail| count(&detail["inputTokens"])))
    };
    Counts {
        input: sum(count(&usage["inputTokens"]), &[cache_read, cache_write]),
        output: count(&usage["outputTokens"]),
        cache_read,
        cache_write,
        cache_write_5m: of_lifetime("5m"),
        cache_write_1h: of_lifetime("1h"),
        ..Counts::default()
    }
}

/// The conventions' word for a reason: Bedrock has Anthropic's, and those of its guardrails.
fn finish_reason(reason: &str) -> Cow<'static, str> {
    match reason {
        "guardrail_intervened" | "content_filtered" => "content_filter".into(),
        other => anthropic::finish_reason(other),
    }
}
