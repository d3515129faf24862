//! Anthropic's format. <https://docs.anthropic.com/en/api/messages>, <…/messages-streaming>

use std::borrow::Cow;

use serde_json::Value;

use super::counts::{Counts, or_none, sum, total};
use super::json::{count, has_filled, items, text, tier};
use crate::llm::usage::{Count, LlmResponse};

/// Reads a message, or an event of its stream.
///
/// Anthropic counts cached tokens beside the input; here they are part of it. The usage of a stream is at both ends, and
/// counts up: of each count the highest is right.
///
/// ```
/// use obs_runtime::llm::{LlmResponse, Usage, anthropic};
///
/// let raw = serde_json::json!({
///     "id": "msg_1", "type": "message", "model": "claude-sonnet-4-5", "stop_reason": "end_turn",
///     "usage": {
///         "input_tokens": 50, "output_tokens": 80,
///         "cache_read_input_tokens": 1_000, "cache_creation_input_tokens": 200,
///         "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 200},
///     },
/// });
/// let usage = Usage::new(1_250, 80)
///     .cache_read(1_000)
///     .cache_write(200)
///     .cache_write_5m(0)
///     .cache_write_1h(200);
/// let expected = LlmResponse::new().usage(usage).model("claude-sonnet-4-5").id("msg_1");
/// assert_eq!(anthropic::messages(&raw), expected.finish_reason("stop"));
/// ```
pub fn messages(raw: &Value) -> LlmResponse {
    let kind = text(&raw["type"]).unwrap_or_default();
    if kind.starts_with(BLOCK) {
        return LlmResponse::new().token(holds_output(raw));
    }
    let (message, stop, is_last) = match kind {
        "message_start" => (&raw["message"], &raw["message"]["stop_reason"], false),
        "message_delta" => {
            let stop = &raw["delta"]["stop_reason"];
            (raw, stop, text(stop).is_some())
        }
        _ => (raw, &raw["stop_reason"], true),
    };
    let (counts, is_all) = counts(&message["usage"]);
    let usage = counts.usage(is_last && is_all);
    let mut answer = LlmResponse::new()
        .usage(usage)
        .chunk(kind.starts_with("message_"));
    if let Some(model) = text(&message["model"]) {
        answer = answer.model(model);
    }
    if let Some(id) = text(&message["id"]) {
        answer = answer.id(id);
    }
    if let Some(reason) = text(stop) {
        answer = answer.finish(0, finish_reason(reason));
    }
    // A speed other than the usual one has a price of its own.
    let speed = text(&message["usage"]["speed"]).filter(|speed| *speed != "standard");
    let answer = tier(answer, speed.or(text(&message["usage"]["service_tier"])));
    match kind {
        "message_start" | "message_delta" | "message_stop" => answer.token(false),
        _ => answer,
    }
}

/// How the events of a stream that carry output begin.
pub(super) const BLOCK: &str = "content_block_";

/// Whether an event of a block carries output: a piece, or the name of the tool with which a block begins. A signature
/// is the provider's, not the model's.
fn holds_output(event: &Value) -> bool {
    let begins_a_call = text(&event["content_block"]["name"]).is_some();
    begins_a_call
        || has_filled(
            &event["delta"],
            &["text", "thinking", "partial_json", "citation"],
        )
}

/// The usage of a message, and whether it is all.
///
/// Where a message took several rounds, each says its own: a summary of the conversation is in none of the sums. Rounds
/// of other models (an advisor, one that gave up) have prices of their own and are left out, so there is more than this.
fn counts(usage: &Value) -> (Counts, bool) {
    let counts = of_round(usage);
    let rounds = items(&usage["iterations"]);
    let is_served = |round: &&Value| round["type"] != "advisor_message";
    let Some(served) = rounds.iter().rfind(is_served) else {
        return (counts, rounds.is_empty());
    };
    let is_ours = |round: &&Value| {
        is_served(round) && text(&round["model"]).is_none_or(|m| served["model"] == m)
    };
    let ours: Vec<Counts> = rounds.iter().filter(is_ours).map(of_round).collect();
    let all = |part: fn(&Counts) -> Count| total(ours.iter().map(part));
    let summed = Counts {
        input: all(|round| round.input),
        output: all(|round| round.output),
        cache_read: all(|round| round.cache_read),
        cache_write: all(|round| round.cache_write),
        cache_write_5m: all(|round| round.cache_write_5m),
        cache_write_1h: all(|round| round.cache_write_1h),
        ..counts
    };
    (summed, ours.len() == rounds.len())
}

fn of_round(usage: &Value) -> Counts {
    // Where the input is said, what was cached is said beside it, unless there is nothing.
    let says_input = !usage["input_tokens"].is_null();
    let cache_read = or_none(count(&usage["cache_read_input_tokens"]), says_input);
    let cache_write = count(&usage["cache_creation_input_tokens"]);
    let lifetimes = &usage["cache_creation"];
    let cache_write_5m = count(&lifetimes["ephemeral_5m_input_tokens"]);
    let cache_write_1h = count(&lifetimes["ephemeral_1h_input_tokens"]);
    // The sum may be left out where its parts are said.
    let written = match total([cache_write]) {
        Count::Unknown => or_none(total([cache_write_5m, cache_write_1h]), says_input),
        known => known,
    };
    Counts {
        input: sum(count(&usage["input_tokens"]), &[cache_read, written]),
        output: count(&usage["output_tokens"]),
        cache_read,
        cache_write: written,
        cache_write_5m,
        cache_write_1h,
        reasoning: count(&usage["output_tokens_details"]["thinking_tokens"]),
        web_searches: count(&usage["server_tool_use"]["web_search_requests"]),
        ..Counts::default()
    }
}

/// The conventions' word for a reason.
pub(super) fn finish_reason(reason: &str) -> Cow<'static, str> {
    match reason {
        "end_turn" | "stop_sequence" => "stop".into(),
        "max_tokens" | "model_context_window_exceeded" => "length".into(),
        "tool_use" => "tool_call".into(),
        "refusal" => "content_filter".into(),
        other => other.to_owned().into(),
    }
}
