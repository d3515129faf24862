//! What the expansions of `#[llm_call]` and `#[vector_op]` name. No stable interface.
//!
//! A call is begun when its span is entered, and ends in one of `succeed`, `fail` and its drop, which is a
//! cancellation or a panic. The span's `gen_ai.*` and `db.*` attributes of the request are the expansion's; those
//! of the answer are set here.

use std::borrow::Cow;
use std::sync::Arc;

use crate::clock::Moment;
use crate::llm::call::{End, LlmCall, VectorOp};
use crate::llm::record::{self, Attributes, Here};
use crate::llm::state::LlmState;
use crate::llm::usage::{IntoUsage, LlmResponse};

/// A model call that runs.
#[derive(Debug)]
pub struct RunningLlmCall {
    /// `None` once it has ended.
    call: Option<LlmCall>,
    here: Here,
    started: Moment,
    first_chunk: Option<Moment>,
    /// Where the call is counted as running.
    counted: Option<Arc<LlmState>>,
    attributes: Attributes,
}

/// Begins a model call, inside its span.
pub fn llm_begin(
    provider: impl Into<Cow<'static, str>>,
    operation: impl Into<Cow<'static, str>>,
    model: impl Into<Cow<'static, str>>,
) -> RunningLlmCall {
    RunningLlmCall::begin(
        LlmCall::new(provider, operation, model),
        Attributes::Response,
    )
}

/// What the closure of `usage` says of the `Ok` value.
pub fn llm_usage<T: ?Sized, U: IntoUsage>(out: &T, usage: impl FnOnce(&T) -> U) -> LlmResponse {
    usage(out).into_llm_response()
}

impl RunningLlmCall {
    fn begin(call: LlmCall, attributes: Attributes) -> Self {
        let here = Here::now();
        let counted = here.state();
        if let Some(state) = &counted {
            state.active(&call, 1);
        }
        Self {
            call: Some(call),
            here,
            counted,
            started: Moment::now(),
            first_chunk: None,
            attributes,
        }
    }

    /// Begins a call that no macro describes.
    pub(crate) fn reported(call: LlmCall, attributes: Attributes) -> Self {
        Self::begin(call, attributes)
    }

    /// The call has no span of its own: what is entered is not to be changed.
    #[must_use]
    pub fn unrecorded(mut self) -> Self {
        self.attributes = Attributes::None;
        self
    }

    /// Ends the call.
    pub(crate) fn finish(mut self, end: End, response: LlmResponse) {
        self.end(end, response);
    }

    /// The call returned; `response` is what `llm_usage` gave, or the default without `usage`.
    pub fn succeed(mut self, response: LlmResponse) {
        self.end(End::Ok, response);
    }

    /// The call returned an error; `error_type` is the span's.
    pub fn fail(mut self, error_type: impl Into<Cow<'static, str>>) {
        self.end(End::Failed(error_type.into()), LlmResponse::default());
    }

    /// A chunk of a streamed answer has come.
    pub fn chunk(&mut self) {
        self.first_chunk.get_or_insert_with(Moment::now);
    }

    #[cold]
    fn end(&mut self, end: End, response: LlmResponse) {
        if let Some(mut call) = self.call.take() {
            if let Some(state) = self.counted.take() {
                state.active(&call, -1);
            }
            call.response = response;
            call.end = end;
            call.duration = Some(self.started.elapsed());
            call.time_to_first_chunk = self.first_chunk.map(|first| first.since(self.started));
            record::record_llm(&call, self.here, self.attributes);
        }
    }
}

impl Drop for RunningLlmCall {
    fn drop(&mut self) {
        if self.call.is_some() {
            // Whether its span is entered here is not known.
            self.attributes = Attributes::None;
            self.end(abandoned(), LlmResponse::default());
        }
    }
}

pub(crate) fn abandoned() -> End {
    if std::thread::panicking() {
        End::Failed(Cow::Borrowed("panic"))
    } else {
        End::Cancelled
    }
}

/// An operation of a vector store that runs.
#[derive(Debug)]
pub struct RunningVectorOp {
    op: Option<VectorOp>,
    here: Here,
    started: Moment,
    attributes: Attributes,
}

/// Begins an operation of a vector store, inside its span. An empty `collection` is none.
pub fn vector_begin(
    system: impl Into<Cow<'static, str>>,
    operation: impl Into<Cow<'static, str>>,
    collection: impl Into<Cow<'static, str>>,
) -> RunningVectorOp {
    RunningVectorOp {
        op: Some(VectorOp::new(system, operation).collection(collection)),
        here: Here::now(),
        started: Moment::now(),
        attributes: Attributes::Response,
    }
}

/// What the closure of `count` or `dimensions` says of the `Ok` value.
pub fn vector_number<T: ?Sized>(out: &T, number: impl FnOnce(&T) -> usize) -> usize {
    number(out)
}

impl RunningVectorOp {
    /// The operation has no span of its own: what is entered is not to be changed.
    #[must_use]
    pub fn unrecorded(mut self) -> Self {
        self.attributes = Attributes::None;
        self
    }

    /// Ends the operation.
    pub(crate) fn finish(mut self, end: End, count: Option<usize>, dimensions: Option<usize>) {
        if let Some(op) = &mut self.op {
            op.count = count.map(|n| n as u64);
            op.dimensions = dimensions.map(|n| n as u64);
        }
        self.end(end);
    }

    /// The operation returned.
    pub fn succeed(self, count: Option<usize>, dimensions: Option<usize>) {
        self.finish(End::Ok, count, dimensions);
    }

    /// The operation returned an error; `error_type` is the span's.
    pub fn fail(mut self, error_type: impl Into<Cow<'static, str>>) {
        self.end(End::Failed(error_type.into()));
    }

    #[cold]
    fn end(&mut self, end: End) {
        if let Some(mut op) = self.op.take() {
            op.end = end;
            op.duration = Some(self.started.elapsed());
            record::record_vector(&op, self.here, self.attributes);
        }
    }
}

impl Drop for RunningVectorOp {
    fn drop(&mut self) {
        if self.op.is_some() {
            self.attributes = Attributes::None;
            self.end(abandoned());
        }
    }
}

#[cfg(test)]
#[path = "generated_tests.rs"]
mod tests;
