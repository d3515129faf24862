//! What is measured of model calls and of operations of vector stores, whoever wraps them: `#[llm_call]`, `#[vector_op]`
//! or [`observe_stream`](crate::llm::observe_stream).

use core::task::Context;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use crate::clock::Moment;
use crate::llm::account::LlmState;
use crate::llm::attributes::{record_llm, record_vector};
use crate::llm::call::{LlmCall, VectorOp};
use crate::llm::failure::Failure;
use crate::llm::pace::{Pace, StreamTimes};
use crate::llm::price::{Cost, Pricer};
use crate::llm::record::CallRecord;
use crate::llm::request::Request;
use crate::llm::running::Shared;
use crate::llm::stall::{Known, STALLED, Stalled, Watch};
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
    /// The number of such calls that run, which this one is part of.
    active: Option<BoundUpDownCounter>,
    /// Where it was begun.
    here: Option<Here>,
    /// Of a stream that may not stand still.
    watch: Watch,
}

impl ModelCall {
    pub(crate) fn new(call: LlmCall) -> Self {
        #[cfg(feature = "reqwest")]
        crate::llm::watch::listen();
        Self {
            call: Arc::new(Mutex::new(call)),
            active: None,
            here: None,
            watch: Watch::default(),
        }
    }
}

impl ModelCall {
    /// Changes the pace of the stream, if there is one.
    fn pace(&self, change: impl FnOnce(&mut Pace, Moment)) {
        let now = Moment::now();
        if let Some(pace) = &mut lock(&self.call).pace {
            change(pace, now);
        }
    }
}

impl ModelCall {
    fn waits(&mut self, cx: &mut Context<'_>, limit: Duration) -> Option<Stalled> {
        let now = Moment::now();
        let waited = lock(&self.call).pace.as_ref()?.silence(now);
        if !self.watch.stands(cx, waited, limit) {
            return None;
        }
        let call = lock(&self.call).clone();
        let state = self.here.and_then(LlmState::at);
        self.watch
            .count(state.as_ref().and_then(|state| state.stalled(&call)));
        let (provider, model) = (call.provider.to_string(), call.model.to_string());
        let chunks = call.pace.as_ref().map_or(0, |pace| pace.times(now).chunks);
        Some(Stalled::new(Known {
            provider,
            model,
            waited,
            chunks,
            cost: partial_cost(call, state.as_deref()),
        }))
    }
}

/// What a call has cost that fails now.
fn partial_cost(mut call: LlmCall, state: Option<&LlmState>) -> Cost {
    call.end = End::Failed(STALLED.into());
    match state {
        Some(state) => state.price(call),
        None => CallRecord::of(call, &Pricer::default()).cost,
    }
}

impl Measured<ModelCall> {
    /// How the chunks of the stream have come so far; `None` if there is none, or it has ended.
    pub(crate) fn times(&self) -> Option<StreamTimes> {
        let call = lock(&self.measure()?.call);
        call.pace.as_ref().map(|pace| pace.times(Moment::now()))
    }

    /// The stream has nothing yet: what is known if it stands still from now on.
    pub(crate) fn waits(&mut self, cx: &mut Context<'_>, limit: Duration) -> Option<Stalled> {
        let mut stalled = None;
        self.change(|call| stalled = call.waits(cx, limit));
        stalled
    }

    /// Says once that the stream stands still, whose reader is told nothing.
    pub(crate) fn warn_of(&mut self, stalled: &Stalled) -> Option<()> {
        LlmState::at(self.measure()?.here?)?.warn_of(stalled);
        Some(())
    }
}

/// What a value of a model call says, or an item of its stream.
#[derive(Debug, Default)]
pub struct Said {
    /// What the provider answered; nothing if the value is an error.
    pub(crate) answer: Option<LlmResponse>,
    /// What the program says of a chunk, if it is asked: whether it holds output of the model.
    pub(crate) token: Option<bool>,
    /// What the error proves.
    pub(crate) failure: Failure,
}

impl From<LlmResponse> for Said {
    fn from(answer: LlmResponse) -> Self {
        Self {
            answer: Some(answer),
            ..Self::default()
        }
    }
}

impl Measure for ModelCall {
    type Said = Said;

    const OPENS: bool = true;

    fn begin(&mut self, here: Here) {
        self.here = Some(here);
        let call = lock(&self.call);
        self.active = LlmState::at(here).and_then(|state| state.active(&call));
        if let Some(active) = &self.active {
            active.add(1);
        }
    }

    fn streams(&mut self) {
        lock(&self.call).pace = Some(Box::new(Pace::new(Moment::now())));
    }

    fn handed_over(&mut self) {
        self.watch.goes_on();
        self.pace(Pace::handed_over);
    }

    fn asked(&mut self) {
        self.pace(Pace::asked);
    }

    fn place(&self) -> Option<Place> {
        let call: Shared = Arc::clone(&self.call);
        Some(Place::new(call))
    }

    fn item(&mut self, said: Said) {
        let now = Moment::now();
        self.watch.goes_on();
        let mut call = lock(&self.call);
        call.refused |= said.failure.refused;
        if let Some(status) = said.failure.status {
            let pause = said.failure.retry_after;
            call.attempts.last_status(status, pause);
        }
        if said.failure.unsent {
            call.attempts.unsent();
        }
        if let Some(pace) = &mut call.pace {
            let seen = said.answer.as_ref().and_then(|answer| answer.token);
            if said.token.is_some() || seen == Some(true) {
                pace.output(now, said.token);
            }
            pace.gave(now, said.answer.is_some());
        }
        let is_item = call.pace.is_some();
        if let Some(answer) = said.answer {
            call.attempts.value(answer, is_item);
        }
    }

    fn error(&mut self) {
        self.watch.goes_on();
        self.pace(|pace, now| pace.gave(now, false));
    }

    fn end(mut self, ended: Ended) {
        self.watch.goes_on();
        if let Some(active) = self.active {
            active.add(-1);
        }
        let mut call = {
            let mut shared = lock(&self.call);
            let call = shared.clone();
            shared.attempts.close_call();
            call
        };
        call.end = ended.end;
        call.duration = Some(ended.duration);
        if let Some(pace) = &mut call.pace {
            pace.end(Moment::now());
        }
        record_llm(call, ended.here, ended.attributes);
    }
}

/// Begins the call of `#[llm_call]`, inside its span.
#[track_caller]
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
