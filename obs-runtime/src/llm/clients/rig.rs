//! Answers, usages and errors of rig.
//!
//! Its sums include their parts, whatever the provider, and it keeps the raw answer, which says what its types drop: the
//! tier that served, lifetimes of what was cached, searches. The price that it computes is that of its own list, without
//! tiers, so it is not taken.

use core::time::Duration;
use std::borrow::Cow;

use ::rig_core::completion::{CompletionResponse, FinishReason, Usage};
use ::rig_core::embeddings::EmbeddingResponse;
use ::rig_core::error::ProviderError as RigError;
use ::rig_core::http_client::Error as HttpError;

use super::kept;
use crate::llm::failure::ProviderError;
use crate::llm::usage::{Count, IntoUsage, LlmResponse, TokenCount as _, Usage as OurUsage};
use crate::llm::wire::Counts;
use crate::retry_after;

fn counts(usage: &Usage) -> Counts {
    Counts {
        input: usage.input_tokens.count(),
        output: usage.output_tokens.count(),
        cache_read: usage.cached_input_tokens.count(),
        cache_write: usage.cache_creation_input_tokens.count(),
        reasoning: usage.reasoning_tokens.count(),
        ..Counts::default()
    }
}

/// The conventions' word for a reason.
fn reason(reason: FinishReason) -> Option<Cow<'static, str>> {
    Some(match reason {
        FinishReason::Stop => "stop".into(),
        FinishReason::Length => "length".into(),
        FinishReason::ToolCalls => "tool_call".into(),
        FinishReason::ContentFilter => "content_filter".into(),
        FinishReason::Other(other) => other.into(),
        // A reason of a later version.
        _ => return None,
    })
}

impl IntoUsage for &Usage {
    fn into_llm_response(self) -> LlmResponse {
        LlmResponse::new().usage(counts(self).usage(true))
    }
}

/// What arrived of a stream that was broken off (`Streamed::partial`) is not the provider's last word.
impl IntoUsage for &CompletionResponse {
    fn into_llm_response(self) -> LlmResponse {
        let stopped = self.finish_reason().and_then(reason);
        let is_whole = self.aborted.is_none() && (self.error.is_none() || stopped.is_some());
        let mut answer = kept(Some(&self.raw), counts(&self.usage), is_whole);
        if !is_whole {
            answer.usage = answer.usage.map(OurUsage::partial);
        }
        answer.model = answer.model.or_else(|| self.model().map(str::to_owned));
        answer.id = answer.id.or_else(|| self.response_id().map(str::to_owned));
        match stopped {
            Some(stopped) if answer.finish_reasons().len() == 0 => answer.finish(0, stopped),
            _ => answer,
        }
    }
}

/// Embeddings have no output, and no text is without tokens.
impl IntoUsage for &EmbeddingResponse {
    fn into_llm_response(self) -> LlmResponse {
        let tokens = match self.usage.input_tokens.count() {
            Count::Unknown | Count::Known(0) => None,
            tokens => Some(OurUsage::input(tokens)),
        };
        let mut answer = LlmResponse::new().usage(tokens);
        answer.model.clone_from(&self.model);
        answer.id.clone_from(&self.response_id);
        match self.embeddings.first() {
            Some(first) => answer.dimensions(first.vec.len()),
            None => answer,
        }
    }
}

impl ProviderError for RigError {
    fn status(&self) -> Option<u16> {
        let replied = self.provider_response_status();
        let status = match self {
            Self::Http(error) => error.non_success_status(),
            Self::Relayed(report) => report.provider_response_status(),
            _ => None,
        };
        replied.or(status).map(|status| status.as_u16())
    }

    fn retry_after(&self) -> Option<Duration> {
        let replied = self.provider_response_headers();
        let headers = match self {
            Self::Http(error) => error.non_success_headers(),
            _ => None,
        };
        let headers = replied.or(headers)?;
        retry_after::of_headers(|name| headers.get(name)?.to_str().ok())
    }

    /// Who could not be connected to is told by the errors of reqwest, with the feature `reqwest`.
    fn is_unsent(&self) -> bool {
        match self {
            Self::UnsupportedOption(_) => true,
            Self::Http(error) => is_unconnected(error),
            _ => false,
        }
    }
}

fn is_unconnected(error: &HttpError) -> bool {
    match error {
        #[cfg(feature = "reqwest")]
        HttpError::Instance(error) => crate::interop::reqwest::is_unsent(&**error),
        _ => false,
    }
}

#[cfg(test)]
#[path = "rig_tests.rs"]
mod tests;
