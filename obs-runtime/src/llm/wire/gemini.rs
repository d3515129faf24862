//! Gemini's format. <https://ai.google.dev/api/generate-content>

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::counts::{Counts, or_none, total};
use super::json::{count, has_filled, index, items, text, tier};
use crate::llm::usage::{Count, LlmResponse};

/// Reads a response of `generateContent`, or one of `streamGenerateContent`.
///
/// Gemini counts thoughts beside the text; here they are part of the output.
///
/// ```
/// use obs_runtime::llm::{LlmResponse, Usage, gemini};
///
/// let raw = serde_json::json!({
///     "candidates": [{"content": {"parts": [{"text": "…"}]}, "finishReason": "STOP"}],
///     "usageMetadata": {
///         "promptTokenCount": 1_200, "candidatesTokenCount": 16, "thoughtsTokenCount": 64,
///         "cachedContentTokenCount": 1_000, "totalTokenCount": 1_280,
///     },
///     "modelVersion": "gemini-3-flash", "responseId": "r-1",
/// });
/// let usage = Usage::new(1_200, 80).cache_read(1_000).cache_write(0).reasoning(64);
/// let expected = LlmResponse::new().usage(usage).model("gemini-3-flash").id("r-1");
/// assert_eq!(gemini::generate_content(&raw), expected.finish_reason("stop").token(true));
/// ```
pub fn generate_content(raw: &Value) -> LlmResponse {
    let candidates = items(&raw["candidates"]);
    let reason = |one: &Value| text(&one["finishReason"]).map(finish_reason);
    let blocked = text(&raw["promptFeedback"]["blockReason"]);
    // Every response of a stream counts; the last one is that in which something stopped.
    let is_last = blocked.is_some() || candidates.iter().any(|one| reason(one).is_some());
    let mut counts = counts(&raw["usageMetadata"]);
    counts.web_searches = searches(candidates, text(&raw["modelVersion"]));
    let holds_output = |one: &Value| {
        let parts = items(&one["content"]["parts"]).iter();
        parts.into_iter().any(|part| has_filled(part, &OUTPUT))
    };
    // A whole answer looks like a chunk of a stream.
    let mut answer = LlmResponse::new()
        .usage(counts.usage(is_last))
        .token(candidates.iter().any(holds_output));
    if let Some(model) = text(&raw["modelVersion"]) {
        answer = answer.model(model);
    }
    if let Some(id) = text(&raw["responseId"]) {
        answer = answer.id(id);
    }
    for (place, one) in candidates.iter().enumerate() {
        if let Some(reason) = reason(one) {
            answer = answer.finish(index(one, place), reason);
        }
    }
    if blocked.is_some() {
        answer = answer.finish(0, "content_filter");
    }
    let usage = &raw["usageMetadata"];
    tier(
        answer,
        text(&usage["serviceTier"]).or(text(&usage["trafficType"])),
    )
}

/// What a part of the content may hold of the model's.
const OUTPUT: [&str; 5] = [
    "text",
    "functionCall",
    "inlineData",
    "executableCode",
    "codeExecutionResult",
];

fn counts(usage: &Value) -> Counts {
    let (prompt, tools) = (
        count(&usage["promptTokenCount"]),
        count(&usage["toolUsePromptTokenCount"]),
    );
    let thoughts = count(&usage["thoughtsTokenCount"]);
    let input = total([prompt, tools]);
    let mut output = total([count(&usage["candidatesTokenCount"]), thoughts]);
    // Where nothing was put out, or for some other reason, only the sum of everything is said.
    if let (Count::Unknown, Count::Known(input), Count::Known(all)) =
        (output, input, count(&usage["totalTokenCount"]))
    {
        output = all.checked_sub(input).map_or(Count::Unknown, Count::Known);
    }
    let (of_prompt, of_tools, of_cached, of_output) = (
        &usage["promptTokensDetails"],
        &usage["toolUsePromptTokensDetails"],
        &usage["cacheTokensDetails"],
        &usage["candidatesTokensDetails"],
    );
    // Numbers of zero are left out, as in all JSON that is made of protocol buffers.
    let says_input = input != Count::Unknown;
    Counts {
        input,
        output,
        cache_read: or_none(count(&usage["cachedContentTokenCount"]), says_input),
        cache_write: or_none(Count::Unknown, says_input),
        cache_read_audio: of_modality(&[of_cached], "AUDIO"),
        cache_read_image: of_modality(&[of_cached], "IMAGE"),
        reasoning: thoughts,
        audio_input: of_modality(&[of_prompt, of_tools], "AUDIO"),
        audio_output: of_modality(&[of_output], "AUDIO"),
        image_input: of_modality(&[of_prompt, of_tools], "IMAGE"),
        image_output: of_modality(&[of_output], "IMAGE"),
        ..Counts::default()
    }
}

/// The tokens of one modality in lists of all. Where there is a list, what it lacks is zero.
fn of_modality(lists: &[&Value], modality: &str) -> Count {
    let details = || lists.iter().flat_map(|list| items(list));
    let found = details().filter(|detail| detail["modality"] == modality);
    let found = total(found.map(|detail| count(&detail["tokenCount"])));
    or_none(found, details().next().is_some())
}

/// The searches that are billed: each different one, but only one for each prompt of the models before Gemini 3.
/// <https://ai.google.dev/gemini-api/docs/google-search>
fn searches(candidates: &[Value], model: Option<&str>) -> Count {
    let queries: HashSet<&str> = candidates
        .iter()
        .flat_map(|one| items(&one["groundingMetadata"]["webSearchQueries"]))
        .filter_map(text)
        .collect();
    let by_prompt = model.is_some_and(|m| m.starts_with("gemini-1") || m.starts_with("gemini-2"));
    match queries.len() as u64 {
        0 => Count::Unknown,
        _ if by_prompt => Count::Known(1),
        some => Count::Known(some),
    }
}

/// The conventions' word for a reason.
fn finish_reason(reason: &str) -> Cow<'static, str> {
    match reason {
        "STOP" => "stop".into(),
        "MAX_TOKENS" => "length".into(),
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY"
        | "MODEL_ARMOR" => "content_filter".into(),
        other => other.to_ascii_lowercase().into(),
    }
}

#[cfg(test)]
#[path = "gemini_tests.rs"]
mod tests;
