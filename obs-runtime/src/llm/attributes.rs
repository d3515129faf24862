//! How a finished call enters the account of its `Observability`, and the span around it.

use std::sync::Arc;

use crate::llm::account::{Kind, LlmState};
use crate::llm::attempt::{Attempt, AttemptEnd};
use crate::llm::call::{LlmCall, VectorOp};
use crate::llm::frame::{self, Spent};
use crate::llm::price::Pricer;
use crate::llm::record::CallRecord;
use crate::llm::request::Request;
use crate::llm::totals::LlmTotals;
use crate::llm::usage::Usage;
use crate::scope;
use crate::semconv::{attribute as key, event};
use crate::trace::frame::FrameId;
use crate::trace::measured::{Attributes, Here};
use crate::{AttributeValue, Handle, Span, current, trace::TraceId};

/// Records a model call in its account, and as attributes of the entered span.
pub(crate) fn record_llm(call: LlmCall, here: Here, attributes: Attributes) {
    let is_shown = attributes != Attributes::None && here.is_entered() && current::is_recording();
    let record = match LlmState::at(here) {
        Some(state) => state.llm_call(call, here.context),
        // Nothing is installed; a span of another exporter may still show it, and an agent counts it.
        None if is_shown || here.frame != FrameId::NONE => CallRecord::of(call, &Pricer::default()),
        None => return,
    };
    frame::add(here, &Spent::of_call(&record));
    if !is_shown {
        return;
    }
    // What obs says itself comes later, and stays.
    for (key, value) in &record.details {
        current::set_attribute(key.clone(), value.clone());
    }
    let named = attributes == Attributes::All;
    llm_attributes(&record, named, &mut |key, value| {
        current::set_attribute(key, value);
    });
    let refused = |attempt: &Attempt| attempt.end() == AttemptEnd::Refused;
    if record.attempt_count > 1 || record.attempts.iter().any(refused) {
        for attempt in record.attempts.iter().take(MAX_EVENTS) {
            current::add_event_with(event::OBS_LLM_ATTEMPT, of_attempt(attempt));
        }
    }
}

/// The most attempts that a span has as events.
const MAX_EVENTS: usize = 16;

/// What is said of an attempt on the span of its call.
fn of_attempt(attempt: &Attempt) -> Vec<(&'static str, AttributeValue)> {
    let mut said: Vec<(&'static str, AttributeValue)> = vec![
        (key::OBS_LLM_ATTEMPT_END, attempt.end().as_str().into()),
        (key::OBS_LLM_ATTEMPT_MADE_BY, attempt.made_by().into()),
    ];
    if let Some(status) = attempt.status() {
        said.push((key::HTTP_RESPONSE_STATUS_CODE, status.into()));
    }
    if let Some(wait) = attempt.retry_after() {
        said.push((key::OBS_LLM_ATTEMPT_RETRY_AFTER, wait.as_secs_f64().into()));
    }
    if let Some(id) = attempt.response_id() {
        said.push((key::GEN_AI_RESPONSE_ID, id.to_owned().into()));
    }
    let usage = attempt.usage().unwrap_or_default();
    for (key, tokens) in [
        (key::GEN_AI_USAGE_INPUT_TOKENS, usage.input_tokens()),
        (key::GEN_AI_USAGE_OUTPUT_TOKENS, usage.output_tokens()),
    ] {
        if let Some(tokens) = tokens {
            said.push((key, tokens.into()));
        }
    }
    said.push((
        key::OBS_COST_AT_LEAST,
        attempt.cost().at_least.as_f64().into(),
    ));
    if let Some(most) = attempt.cost().at_most {
        said.push((key::OBS_COST_AT_MOST, most.as_f64().into()));
    }
    said
}

type Set<'a> = dyn FnMut(&'static str, AttributeValue) + 'a;

/// Sets the span attributes of a model call (GenAI client inference and client embeddings).
fn llm_attributes(call: &CallRecord, named: bool, set: &mut Set<'_>) {
    if named {
        set(key::GEN_AI_OPERATION_NAME, call.operation.clone().into());
        set(key::GEN_AI_PROVIDER_NAME, call.provider.clone().into());
        if !call.model.is_empty() {
            set(key::GEN_AI_REQUEST_MODEL, call.model.clone().into());
        }
    }
    if call.is_streamed() {
        set(key::GEN_AI_REQUEST_STREAM, true.into());
    }
    request_attributes(&call.request, tier_keys(call).0, set);
    response_attributes(call, set);
    if let Some(usage) = &call.usage {
        usage_attributes(usage, Kind::of(&call.operation), set);
    }
    if call.attempt_count > 1 {
        set(key::OBS_LLM_ATTEMPTS, call.attempt_count.into());
    }
    cost_attributes(call, set);
}

/// The keys of the tier that is asked for, and of the one that served.
fn tier_keys(call: &CallRecord) -> (&'static str, &'static str) {
    // A span has the attributes of its provider's own conventions, not those of another's.
    if call.provider == "openai" && Kind::of(&call.operation) == Kind::Inference {
        (
            key::OPENAI_REQUEST_SERVICE_TIER,
            key::OPENAI_RESPONSE_SERVICE_TIER,
        )
    } else {
        (key::OBS_LLM_REQUEST_TIER, key::OBS_LLM_RESPONSE_TIER)
    }
}

fn request_attributes(asked: &Request, tier_key: &'static str, set: &mut Set<'_>) {
    for (key, number) in [
        (key::GEN_AI_REQUEST_MAX_TOKENS, asked.max_tokens),
        (key::GEN_AI_REQUEST_TOP_K, asked.top_k),
        (
            key::GEN_AI_REQUEST_CHOICE_COUNT,
            asked.choices.filter(|choices| *choices != 1),
        ),
    ] {
        if let Some(number) = number {
            set(key, number.into());
        }
    }
    if let Some(seed) = asked.seed {
        set(key::GEN_AI_REQUEST_SEED, seed.into());
    }
    for (key, number) in [
        (key::GEN_AI_REQUEST_TEMPERATURE, asked.temperature),
        (key::GEN_AI_REQUEST_TOP_P, asked.top_p),
        (
            key::GEN_AI_REQUEST_FREQUENCY_PENALTY,
            asked.frequency_penalty,
        ),
        (key::GEN_AI_REQUEST_PRESENCE_PENALTY, asked.presence_penalty),
    ] {
        if let Some(number) = number.filter(|number| number.is_finite()) {
            set(key, number.into());
        }
    }
    for (key, texts) in [
        (key::GEN_AI_REQUEST_STOP_SEQUENCES, &asked.stop_sequences),
        (
            key::GEN_AI_REQUEST_ENCODING_FORMATS,
            &asked.encoding_formats,
        ),
    ] {
        if !texts.is_empty() {
            set(key, AttributeValue::StringArray(texts.clone()));
        }
    }
    // A version alone is of nothing.
    let prompt_version = asked.prompt.as_ref().and(asked.prompt_version.as_ref());
    let tier = asked.tier.as_ref().filter(|tier| *tier != "auto");
    for (key, text) in [
        (
            key::GEN_AI_REQUEST_REASONING_LEVEL,
            asked.reasoning_level.as_ref(),
        ),
        (key::GEN_AI_OUTPUT_TYPE, asked.output_type.as_ref()),
        (tier_key, tier),
        (key::GEN_AI_PROMPT_NAME, asked.prompt.as_ref()),
        (key::GEN_AI_PROMPT_VERSION, prompt_version),
        (key::GEN_AI_CONVERSATION_ID, asked.conversation.as_ref()),
        (
            key::GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID,
            asked.previous_response.as_ref(),
        ),
    ] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            set(key, text.clone().into());
        }
    }
    if let Some((address, port)) = &asked.server {
        set(key::SERVER_ADDRESS, address.clone().into());
        if let Some(port) = port {
            set(key::SERVER_PORT, u64::from(*port).into());
        }
    }
}

fn response_attributes(call: &CallRecord, set: &mut Set<'_>) {
    let response = &call.response;
    for (key, text) in [
        (key::GEN_AI_RESPONSE_MODEL, &response.model),
        (key::GEN_AI_RESPONSE_ID, &response.id),
        (tier_keys(call).1, &response.tier),
    ] {
        if let Some(text) = text {
            set(key, text.clone().into());
        }
    }
    let reasons = call.finish_reasons();
    if !reasons.is_empty() {
        let reasons = AttributeValue::StringArray(reasons);
        set(key::GEN_AI_RESPONSE_FINISH_REASONS, reasons);
    }
    call.stream_attributes(set);
    if let Some(dimensions) = response.dimensions {
        set(key::GEN_AI_EMBEDDINGS_DIMENSION_COUNT, dimensions.into());
    }
}

fn usage_attributes(usage: &Usage, kind: Kind, set: &mut Set<'_>) {
    let output = usage.output_tokens().filter(|_| kind != Kind::Embeddings);
    for (key, tokens) in [
        (key::GEN_AI_USAGE_INPUT_TOKENS, usage.input_tokens()),
        (key::GEN_AI_USAGE_OUTPUT_TOKENS, output),
    ] {
        if let Some(tokens) = tokens {
            set(key, tokens.into());
        }
    }
    // The parts only where there are any.
    for (key, tokens) in [
        (
            key::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
            usage.cache_read_tokens(),
        ),
        (
            key::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
            usage.cache_write_tokens(),
        ),
        (
            key::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
            usage.reasoning_tokens(),
        ),
        (
            key::GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
            usage.audio_input_tokens(),
        ),
        (
            key::GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
            usage.audio_output_tokens(),
        ),
        (
            key::GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
            usage.image_input_tokens(),
        ),
        (
            key::GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
            usage.image_output_tokens(),
        ),
    ] {
        if let Some(tokens) = tokens.filter(|tokens| *tokens > 0) {
            set(key, tokens.into());
        }
    }
}

/// No convention has a cost: the names are those of obs.
fn cost_attributes(call: &CallRecord, set: &mut Set<'_>) {
    let cost = &call.cost;
    if let Some(usd) = cost.exact() {
        set(key::OPERATION_COST, usd.as_f64().into());
        return;
    }
    set(key::OBS_COST_AT_LEAST, cost.at_least.as_f64().into());
    if let Some(at_most) = cost.at_most {
        set(key::OBS_COST_AT_MOST, at_most.as_f64().into());
    }
    let reasons = call.reasons().map(|reason| reason.as_str().into());
    set(
        key::OBS_COST_REASONS,
        AttributeValue::StringArray(reasons.collect()),
    );
}

/// Records an operation of a vector store in the context's account and on the entered span.
pub(crate) fn record_vector(op: &VectorOp, here: Here, attributes: Attributes) {
    if let Some(state) = LlmState::at(here) {
        state.vector_op(op, here.context);
    }
    if attributes == Attributes::None || !here.is_entered() || !current::is_recording() {
        return;
    }
    let request = attributes == Attributes::All;
    let set_attribute = |key, value: AttributeValue| current::set_attribute(key, value);
    if request {
        set_attribute(key::DB_SYSTEM_NAME, op.system.clone().into());
        set_attribute(key::DB_OPERATION_NAME, op.operation.clone().into());
        if !op.collection.is_empty() {
            set_attribute(key::DB_COLLECTION_NAME, op.collection.clone().into());
        }
    }
    if let Some(count) = op.count {
        set_attribute(key::OBS_VECTOR_COUNT, count.into());
    }
    if let Some(dimensions) = op.dimensions {
        set_attribute(key::OBS_VECTOR_DIMENSIONS, dimensions.into());
    }
}

impl LlmState {
    /// Returns the account of the call's `Observability`; `None` where none is installed.
    pub(crate) fn at(here: Here) -> Option<Arc<Self>> {
        scope::by_id(here.scope).map(|scope| scope.extension())
    }
}

impl Handle {
    /// Hands each model call to a function when it has ended; see [`Builder::on_llm_call`](crate::Builder::on_llm_call).
    pub fn on_llm_call(&self, listener: impl Fn(&CallRecord) + Send + Sync + 'static) {
        let state = self.scope.extension::<LlmState>();
        state.listen(Arc::new(listener));
    }

    /// Returns tokens and costs of all model calls so far.
    pub fn llm_totals(&self) -> LlmTotals {
        self.scope.extension::<LlmState>().totals()
    }

    /// Returns tokens and costs of one trace, such as a pipeline's run. The last 1,024 traces with
    /// model calls are kept; `None` for all others.
    pub fn llm_totals_for_trace(&self, trace_id: TraceId) -> Option<LlmTotals> {
        let state = self.scope.extension::<LlmState>();
        state.totals_for_trace(trace_id)
    }
}

impl Span {
    /// Records a model call on this span, see [`record_llm_call`](crate::llm::record_llm_call).
    pub fn record_llm_call(&self, call: LlmCall) -> &Self {
        self.in_scope(|_| record_llm(call, Here::now(), self.attributes()));
        self
    }

    /// Records an operation of a vector store on this span, see
    /// [`record_vector_operation`](crate::llm::record_vector_operation).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "made for this call: a borrow would be noise"
    )]
    pub fn record_vector_operation(&self, operation: VectorOp) -> &Self {
        self.in_scope(|_| record_vector(&operation, Here::now(), self.attributes()));
        self
    }

    fn attributes(&self) -> Attributes {
        if self.is_recording() {
            Attributes::All
        } else {
            Attributes::None
        }
    }
}

#[cfg(test)]
#[path = "attributes_tests.rs"]
mod tests;
