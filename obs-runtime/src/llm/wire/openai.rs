//! OpenAI's formats, which many other providers and servers speak too.
//!
//! <https://platform.openai.com/docs/api-reference/chat/object>, <…/chat/streaming>, <…/responses/object>,
//! <…/responses-streaming>, <…/embeddings>

use std::borrow::Cow;

use serde_json::Value;

use super::counts::{Counts, or_none};
use super::json::{count, has_filled, index, is_filled, items, text, tier};
use crate::llm::usage::{Count, LlmResponse, Usage};

/// Reads a chat completion, or a chunk of one.
///
/// ```
/// use obs_runtime::llm::{LlmResponse, Usage, openai};
///
/// let raw = serde_json::json!({
///     "id": "chatcmpl-1",
///     "object": "chat.completion",
///     "model": "gpt-5-mini-2025-08-07",
///     "choices": [{"index": 0, "message": {"content": "…"}, "finish_reason": "stop"}],
///     "usage": {
///         "prompt_tokens": 1_200, "completion_tokens": 80,
///         "prompt_tokens_details": {"cached_tokens": 1_000},
///         "completion_tokens_details": {"reasoning_tokens": 64},
///     },
/// });
/// let answer = openai::chat(&raw);
/// // Parts that the details do not mention are none.
/// let usage = Usage::new(1_200, 80).cache_read(1_000).cache_write(0).reasoning(64);
/// let usage = usage.audio_input(0).audio_output(0).image_input(0);
/// let expected = LlmResponse::new().usage(usage).model("gpt-5-mini-2025-08-07").id("chatcmpl-1");
/// assert_eq!(answer, expected.finish_reason("stop"));
/// ```
pub fn chat(raw: &Value) -> LlmResponse {
    let choices = items(&raw["choices"]);
    let is_chunk = raw["object"] == "chat.completion.chunk"
        || choices.iter().any(|choice| choice.get("delta").is_some());
    // A stream's usage is its last word in a chunk without choices, or beside the reason why it stopped. (Servers that
    // count along, with several choices, may stop one of them earlier.)
    let stopped = |choice: &Value| text(&choice["finish_reason"]).is_some();
    let is_last = !is_chunk || choices.iter().all(stopped);
    let usage = &raw["usage"];
    // Groq has it elsewhere in streams.
    let usage = if usage.is_null() {
        &raw["x_groq"]["usage"]
    } else {
        usage
    };
    let usage = chat_counts(usage).usage(is_last);
    let mut answer = LlmResponse::new().usage(usage).chunk(is_chunk);
    if is_chunk {
        let holds_output = |choice: &Value| has_filled(&choice["delta"], &OUTPUT);
        answer = answer.token(choices.iter().any(holds_output));
    }
    for (place, choice) in choices.iter().enumerate() {
        if let Some(reason) = text(&choice["finish_reason"]) {
            answer = answer.finish(index(choice, place), finish_reason(reason));
        }
    }
    identified(answer, raw)
}

/// The members of a chunk's `delta` that the model puts out; reasoning has two names among those who speak the format.
const OUTPUT: [&str; 7] = [
    "content",
    "reasoning_content",
    "reasoning",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
];

/// The usage of a chat completion: the sums include their parts.
fn chat_counts(usage: &Value) -> Counts {
    let (input, output) = (
        &usage["prompt_tokens_details"],
        &usage["completion_tokens_details"],
    );
    // DeepSeek and Moonshot have names of their own for what was cached.
    let cached = [
        &input["cached_tokens"],
        &usage["prompt_cache_hit_tokens"],
        &usage["cached_tokens"],
    ];
    let cached = cached.into_iter().find(|value| !value.is_null());
    let parts = ["prompt_tokens", "completion_tokens", "total_tokens"];
    let [prompt, completion, total] = parts.map(|key| count(&usage[key]));
    let reasoning = count(&output["reasoning_tokens"]);
    // Where there are details, what they lack is zero; servers of others give none, or those that they know.
    let (of_input, of_output) = (input.is_object(), output.is_object());
    let cached_parts = &input["cached_tokens_details"];
    Counts {
        input: prompt,
        output: with_reasoning(prompt, completion, reasoning, total),
        cache_read: or_none(cached.map_or(Count::Unknown, count), of_input),
        cache_write: or_none(
            count(&input["cache_write_tokens"]),
            of_input || cached.is_some(),
        ),
        cache_read_audio: count(&cached_parts["audio_tokens"]),
        cache_read_image: count(&cached_parts["image_tokens"]),
        reasoning,
        audio_input: or_none(count(&input["audio_tokens"]), of_input),
        audio_output: or_none(count(&output["audio_tokens"]), of_output),
        image_input: or_none(count(&input["image_tokens"]), of_input),
        // Perplexity's.
        web_searches: count(&usage["num_search_queries"]),
        ..Counts::default()
    }
}

/// The output with its reasoning. xAI counts that beside the completion, and in the total.
pub(in crate::llm) fn with_reasoning(
    prompt: Count,
    completion: Count,
    reasoning: Count,
    total: Count,
) -> Count {
    match (prompt, completion, reasoning, total) {
        (
            Count::Known(prompt),
            Count::Known(completion),
            Count::Known(reasoning),
            Count::Known(total),
        ) if total == prompt.saturating_add(completion).saturating_add(reasoning) => {
            Count::Known(completion.saturating_add(reasoning))
        }
        _ => completion,
    }
}

/// Reads a response of the Responses API, or an event of its stream.
///
/// ```
/// use obs_runtime::llm::{LlmResponse, Usage, openai};
///
/// let event = serde_json::json!({"type": "response.incomplete", "response": {
///     "id": "resp_1", "object": "response", "model": "gpt-5", "status": "incomplete",
///     "incomplete_details": {"reason": "max_output_tokens"},
///     "usage": {"input_tokens": 90, "output_tokens": 16},
/// }});
/// let expected = LlmResponse::new().usage(Usage::new(90, 16)).model("gpt-5").id("resp_1");
/// assert_eq!(openai::responses(&event), expected.finish_reason("length"));
/// ```
pub fn responses(raw: &Value) -> LlmResponse {
    let response = if raw["response"].is_object() {
        &raw["response"]
    } else if raw["object"] == "response" {
        raw
    } else {
        // Other events carry output, piece by piece, or say where it begins and ends.
        let last_word = text(&raw["type"]).and_then(|kind| kind.rsplit('.').next());
        let is_piece = last_word == Some("delta");
        return LlmResponse::new().token(is_piece && is_filled(&raw["delta"]));
    };
    let ended = match text(&response["status"]) {
        Some("completed") => Some("stop"),
        Some("incomplete") => Some(text(&response["incomplete_details"]["reason"]).unwrap_or("")),
        Some("failed" | "cancelled") => Some("error"),
        _ => None,
    };
    let usage = &response["usage"];
    let (input, output) = (
        &usage["input_tokens_details"],
        &usage["output_tokens_details"],
    );
    let of_input = input.is_object();
    let counts = Counts {
        input: count(&usage["input_tokens"]),
        output: count(&usage["output_tokens"]),
        cache_read: or_none(count(&input["cached_tokens"]), of_input),
        cache_write: or_none(count(&input["cache_write_tokens"]), of_input),
        reasoning: count(&output["reasoning_tokens"]),
        audio_input: or_none(count(&input["audio_tokens"]), of_input),
        audio_output: or_none(count(&output["audio_tokens"]), output.is_object()),
        image_input: or_none(count(&input["image_tokens"]), of_input),
        image_output: count(&output["image_tokens"]),
        web_searches: searches(response),
        ..Counts::default()
    };
    let usage = counts.usage(ended.is_some());
    let is_event = raw["response"].is_object();
    let mut answer = LlmResponse::new().usage(usage).chunk(is_event);
    match ended {
        Some("stop") if calls_a_tool(response) => answer = answer.finish(0, "tool_call"),
        Some("") | None => {}
        Some(reason) => answer = answer.finish(0, finish_reason(reason)),
    }
    identified(answer, response)
}

/// The searches that are billed: said by the provider, or counted among what it did.
fn searches(response: &Value) -> Count {
    let said = count(&response["tool_usage"]["web_search"]["num_requests"]);
    if said != Count::Unknown {
        return said;
    }
    let calls = items(&response["output"]).iter();
    let calls = calls.filter(|item| item["type"] == "web_search_call");
    // Opening a page that was found costs nothing more.
    let searches = calls.filter(|call| text(&call["action"]["type"]).is_none_or(|t| t == "search"));
    match searches.count() {
        0 => Count::Unknown,
        some => Count::Known(some as u64),
    }
}

fn calls_a_tool(response: &Value) -> bool {
    items(&response["output"]).iter().any(|item| {
        matches!(
            text(&item["type"]),
            Some("function_call" | "custom_tool_call")
        )
    })
}

/// Reads a list of embeddings.
///
/// ```
/// use obs_runtime::llm::{LlmResponse, Usage, openai};
///
/// let raw = serde_json::json!({
///     "object": "list", "model": "text-embedding-3-small",
///     "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}],
///     "usage": {"prompt_tokens": 8, "total_tokens": 8},
/// });
/// let expected = LlmResponse::new().usage(Usage::input(8)).model("text-embedding-3-small");
/// assert_eq!(openai::embeddings(&raw), expected.dimensions(3));
/// ```
pub fn embeddings(raw: &Value) -> LlmResponse {
    // They have no output, and no text is without tokens.
    let usage = match count(&raw["usage"]["prompt_tokens"]) {
        Count::Unknown | Count::Known(0) => None,
        tokens => Some(Usage::input(tokens)),
    };
    let answer = LlmResponse::new().usage(usage);
    let answer = match items(&raw["data"][0]["embedding"]) {
        // As text of base64, or none.
        [] => answer,
        numbers => answer.dimensions(numbers.len()),
    };
    identified(answer, raw)
}

/// What all of OpenAI's formats call the same.
fn identified(mut answer: LlmResponse, raw: &Value) -> LlmResponse {
    if let Some(model) = text(&raw["model"]) {
        answer = answer.model(model);
    }
    if let Some(id) = text(&raw["id"]) {
        answer = answer.id(id);
    }
    tier(answer, text(&raw["service_tier"]))
}

/// The conventions' word for a reason.
pub(in crate::llm) fn finish_reason(reason: &str) -> Cow<'static, str> {
    match reason {
        "tool_calls" | "function_call" => "tool_call".into(),
        "max_output_tokens" | "max_tokens" | "length" => "length".into(),
        "stop" => "stop".into(),
        "content_filter" => "content_filter".into(),
        other => other.to_owned().into(),
    }
}
