//! What clients of models say of their answers, in the types of each client.
//!
//! A client is a feature of the same name. Its answers, chunks and usages are values that `usage = |out| out` and
//! [`answered`](crate::llm::answered) take as they are. What a client drops when it parses an answer is read from the
//! raw answer where the client keeps it, because that has the lifetimes of what was cached, searches and new tiers.

#[cfg(feature = "async-openai")]
mod async_openai;
#[cfg(feature = "genai")]
mod genai;
#[cfg(feature = "rig")]
mod rig;

#[cfg(any(feature = "genai", feature = "rig"))]
use {
    crate::llm::usage::LlmResponse,
    crate::llm::wire::{self, Counts},
    serde_json::Value,
};

/// An answer of which the client has kept the raw form: that is read first. What the client `counts` fills in where it
/// says nothing of tokens, as some ends of streams do.
#[cfg(any(feature = "genai", feature = "rig"))]
fn kept(raw: Option<&Value>, counts: Counts, is_last: bool) -> LlmResponse {
    let answer = raw.and_then(wire::read).unwrap_or_default();
    if answer.usage.is_some_and(|usage| !usage.is_unknown()) {
        return answer;
    }
    answer.usage(counts.usage(is_last))
}
