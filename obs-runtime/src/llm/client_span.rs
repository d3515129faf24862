//! A client's own span of a request that a call of ours is about: an attempt of this call, never a second inference.
//!
//! It is the same request if both name the same operation, provider and model; a client that speaks OpenAI's format says
//! `openai` of whomever it asks. What the span says is reported into the call: tokens and identity as an answer, the rest
//! as attributes of the call's span. As long as the span has not said what it is about, it is listened to.

use core::mem;

use crate::llm::account::Kind;
use crate::llm::call::LlmCall;
use crate::llm::price::listed_provider;
use crate::llm::request::Request;
use crate::llm::running::{RunningAttempt, RunningCall};
use crate::llm::usage::{LlmResponse, Usage};
use crate::llm::wire::openai::finish_reason;
use crate::lock::lock;
use crate::semconv::attribute as key;
use crate::trace::AttributeValue;
use crate::trace::open_call::Judge;

/// A span of a client inside a call.
pub(super) struct ClientSpan {
    call: RunningCall,
    client: &'static str,
    operation: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    verdict: Verdict,
    /// All tokens that it has reported.
    usage: Usage,
    /// Why the model stopped is still to be said, by a client that says it.
    awaits_reason: bool,
    /// The answer is streamed.
    streams: bool,
    server: (Option<String>, Option<u16>),
}

enum Verdict {
    /// Nobody knows yet what it is about. What it says is kept.
    Open(Vec<(String, AttributeValue)>),
    /// It is an attempt of the call.
    Attempt(RunningAttempt),
    /// It is something else.
    Another,
}

/// The most attributes that are kept of a span of which nobody knows what it is about.
const MOST: usize = 64;

/// Names that the conventions had before, or that one client gives.
mod old {
    pub(super) const PROVIDER: &str = "gen_ai.system";
    pub(super) const CACHE_WRITE: &str = "gen_ai.usage.cache_creation.input_tokens";
    pub(super) const INPUT: &str = "gen_ai.usage.prompt_tokens";
    pub(super) const OUTPUT: &str = "gen_ai.usage.completion_tokens";
    pub(super) const REASONING: &str = "gen_ai.usage.reasoning_tokens";
}

impl ClientSpan {
    pub(super) fn new(call: RunningCall, client: &'static str, keys: &[&'static str]) -> Self {
        Self {
            call,
            client,
            operation: None,
            provider: None,
            model: None,
            verdict: Verdict::Open(Vec::new()),
            usage: Usage::UNKNOWN,
            awaits_reason: keys.contains(&key::GEN_AI_RESPONSE_FINISH_REASONS),
            streams: false,
            server: (None, None),
        }
    }

    /// Looks at what the span is about; `ends` says that no more will come.
    fn judge(&mut self, ends: bool) {
        let Verdict::Open(said) = &mut self.verdict else {
            return;
        };
        let parts = [&self.operation, &self.provider, &self.model];
        let enough = parts.iter().all(|part| part.is_some()) || ends && self.operation.is_some();
        if !is_of(&lock(&self.call.call), parts) {
            self.verdict = Verdict::Another;
        } else if enough {
            let said = mem::take(said);
            self.verdict = Verdict::Attempt(self.call.attempt(self.client));
            for (key, value) in said {
                self.report(&key, &value);
            }
        }
    }

    /// Reports what an attempt says of itself.
    fn report(&mut self, said: &str, value: &AttributeValue) {
        let Verdict::Attempt(attempt) = &self.verdict else {
            return;
        };
        if let Some(usage) = tokens(said, value) {
            self.usage = self.usage.merge(usage);
            attempt.answered(self.last_word());
            return;
        }
        match said {
            key::GEN_AI_RESPONSE_MODEL | key::GEN_AI_RESPONSE_ID => {
                let Some(text) = text(value) else { return };
                attempt.answered(match said {
                    key::GEN_AI_RESPONSE_MODEL => LlmResponse::new().model(text),
                    _ => LlmResponse::new().id(text),
                });
            }
            key::GEN_AI_RESPONSE_FINISH_REASONS => {
                attempt.answered(finished(value));
                self.awaits_reason = false;
                if !self.usage.is_unknown() {
                    attempt.answered(self.last_word());
                }
            }
            // The status of the response, if it is one: other classes of errors are no numbers.
            key::ERROR_TYPE => {
                let status = text(value).and_then(|text| text.parse().ok());
                if let Some(status) = status.filter(|status| (400..600).contains(status)) {
                    attempt.status(status, None);
                }
            }
            key::GEN_AI_REQUEST_MAX_TOKENS => {
                if let Some(tokens) = number(value) {
                    self.call.asked(Request::new().max_tokens(tokens));
                }
            }
            key::GEN_AI_REQUEST_TEMPERATURE => {
                if let AttributeValue::F64(temperature) = value {
                    self.call.asked(Request::new().temperature(*temperature));
                }
            }
            key::SERVER_ADDRESS | key::SERVER_PORT => self.asks(said, value),
            // What the call's macro and its record say of themselves.
            key::GEN_AI_REQUEST_STREAM => self.streams = *value == AttributeValue::Bool(true),
            key::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK => {}
            _ if said.starts_with("gen_ai.") => {
                lock(&self.call.call).detail(said, value);
            }
            _ => {}
        }
    }

    fn asks(&mut self, said: &str, value: &AttributeValue) {
        match said {
            key::SERVER_ADDRESS => self.server.0 = text(value).map(str::to_owned),
            _ => self.server.1 = number(value).and_then(|port| port.try_into().ok()),
        }
        if let (Verdict::Attempt(attempt), (Some(address), port)) = (&self.verdict, &self.server) {
            attempt.server(address.clone(), *port);
        }
    }

    /// The usage so far. It is the provider's last word once the output is known: some clients report the input first.
    /// A client may tell what it heard of a stream that was cut off; if it says why models stop, it did not say it then.
    fn last_word(&self) -> Usage {
        let embeds = self.operation.as_deref().map(Kind::of) == Some(Kind::Embeddings);
        let is_cut = self.streams && self.awaits_reason;
        if embeds || self.usage.output_tokens().is_some() && !is_cut {
            self.usage
        } else {
            self.usage.partial()
        }
    }
}

impl Judge for ClientSpan {
    fn says(&mut self, said: &str, value: &AttributeValue) {
        let part = match said {
            key::GEN_AI_OPERATION_NAME => &mut self.operation,
            key::GEN_AI_PROVIDER_NAME | old::PROVIDER => &mut self.provider,
            key::GEN_AI_REQUEST_MODEL => &mut self.model,
            _ => {
                match &mut self.verdict {
                    Verdict::Open(held) if held.len() < MOST => {
                        held.push((said.to_owned(), value.clone()));
                    }
                    Verdict::Attempt(_) => self.report(said, value),
                    _ => {}
                }
                return;
            }
        };
        *part = text(value).map(str::to_owned);
        self.judge(false);
    }

    fn is_attempt(&mut self) -> bool {
        self.judge(true);
        matches!(self.verdict, Verdict::Attempt(_))
    }
}

/// Whether what a span has said of itself is what the call is about; what it has not said may be.
fn is_of(call: &LlmCall, [operation, provider, model]: [&Option<String>; 3]) -> bool {
    let known = |part: &Option<String>, is: &dyn Fn(&str) -> bool| part.as_deref().is_none_or(is);
    known(operation, &|operation| match Kind::of(&call.operation) {
        Kind::Other => operation == call.operation,
        kind => Kind::of(operation) == kind,
    }) && known(provider, &|provider| {
        provider == "openai" || family(provider) == family(&call.provider)
    }) && known(model, &|model| {
        call.model.is_empty() || model.eq_ignore_ascii_case(&call.model)
    })
}

/// One name for a provider of which clients have several.
fn family(provider: &str) -> &str {
    match listed_provider(provider) {
        "azure.openai" => "azure",
        "bedrock" | "aws_bedrock" => "aws",
        "gemini" | "vertexai" | "vertex_ai" => "google",
        "xai" => "x-ai",
        "moonshot" => "moonshotai",
        other => other,
    }
}

/// The count of tokens that an attribute is.
fn tokens(said: &str, value: &AttributeValue) -> Option<Usage> {
    let empty = Usage::UNKNOWN;
    let AttributeValue::I64(count) = *value else {
        return None;
    };
    Some(match said {
        key::GEN_AI_USAGE_INPUT_TOKENS | old::INPUT => Usage::input(count),
        key::GEN_AI_USAGE_OUTPUT_TOKENS | old::OUTPUT => Usage::output(count),
        key::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS => empty.cache_read(count),
        key::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS | old::CACHE_WRITE => empty.cache_write(count),
        key::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS | old::REASONING => empty.reasoning(count),
        _ => return None,
    })
}

/// The reasons why the model stopped: a list, or the JSON of one, as `tracing` has no lists.
fn finished(value: &AttributeValue) -> LlmResponse {
    let reasons: Vec<String> = match value {
        AttributeValue::StringArray(reasons) => reasons.iter().map(ToString::to_string).collect(),
        _ => text(value).map_or_else(Vec::new, |text| {
            serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()])
        }),
    };
    let answer = LlmResponse::new();
    reasons
        .iter()
        .zip(0..)
        .fold(answer, |answer, (reason, choice)| {
            answer.finish(choice, finish_reason(reason))
        })
}

fn text(value: &AttributeValue) -> Option<&str> {
    match value {
        AttributeValue::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn number(value: &AttributeValue) -> Option<u64> {
    match value {
        AttributeValue::I64(number) => (*number).try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
#[path = "client_span_tests.rs"]
mod tests;
