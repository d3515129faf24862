//! How a finished call enters the account of its `Observability`, and the span around it.

use std::sync::Arc;

use crate::llm::account::{Kind, LlmState};
use crate::llm::call::{LlmCall, VectorOp};
use crate::llm::price::Pricer;
use crate::llm::record::CallRecord;
use crate::llm::totals::LlmTotals;
use crate::scope;
use crate::semconv::attribute as key;
use crate::trace::measured::{Attributes, Here};
use crate::{AttributeValue, Handle, Span, current, trace::TraceId};

/// Records a model call in its account, and as attributes of the entered span.
pub(crate) fn record_llm(call: LlmCall, here: Here, attributes: Attributes) {
    let is_shown = attributes != Attributes::None && here.is_entered() && current::is_recording();
    let record = match LlmState::at(here) {
        Some(state) => state.llm_call(call, here.context),
        // Nobody accounts for it; a span of another exporter may still show it.
        None if is_shown => CallRecord::of(call, &Pricer::default()),
        None => return,
    };
    if !is_shown {
        return;
    }
    let request = attributes == Attributes::All;
    llm_attributes(&record, request, &mut |key, value| {
        current::set_attribute(key, value);
    });
}

/// Sets the span attributes of a model call (GenAI spans, "Inference" and "Embeddings").
fn llm_attributes(
    call: &CallRecord,
    request: bool,
    set: &mut dyn FnMut(&'static str, AttributeValue),
) {
    if request {
        set(key::GEN_AI_OPERATION_NAME, call.operation.clone().into());
        set(key::GEN_AI_PROVIDER_NAME, call.provider.clone().into());
        if !call.model.is_empty() {
            set(key::GEN_AI_REQUEST_MODEL, call.model.clone().into());
        }
    }
    let asked = &call.request;
    if let Some(tokens) = asked.max_tokens {
        set(key::GEN_AI_REQUEST_MAX_TOKENS, tokens.into());
    }
    if let Some(temperature) = asked.temperature {
        set(key::GEN_AI_REQUEST_TEMPERATURE, temperature.into());
    }
    if let Some((address, port)) = &asked.server {
        set(key::SERVER_ADDRESS, address.clone().into());
        if let Some(port) = port {
            set(key::SERVER_PORT, u64::from(*port).into());
        }
    }
    let response = &call.response;
    if let Some(model) = &response.model {
        set(key::GEN_AI_RESPONSE_MODEL, model.clone().into());
    }
    if let Some(id) = &response.id {
        set(key::GEN_AI_RESPONSE_ID, id.clone().into());
    }
    if response.finish_reasons().len() > 0 {
        let reasons = AttributeValue::StringArray(response.finish_reasons().cloned().collect());
        set(key::GEN_AI_RESPONSE_FINISH_REASONS, reasons);
    }
    if let Some(first) = call.time_to_first_chunk {
        set(key::GEN_AI_REQUEST_STREAM, true.into());
        set(
            key::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
            first.as_secs_f64().into(),
        );
    }
    if let Some(dimensions) = response.dimensions {
        set(key::GEN_AI_EMBEDDINGS_DIMENSION_COUNT, dimensions.into());
    }
    if let Some(usage) = &call.usage {
        let output = usage
            .output_tokens()
            .filter(|_| Kind::of(&call.operation) != Kind::Embeddings);
        // The parts only where there are any.
        let part = |tokens: Option<u64>| tokens.filter(|tokens| *tokens > 0);
        for (key, tokens) in [
            (key::GEN_AI_USAGE_INPUT_TOKENS, usage.input_tokens()),
            (key::GEN_AI_USAGE_OUTPUT_TOKENS, output),
            (
                key::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
                part(usage.cache_read_tokens()),
            ),
            (
                key::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
                part(usage.cache_write_tokens()),
            ),
            (
                key::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
                part(usage.reasoning_tokens()),
            ),
        ] {
            if let Some(tokens) = tokens {
                set(key, tokens.into());
            }
        }
    }
    if call.attempt_count > 1 {
        set(key::OBS_LLM_ATTEMPTS, call.attempt_count.into());
    }
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
