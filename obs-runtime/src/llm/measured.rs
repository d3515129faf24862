//! What is measured of model calls and of operations of vector stores, whoever wraps them: `#[llm_call]`, `#[vector_op]`
//! or [`observe_stream`](crate::llm::observe_stream).

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use crate::llm::account::LlmState;
use crate::llm::attributes::{record_llm, record_vector};
use crate::llm::call::{LlmCall, VectorOp};
use crate::llm::request::Request;
use crate::llm::running::Shared;
use crate::llm::usage::LlmResponse;
use crate::lock::lock;
use crate::metrics::BoundUpDownCounter;
use crate::trace::measured::{End, Ended, Here, Measure, Measured};
use crate::trace::open_call::Place;

/// A model call while it runs.
#[derive(Debug)]
pub struct ModelCall {
    /// Anybody inside may report to it.
    call: Shared,
    streams: bool,
    /// The number of such calls that run, which this one is part of.
    active: Option<BoundUpDownCounter>,
}

impl ModelCall {
    pub(crate) fn new(call: LlmCall) -> Self {
        #[cfg(feature = "reqwest")]
        crate::llm::watch::listen();
        Self {
            call: Arc::new(Mutex::new(call)),
            streams: false,
            active: None,
        }
    }
}

/// What a value of a model call says, or an item of its stream.
#[derive(Debug, Default)]
pub struct Said {
    /// What the provider answered.
    pub(crate) answer: Option<LlmResponse>,
    /// The error proves that the provider refused.
    pub(crate) refused: bool,
}

impl From<LlmResponse> for Said {
    fn from(answer: LlmResponse) -> Self {
        Self {
            answer: Some(answer),
            refused: false,
        }
    }
}

impl Measure for ModelCall {
    type Said = Said;

    const OPENS: bool = true;

    fn begin(&mut self, here: Here) {
        let call = lock(&self.call);
        self.active = LlmState::at(here).and_then(|state| state.active(&call));
        if let Some(active) = &self.active {
            active.add(1);
        }
    }

    fn streams(&mut self) {
        self.streams = true;
    }

    fn place(&self) -> Option<Place> {
        let place: Shared = Arc::clone(&self.call);
        Some(place)
    }

    fn item(&mut self, said: Said) {
        let mut call = lock(&self.call);
        call.refused |= said.refused;
        if let Some(answer) = said.answer {
            call.attempts.value(answer, self.streams);
        }
    }

    fn end(self, ended: Ended) {
        if let Some(active) = self.active {
            active.add(-1);
        }
        let mut call = lock(&self.call).clone();
        call.end = ended.end;
        call.duration = Some(ended.duration);
        call.time_to_first_chunk = ended.first_item;
        record_llm(call, ended.here, ended.attributes);
    }
}

/// Begins the call of `#[llm_call]`, inside its span.
pub fn llm_begin(
    provider: impl Into<Cow<'static, str>>,
    operation: impl Into<Cow<'static, str>>,
    model: impl Into<Cow<'static, str>>,
) -> Measured<ModelCall> {
    Measured::in_body(ModelCall::new(LlmCall::new(provider, operation, model)))
}

impl Measured<ModelCall> {
    /// Notes what is asked of the provider.
    pub(crate) fn asking(mut self, request: Request) -> Self {
        self.change(|call| lock(&call.call).request.merge(request));
        self
    }
}

/// How many vectors there are, and how many numbers each has; as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    pub(crate) count: Option<u64>,
    pub(crate) dimensions: Option<u64>,
}

/// An operation of a vector store while it runs.
#[derive(Debug)]
pub struct VectorCall {
    op: VectorOp,
    /// What was known before the call.
    known: Numbers,
    /// What the values said; counts are added up.
    said: Numbers,
    /// Items that went well.
    items: u64,
}

impl Measure for VectorCall {
    type Said = Numbers;

    fn item(&mut self, said: Numbers) {
        self.items += 1;
        if let Some(count) = said.count {
            let sum = self.said.count.unwrap_or(0).saturating_add(count);
            self.said.count = Some(sum);
        }
        self.said.dimensions = said.dimensions.or(self.said.dimensions);
    }

    fn end(self, ended: Ended) {
        let mut op = self.op;
        if ended.streamed || ended.end == End::Ok {
            // Where nothing is said of a stream, each item is a vector.
            let items = ended.streamed.then_some(self.items);
            op.count = self.said.count.or(self.known.count).or(items);
            op.dimensions = self.said.dimensions.or(self.known.dimensions);
        }
        op.end = ended.end;
        op.duration = Some(ended.duration);
        record_vector(&op, ended.here, ended.attributes);
    }
}

/// Begins the operation of `#[vector_op]`, inside its span. An empty `collection` is none.
pub fn vector_begin(
    system: impl Into<Cow<'static, str>>,
    operation: impl Into<Cow<'static, str>>,
    collection: impl Into<Cow<'static, str>>,
) -> Measured<VectorCall> {
    Measured::in_body(VectorCall {
        op: VectorOp::new(system, operation).collection(collection),
        known: Numbers::default(),
        said: Numbers::default(),
        items: 0,
    })
}

impl Measured<VectorCall> {
    /// Notes the numbers that are known before the call.
    pub(crate) fn knowing(mut self, known: Numbers) -> Self {
        self.change(|call| call.known = known);
        self
    }
}

#[cfg(test)]
#[path = "measured_tests.rs"]
mod tests;
