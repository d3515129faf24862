//! Answers, ends of streams, usages and errors of genai.
//!
//! Its sums include their parts, but for what Bedrock cached. Where a provider says nothing of a sum it may be 0, and a
//! part that is 0 is left out. With `ChatOptions::with_capture_raw_body` it keeps the raw answer, which says what its
//! types drop: the tier that served, searches.

use core::time::Duration;
use std::borrow::Cow;

use ::genai::Error;
use ::genai::adapter::AdapterKind;
use ::genai::chat::{ChatResponse, ChatStreamEvent, StopReason, StreamEnd, Usage};
use ::genai::embed::EmbedResponse;
use ::genai::webc::Error as CallError;

use super::kept;
use crate::llm::failure::ProviderError;
use crate::llm::usage::{Count, IntoUsage, LlmResponse, TokenCount as _, Usage as OurUsage};
use crate::llm::wire::{Counts, or_none, sum};
use crate::retry_after;

/// What a usage says, of the provider if that is known.
fn counts(usage: &Usage, of: Option<AdapterKind>) -> Counts {
    let (input, output) = (
        usage.prompt_tokens_details.as_ref(),
        usage.completion_tokens_details.as_ref(),
    );
    let written = input.and_then(|parts| parts.cache_creation_details.as_ref());
    let mut counts = Counts {
        input: usage.prompt_tokens.count(),
        output: usage.completion_tokens.count(),
        cache_read: input.and_then(|parts| parts.cached_tokens).count(),
        cache_write: input.and_then(|parts| parts.cache_creation_tokens).count(),
        cache_write_5m: written.and_then(|parts| parts.ephemeral_5m_tokens).count(),
        cache_write_1h: written.and_then(|parts| parts.ephemeral_1h_tokens).count(),
        reasoning: output.and_then(|parts| parts.reasoning_tokens).count(),
        audio_input: input.and_then(|parts| parts.audio_tokens).count(),
        audio_output: output.and_then(|parts| parts.audio_tokens).count(),
        ..Counts::default()
    };
    // It leaves out a lifetime of zero tokens, if it knows the other.
    if written.is_some() {
        for lifetime in [&mut counts.cache_write_5m, &mut counts.cache_write_1h] {
            if *lifetime == Count::Unknown {
                *lifetime = Count::Known(0);
            }
        }
    }
    // No model answers without a token: that of some providers is 0 where they did not say it.
    if counts.output == Count::Known(0) {
        counts.output = Count::Unknown;
    }
    // One of its kinds is there with a feature of genai alone.
    let is_bedrock = of.is_some_and(|kind| kind.as_lower_str().starts_with("bedrock"));
    if is_bedrock || of == Some(AdapterKind::Anthropic) {
        // These leave out what was not cached.
        counts.cache_read = or_none(counts.cache_read, true);
        counts.cache_write = or_none(counts.cache_write, true);
    }
    let is_apart = is_bedrock || of.is_none() && has_cached_apart(usage);
    if is_apart {
        counts.input = sum(counts.input, &[counts.cache_read, counts.cache_write]);
    }
    counts
}

/// Whether the total is more than the sums by what was cached, as with Bedrock.
fn has_cached_apart(usage: &Usage) -> bool {
    let Some(parts) = &usage.prompt_tokens_details else {
        return false;
    };
    let number = |tokens: Option<i32>| i64::from(tokens.unwrap_or(0));
    let cached = number(parts.cached_tokens) + number(parts.cache_creation_tokens);
    let sums = number(usage.prompt_tokens) + number(usage.completion_tokens);
    cached > 0 && number(usage.total_tokens) == sums + cached
}

/// The conventions' word for a reason.
fn reason(reason: &StopReason) -> Cow<'static, str> {
    match reason {
        StopReason::Completed(_) | StopReason::StopSequence(_) => "stop".into(),
        StopReason::MaxTokens(_) => "length".into(),
        StopReason::ToolCall(_) => "tool_call".into(),
        StopReason::ContentFilter(_) => "content_filter".into(),
        StopReason::Other(other) => other.clone().into(),
    }
}

impl IntoUsage for &Usage {
    fn into_llm_response(self) -> LlmResponse {
        LlmResponse::new().usage(counts(self, None).usage(true))
    }
}

impl IntoUsage for &ChatResponse {
    fn into_llm_response(self) -> LlmResponse {
        let counts = counts(&self.usage, Some(self.model_iden.adapter_kind));
        let mut answer = kept(self.captured_raw_body.as_ref(), counts, true);
        answer
            .model
            .get_or_insert_with(|| self.provider_model_iden.model_name.to_string());
        answer.id = answer.id.or_else(|| self.response_id.clone());
        match &self.stop_reason {
            Some(stopped) if answer.finish_reasons().len() == 0 => {
                answer.finish(0, reason(stopped))
            }
            _ => answer,
        }
    }
}

/// The end of a stream has the usage if `ChatOptions::with_capture_usage` asks for it. It comes of a stream that was cut
/// off too, with what had been said until then: only one that says why the model stopped has the last word.
impl IntoUsage for &StreamEnd {
    fn into_llm_response(self) -> LlmResponse {
        let is_whole = self.captured_stop_reason.is_some();
        let usage = self.captured_usage.as_ref();
        let usage = usage.and_then(|usage| counts(usage, None).usage(is_whole));
        let mut answer = LlmResponse::new().usage(usage);
        answer.id.clone_from(&self.captured_response_id);
        match &self.captured_stop_reason {
            Some(stopped) => answer.finish(0, reason(stopped)),
            None => answer,
        }
    }
}

impl IntoUsage for &ChatStreamEvent {
    fn into_llm_response(self) -> LlmResponse {
        match self {
            ChatStreamEvent::End(end) => end.into_llm_response(),
            _ => LlmResponse::new(),
        }
    }
}

/// Embeddings have no output, and no text is without tokens.
impl IntoUsage for &EmbedResponse {
    fn into_llm_response(self) -> LlmResponse {
        let tokens = match self.usage.prompt_tokens.count() {
            Count::Unknown | Count::Known(0) => None,
            tokens => Some(OurUsage::input(tokens)),
        };
        let answer = LlmResponse::new()
            .usage(tokens)
            .model(&*self.provider_model_iden.model_name);
        match self.embeddings.first() {
            Some(first) => answer.dimensions(first.dimensions),
            None => answer,
        }
    }
}

/// The error of the request: the first item of a stream has it inside, as a stream is asked for when it is read.
fn of_request(error: &Error) -> &Error {
    match error {
        Error::WebStream { error: inner, .. } => inner.downcast_ref().unwrap_or(error),
        _ => error,
    }
}

/// The error of the transport, if it was that.
fn of_transport(error: &Error) -> Option<&::reqwest::Error> {
    match error {
        Error::WebModelCall { webc_error, .. } | Error::WebAdapterCall { webc_error, .. } => {
            match webc_error {
                CallError::Reqwest(error) => Some(error),
                _ => None,
            }
        }
        Error::WebStream { error, .. } => error.downcast_ref(),
        _ => None,
    }
}

impl ProviderError for Error {
    fn status(&self) -> Option<u16> {
        of_request(self).status().map(|status| status.as_u16())
    }

    fn retry_after(&self) -> Option<Duration> {
        let headers = of_request(self).headers()?;
        retry_after::of_headers(|name| headers.get(name)?.to_str().ok())
    }

    /// What it raises before it asks: of the request, the key, the choice of the provider.
    fn is_unsent(&self) -> bool {
        of_transport(self).is_some_and(ProviderError::is_unsent)
            || matches!(
                self,
                Self::ChatReqHasNoMessages { .. }
                    | Self::LastChatMessageIsNotUser { .. }
                    | Self::MessageRoleNotSupported { .. }
                    | Self::MessageContentTypeNotSupported { .. }
                    | Self::JsonModeWithoutInstruction
                    | Self::RequiresApiKey { .. }
                    | Self::NoAuthResolver { .. }
                    | Self::NoAuthData { .. }
                    | Self::ModelMapperFailed { .. }
                    | Self::Resolver { .. }
                    | Self::AdapterNotSupported { .. }
                    | Self::CacheBreakpointNoEligibleContent { .. }
                    | Self::AdapterKindMismatch { .. }
                    | Self::ClientBuildFail { .. }
            )
    }
}

#[cfg(test)]
#[path = "genai_tests.rs"]
mod tests;
