//! Answers, chunks, usages and errors of async-openai.

use std::borrow::Cow;

use ::async_openai::error::OpenAIError;
use ::async_openai::types::chat::{
    ChatCompletionStreamResponseDelta, CompletionFinishReason, CompletionUsage,
    CreateChatCompletionResponse, CreateChatCompletionStreamResponse, FinishReason, ServiceTier,
};
use ::async_openai::types::completions::CreateCompletionResponse;
use ::async_openai::types::embeddings::{
    CreateBase64EmbeddingResponse, CreateEmbeddingResponse, EmbeddingUsage,
};
use ::async_openai::types::responses::{
    OutputItem, Response, ResponseStreamEvent, ResponseUsage, ServiceTierResponses, Status,
    WebSearchToolCallAction,
};

use crate::llm::failure::ProviderError;
use crate::llm::usage::{Count, IntoUsage, LlmResponse, TokenCount as _, Usage};
use crate::llm::wire::openai::with_reasoning;
use crate::llm::wire::{Counts, or_none, tier};

/// A text that is not empty: servers that speak OpenAI's format may leave out what the types ask for.
fn said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn identified(mut answer: LlmResponse, id: &str, model: &str) -> LlmResponse {
    answer.id = said(id).map(str::to_owned);
    answer.model = said(model).map(str::to_owned);
    answer
}

/// The counts of a chat completion: the sums include their parts.
fn chat_counts(usage: &CompletionUsage) -> Counts {
    let (input, output) = (
        usage.prompt_tokens_details.as_ref(),
        usage.completion_tokens_details.as_ref(),
    );
    let reasoning = output.and_then(|parts| parts.reasoning_tokens).count();
    let of_input = |part: Count| or_none(part, input.is_some());
    let [prompt, completion, total] = [
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens,
    ]
    .map(u32::count);
    Counts {
        input: prompt,
        output: with_reasoning(prompt, completion, reasoning, total),
        // Where there are details, what they lack is zero.
        cache_read: of_input(input.and_then(|parts| parts.cached_tokens).count()),
        cache_write: of_input(input.and_then(|parts| parts.cache_write_tokens).count()),
        reasoning,
        audio_input: of_input(input.and_then(|parts| parts.audio_tokens).count()),
        audio_output: or_none(
            output.and_then(|parts| parts.audio_tokens).count(),
            output.is_some(),
        ),
        image_input: of_input(input.and_then(|parts| parts.image_tokens).count()),
        ..Counts::default()
    }
}

fn response_counts(usage: &ResponseUsage) -> Counts {
    let (input, output) = (&usage.input_tokens_details, &usage.output_tokens_details);
    Counts {
        input: usage.input_tokens.count(),
        output: usage.output_tokens.count(),
        cache_read: input.cached_tokens.count(),
        cache_write: or_none(input.cache_write_tokens.count(), true),
        reasoning: output.reasoning_tokens.count(),
        audio_input: Count::Known(0),
        audio_output: Count::Known(0),
        image_input: Count::Known(0),
        ..Counts::default()
    }
}

impl IntoUsage for &CompletionUsage {
    fn into_llm_response(self) -> LlmResponse {
        LlmResponse::new().usage(chat_counts(self).usage(true))
    }
}

impl IntoUsage for &ResponseUsage {
    fn into_llm_response(self) -> LlmResponse {
        LlmResponse::new().usage(response_counts(self).usage(true))
    }
}

/// Embeddings have no output, and no text is without tokens.
impl IntoUsage for &EmbeddingUsage {
    fn into_llm_response(self) -> LlmResponse {
        let tokens = (self.prompt_tokens > 0).then_some(self.prompt_tokens);
        LlmResponse::new().usage(tokens.map(Usage::input))
    }
}

impl IntoUsage for &CreateChatCompletionResponse {
    fn into_llm_response(self) -> LlmResponse {
        let usage = self.usage.as_ref().and_then(|u| chat_counts(u).usage(true));
        let reasons = self.choices.iter().map(|c| (c.index, &c.finish_reason));
        let answer = chat_answer(usage, reasons);
        chat_tier(
            identified(answer, &self.id, &self.model),
            self.service_tier.as_ref(),
        )
    }
}

/// The usage of a stream is in a chunk without choices, or beside the reason why the model stopped.
impl IntoUsage for &CreateChatCompletionStreamResponse {
    fn into_llm_response(self) -> LlmResponse {
        let is_last = self.choices.iter().all(|c| c.finish_reason.is_some());
        let usage = self.usage.as_ref();
        let usage = usage.and_then(|usage| chat_counts(usage).usage(is_last));
        let reasons = self.choices.iter().map(|c| (c.index, &c.finish_reason));
        let holds_output = self.choices.iter().any(|c| is_output(&c.delta));
        let answer = chat_answer(usage, reasons).token(holds_output).chunk(true);
        chat_tier(
            identified(answer, &self.id, &self.model),
            self.service_tier.as_ref(),
        )
    }
}

fn is_output(delta: &ChatCompletionStreamResponseDelta) -> bool {
    let is_text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    #[allow(deprecated)]
    let calls = delta.function_call.is_some();
    let tools = delta.tool_calls.as_ref();
    is_text(&delta.content)
        || is_text(&delta.refusal)
        || tools.is_some_and(|tools| !tools.is_empty())
        || calls
        || delta.audio.is_some()
}

/// A completion of the older API, or a chunk of one: both have the same type.
impl IntoUsage for &CreateCompletionResponse {
    fn into_llm_response(self) -> LlmResponse {
        let is_last = self.choices.iter().all(|c| c.finish_reason.is_some());
        let usage = self.usage.as_ref();
        let usage = usage.and_then(|usage| chat_counts(usage).usage(is_last));
        let mut answer = LlmResponse::new().usage(usage);
        for choice in &self.choices {
            let reason = choice.finish_reason.as_ref().map(|reason| match reason {
                CompletionFinishReason::Stop => "stop",
                CompletionFinishReason::Length => "length",
                CompletionFinishReason::ContentFilter => "content_filter",
            });
            if let Some(reason) = reason {
                answer = answer.finish(choice.index, reason);
            }
        }
        identified(answer, &self.id, &self.model)
    }
}

fn chat_answer<'a>(
    usage: Option<Usage>,
    reasons: impl Iterator<Item = (u32, &'a Option<FinishReason>)>,
) -> LlmResponse {
    let mut answer = LlmResponse::new().usage(usage);
    for (choice, reason) in reasons {
        let reason = match reason {
            None => continue,
            Some(FinishReason::Stop) => "stop",
            Some(FinishReason::Length) => "length",
            Some(FinishReason::ToolCalls | FinishReason::FunctionCall) => "tool_call",
            Some(FinishReason::ContentFilter) => "content_filter",
        };
        answer = answer.finish(choice, reason);
    }
    answer
}

fn chat_tier(answer: LlmResponse, served: Option<&ServiceTier>) -> LlmResponse {
    let word = served.map(|served| match served {
        ServiceTier::Auto => "auto",
        ServiceTier::Default => "default",
        ServiceTier::Flex => "flex",
        ServiceTier::Scale => "scale",
        ServiceTier::Priority => "priority",
        ServiceTier::Fast => "fast",
    });
    tier(answer, word)
}

impl IntoUsage for &Response {
    fn into_llm_response(self) -> LlmResponse {
        let ended: Option<Cow<'static, str>> = match &self.status {
            Status::Completed if calls_a_tool(self) => Some("tool_call".into()),
            Status::Completed => Some("stop".into()),
            Status::Incomplete => Some(why_incomplete(self)),
            Status::Failed | Status::Cancelled => Some("error".into()),
            Status::InProgress | Status::Queued => None,
        };
        let tokens = self.usage.as_ref().map(response_counts);
        let counts = Counts {
            web_searches: searches(self),
            ..tokens.unwrap_or_default()
        };
        let mut answer = LlmResponse::new().usage(counts.usage(ended.is_some()));
        if let Some(reason) = ended.filter(|reason| !reason.is_empty()) {
            answer = answer.finish(0, reason);
        }
        let word = self.service_tier.as_ref().map(|served| match served {
            ServiceTierResponses::Auto => "auto",
            ServiceTierResponses::Default => "default",
            ServiceTierResponses::Flex => "flex",
            ServiceTierResponses::Scale => "scale",
            ServiceTierResponses::Priority => "priority",
            ServiceTierResponses::Fast => "fast",
            ServiceTierResponses::Ultrafast => "ultrafast",
        });
        tier(identified(answer, &self.id, &self.model), word)
    }
}

fn why_incomplete(response: &Response) -> Cow<'static, str> {
    let why = response.incomplete_details.as_ref();
    match why.map_or("", |details| &details.reason) {
        "max_output_tokens" | "max_tokens" => "length".into(),
        other => other.to_owned().into(),
    }
}

fn calls_a_tool(response: &Response) -> bool {
    response.output.iter().any(|item| {
        matches!(
            item,
            OutputItem::FunctionCall(_) | OutputItem::CustomToolCall(_)
        )
    })
}

/// The searches that are billed: said by the provider, or counted among what it did.
fn searches(response: &Response) -> Count {
    if let Some(said) = &response.tool_usage {
        return said.web_search.num_requests.count();
    }
    // Opening a page that was found costs nothing more.
    let is_search = |item: &&OutputItem| match item {
        OutputItem::WebSearchCall(call) => {
            matches!(call.action, None | Some(WebSearchToolCallAction::Search(_)))
        }
        _ => false,
    };
    match response.output.iter().filter(is_search).count() {
        0 => Count::Unknown,
        some => some.count(),
    }
}

/// Most events carry texts, and say nothing of tokens.
impl IntoUsage for &ResponseStreamEvent {
    fn into_llm_response(self) -> LlmResponse {
        use ResponseStreamEvent as Event;
        match self {
            Event::ResponseCreated(event) => event.response.into_llm_response(),
            Event::ResponseQueued(event) => event.response.into_llm_response(),
            Event::ResponseInProgress(event) => event.response.into_llm_response(),
            Event::ResponseCompleted(event) => event.response.into_llm_response(),
            Event::ResponseIncomplete(event) => event.response.into_llm_response(),
            Event::ResponseFailed(event) => event.response.into_llm_response(),
            _ => LlmResponse::new(),
        }
    }
}

impl IntoUsage for &CreateEmbeddingResponse {
    fn into_llm_response(self) -> LlmResponse {
        let answer = identified(self.usage.into_llm_response(), "", &self.model);
        match self.data.first() {
            Some(first) => answer.dimensions(first.embedding.len()),
            None => answer,
        }
    }
}

/// How many numbers each embedding has is not said in this form.
impl IntoUsage for &CreateBase64EmbeddingResponse {
    fn into_llm_response(self) -> LlmResponse {
        identified(self.usage.into_llm_response(), "", &self.model)
    }
}

/// It has no headers, so nobody knows how long the provider asked to wait; and no status if the body of a refusal was
/// not OpenAI's JSON.
impl ProviderError for OpenAIError {
    fn status(&self) -> Option<u16> {
        match self {
            Self::ApiError(error) => Some(error.status_code.as_u16()),
            Self::Reqwest(error) => ProviderError::status(error),
            _ => None,
        }
    }

    fn is_unsent(&self) -> bool {
        match self {
            Self::Reqwest(error) => error.is_unsent(),
            Self::InvalidArgument(_) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "async_openai_tests.rs"]
mod tests;
