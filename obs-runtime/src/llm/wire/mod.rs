//! What providers say of their answers, read from the JSON that they send.
//!
//! Clients parse answers into types of their own, and a type that is older than the provider refuses a new service tier,
//! or drops the lifetimes of what was cached. So these readers take the JSON itself, a whole answer or a chunk of a
//! stream, and find what belongs to an account: tokens, the model that served, the id, the tier, why it stopped. They
//! never fail. What they do not know is ignored, what is missing or `null` is unknown, and a number that cannot be one is
//! a reason why the cost is not exact.
//!
//! All of them give one normal form: the input includes what was read from the cache and written to it, the output
//! includes reasoning. Counts of zero input say nothing, because no request is without input: some servers send zeros
//! until they know better.

pub mod anthropic;
pub mod bedrock;
mod body;
mod counts;
pub mod gemini;
mod json;
pub mod openai;

#[cfg(feature = "reqwest")]
pub(crate) use body::Body;
#[cfg(any(feature = "async-openai", feature = "genai", feature = "rig"))]
pub(in crate::llm) use counts::Counts;
#[cfg(any(feature = "async-openai", feature = "genai"))]
pub(in crate::llm) use counts::or_none;
#[cfg(feature = "genai")]
pub(in crate::llm) use counts::sum;
#[cfg(feature = "async-openai")]
pub(in crate::llm) use json::tier;
use serde_json::Value;

use crate::llm::usage::{IntoUsage, LlmResponse};

/// Recognises whose answer, or which chunk of a stream, this is. `None` if it is nobody's: an error, a heartbeat.
pub(crate) fn read(raw: &Value) -> Option<LlmResponse> {
    // Gemini without server-sent events streams a list.
    if let Value::Array(chunks) = raw {
        return chunks.iter().filter_map(read).reduce(|mut all, later| {
            all.merge(later);
            all
        });
    }
    let kind = raw["type"].as_str().unwrap_or_default();
    let object = raw["object"].as_str().unwrap_or_default();
    let has = |key: &str| raw.get(key).is_some();
    if object == "response" || kind.starts_with("response.") {
        Some(openai::responses(raw))
    } else if object == "list" && has("data") && has("usage") {
        Some(openai::embeddings(raw))
    } else if has("choices") {
        Some(openai::chat(raw))
    } else if kind == "message"
        || kind.starts_with("message_")
        || kind.starts_with(anthropic::BLOCK)
    {
        Some(anthropic::messages(raw))
    } else if has("candidates") || has("usageMetadata") || has("promptFeedback") {
        Some(gemini::generate_content(raw))
    } else if bedrock::KEYS.iter().any(|key| has(key)) || has("usage") && has("metrics") {
        Some(bedrock::converse(raw))
    } else {
        None
    }
}

/// Reads the body of an answer: JSON, or the server-sent events of a stream.
pub(crate) fn read_text(bytes: &[u8]) -> Option<LlmResponse> {
    if let Ok(raw) = serde_json::from_slice::<Value>(bytes) {
        return read(&raw);
    }
    let mut all: Option<LlmResponse> = None;
    let mut say = |later| match &mut all {
        Some(all) => all.merge(later),
        None => all = Some(later),
    };
    let mut events = body::Body::of(body::EVENTS);
    events.take(bytes, &mut say);
    events.end(&mut say);
    // All of its chunks are here.
    all.map(|all| all.chunk(false))
}

/// The JSON of an answer, or of a chunk of a stream, of whichever provider: OpenAI (and who speaks its formats),
/// Anthropic, Gemini, Bedrock. Anything else says nothing of tokens.
impl IntoUsage for &Value {
    fn into_llm_response(self) -> LlmResponse {
        read(self).unwrap_or_default()
    }
}

/// The body of an answer, as bytes: JSON as above, or the server-sent events of a stream.
impl IntoUsage for &[u8] {
    fn into_llm_response(self) -> LlmResponse {
        read_text(self).unwrap_or_default()
    }
}

/// The body of an answer, as text: JSON as above, or the server-sent events of a stream.
impl IntoUsage for &str {
    fn into_llm_response(self) -> LlmResponse {
        self.as_bytes().into_llm_response()
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;

#[cfg(test)]
mod output_tests;
