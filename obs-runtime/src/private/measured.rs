//! Calls that are measured beside their span: `#[llm_call]` and `#[vector_op]`.
//!
//! The measurement begins inside the body and ends outside of it, where the value is judged: a [`Slot`] is what both
//! sides hold. A layer on the judge hands it what the value says, and ends it; if the call panics or is cancelled, the
//! slot is dropped with the measurement in it. A new sort of call needs a [`Measure`], a function that begins it and one
//! that makes its layer.

use std::sync::{Arc, Mutex};

use super::count::IntoCount;
use super::judge::{Hooks, Judge, Layer, Layered, layered};
use super::probe::Probe;
use crate::llm::failure::Failure;
use crate::llm::measured::{ModelCall, Numbers, Said, VectorCall};
use crate::llm::{IntoUsage, LlmResponse};
use crate::lock::lock;
use crate::trace::frame::FrameId;
use crate::trace::local::local;
use crate::trace::measured::{End, Measure, Measured};
use crate::trace::open_call::{self, Place};
use crate::trace::{Capture as _, Outcome, SpanError, Value};

/// Where the measurement is between its begin, inside the body, and its end, outside.
pub struct Slot<M: Measure>(Arc<Mutex<Held<M>>>);

/// What both sides hold.
struct Held<M: Measure> {
    call: Option<Measured<M>>,
    /// What was open on this thread before the place of the call, while its body works.
    before: Option<Before>,
}

/// What was open on a thread, if anything was.
struct Before {
    place: Option<Place>,
    /// If the call has opened a frame.
    frame: Option<FrameId>,
}

impl<M: Measure> Held<M> {
    /// The body works: the place of its call is open on this thread.
    fn enter(&mut self) {
        if let (None, Some(call)) = (&self.before, &self.call) {
            self.before = Some(Before {
                place: open_call::replace(call.place()),
                frame: call.frame().map(|frame| local().frame.replace(frame)),
            });
        }
    }

    /// The body pauses or has ended.
    fn leave(&mut self) {
        if let Some(Before { place, frame }) = self.before.take() {
            drop(open_call::replace(place));
            if let Some(frame) = frame {
                local().frame.set(frame);
            }
        }
    }
}

impl<M: Measure> Drop for Held<M> {
    fn drop(&mut self) {
        // A synchronous body that panics comes by here alone, on its own thread. That of a future has left.
        self.leave();
    }
}

impl<M: Measure> Slot<M> {
    #[allow(clippy::new_without_default, reason = "only generated code makes one")]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Held {
            call: None,
            before: None,
        })))
    }

    /// The side of the body.
    #[must_use]
    pub fn handle(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Begins.
    pub fn start(&self, call: Measured<M>) {
        let mut held = lock(&self.0);
        held.call = Some(call);
        if M::OPENS {
            held.enter();
        }
    }

    /// Changes the measurement, if it has begun and not ended.
    fn change(&self, change: impl FnOnce(&mut Measured<M>)) {
        if let Some(call) = &mut lock(&self.0).call {
            change(call);
        }
    }

    pub(super) fn of_call<R>(&self, ask: impl FnOnce(&mut Measured<M>) -> Option<R>) -> Option<R> {
        lock(&self.0).call.as_mut().and_then(ask)
    }

    fn take(&self) -> Option<Measured<M>> {
        let mut held = lock(&self.0);
        held.leave();
        held.call.take()
    }
}

/// Reads from a value of the type `V` what a call measures.
pub trait Reads<V, M: Measure> {
    fn read(&self, value: &V) -> M::Said;
}

/// Reads from a value of the type `T` that is an error what a call measures.
pub trait ReadsFailure<T, M: Measure> {
    fn read_failure(&self, value: &T) -> Option<M::Said> {
        let _ = value;
        None
    }
}

/// Ends the measurement in the slot as the call ends.
pub struct Measuring<M: Measure, R> {
    pub(super) slot: Slot<M>,
    reads: R,
}

impl<M: Measure, R> Hooks for Measuring<M, R> {
    const OBSERVES: bool = true;

    const TIMES: bool = M::OPENS;

    fn handed_over(&mut self) {
        self.slot.change(Measured::handed_over);
    }

    fn entered(&mut self) {
        if M::OPENS {
            let mut held = lock(&self.slot.0);
            held.enter();
            if let Some(call) = &mut held.call {
                call.asked();
            }
        }
    }

    fn left(&mut self) {
        if M::OPENS {
            lock(&self.slot.0).leave();
        }
    }

    fn ended(&self, outcome: Outcome, error: Option<&SpanError>, recorded: bool) {
        if let Some(mut call) = self.slot.take() {
            if !recorded {
                call.unrecorded();
            }
            call.end(End::of(outcome, error));
        }
    }
}

impl<T, K, M, R> Layer<T, K> for Measuring<M, R>
where
    K: Judge<T>,
    M: Measure,
    R: Reads<K::Success, M> + ReadsFailure<T, M>,
{
    fn observe(&self, inner: &K, value: &T, _: bool) {
        // The user's closures run without the lock.
        let said = match inner.success(value) {
            Some(value) => Some(self.reads.read(value)),
            None => self.reads.read_failure(value),
        };
        self.slot.change(|call| call.item(said));
    }
}

/// The call gives a stream, of which each item is looked at.
pub fn streaming<M: Measure>(call: Measured<M>) -> Measured<M> {
    call.streaming()
}

/// The text of a `model`, `collection` or the like.
pub fn text<T: AsRef<str> + ?Sized>(value: &T) -> String {
    value.as_ref().to_owned()
}

/// The attribute that such a text becomes; an empty one is none.
pub fn text_value(text: &str) -> Value {
    if text.is_empty() {
        Value::NONE
    } else {
        text.capture()
    }
}

/// A span's name of two parts; of the first alone where the second is not known.
pub fn join(first: &(impl AsRef<str> + ?Sized), second: &(impl AsRef<str> + ?Sized)) -> String {
    match (first.as_ref(), second.as_ref()) {
        (first, "") => first.to_owned(),
        (first, second) => [first, second].join(" "),
    }
}

/// What a value says of the answer: `usage = closure`.
pub fn answer_of<'a, V: ?Sized, U: IntoUsage>(
    value: &'a V,
    usage: impl FnOnce(&'a V) -> U,
) -> LlmResponse {
    usage(value).into_llm_response()
}

/// `usage = closure` and `refused = closure`
pub struct UsageOf<C, F> {
    usage: C,
    refused: F,
}

impl<V, C: Fn(&V) -> LlmResponse, F> Reads<V, ModelCall> for UsageOf<C, F> {
    fn read(&self, value: &V) -> Said {
        (self.usage)(value).into()
    }
}

impl<T, C, R: Into<Failure>, F: Fn(&T) -> R> ReadsFailure<T, ModelCall> for UsageOf<C, F> {
    fn read_failure(&self, value: &T) -> Option<Said> {
        let failure = (self.refused)(value).into();
        (failure != Failure::default()).then(|| Said {
            failure,
            ..Said::default()
        })
    }
}

/// The layer of `#[llm_call]`; `usage` sees the `Ok` value, or each `Ok` item, and `refused` what is an error.
pub fn llm_judge<T, K, C, R, F>(
    inner: K,
    _: Probe<T>,
    slot: Slot<ModelCall>,
    usage: C,
    refused: F,
) -> Layered<K, Measuring<ModelCall, UsageOf<C, F>>>
where
    K: Judge<T>,
    C: Fn(&K::Success) -> LlmResponse,
    R: Into<Failure>,
    F: Fn(&T) -> R,
{
    let reads = UsageOf { usage, refused };
    layered(inner, Measuring { slot, reads })
}

/// `token = closure`, over what else is read of a chunk.
pub struct TokenOf<R, C> {
    reads: R,
    token: C,
}

impl<V, R: Reads<V, ModelCall>, C: Fn(&V) -> bool> Reads<V, ModelCall> for TokenOf<R, C> {
    fn read(&self, value: &V) -> Said {
        Said {
            token: Some((self.token)(value)),
            ..self.reads.read(value)
        }
    }
}

impl<T, R: ReadsFailure<T, ModelCall>, C> ReadsFailure<T, ModelCall> for TokenOf<R, C> {
    fn read_failure(&self, value: &T) -> Option<Said> {
        self.reads.read_failure(value)
    }
}

/// `token = closure`: it sees each `Ok` item, and says whether that holds output of the model.
pub fn llm_token<T, K: Judge<T>, R, C: Fn(&K::Success) -> bool>(
    judge: Layered<K, Measuring<ModelCall, R>>,
    _: Probe<T>,
    token: C,
) -> Layered<K, Measuring<ModelCall, TokenOf<R, C>>> {
    let Measuring { slot, reads } = judge.layer;
    let reads = TokenOf { reads, token };
    layered(judge.inner, Measuring { slot, reads })
}

/// Of calls of whose values nothing is read.
pub struct Nothing;

impl<V, M: Measure<Said = ()>> Reads<V, M> for Nothing {
    fn read(&self, _: &V) {}
}

impl<T, M: Measure> ReadsFailure<T, M> for Nothing {}

/// The layer of `#[agent]` and `#[tool_call]`, which read nothing from the value.
pub fn ends<T, K: Judge<T>, M: Measure<Said = ()>>(
    inner: K,
    _: Probe<T>,
    slot: Slot<M>,
) -> Layered<K, Measuring<M, Nothing>> {
    let reads = Nothing;
    layered(inner, Measuring { slot, reads })
}

/// Notes the numbers that are known before a vector operation.
pub fn vector_start(
    call: Measured<VectorCall>,
    count: impl IntoCount,
    dimensions: impl IntoCount,
) -> Measured<VectorCall> {
    call.knowing(Numbers {
        count: count.into_count(),
        dimensions: dimensions.into_count(),
    })
}

/// `count = closure` and `dimensions = closure`
pub struct NumbersOf<C, D> {
    count: C,
    dimensions: D,
}

impl<V, M, N, C, D> Reads<V, VectorCall> for NumbersOf<C, D>
where
    M: IntoCount,
    N: IntoCount,
    C: Fn(&V) -> M,
    D: Fn(&V) -> N,
{
    fn read(&self, value: &V) -> Numbers {
        Numbers {
            count: (self.count)(value).into_count(),
            dimensions: (self.dimensions)(value).into_count(),
        }
    }
}

impl<T, C, D> ReadsFailure<T, VectorCall> for NumbersOf<C, D> {}

/// The layer of `#[vector_op]`; the closures see the `Ok` value, or each `Ok` item.
pub fn vector_judge<T, K, M, N, C, D>(
    inner: K,
    _: Probe<T>,
    slot: Slot<VectorCall>,
    count: C,
    dimensions: D,
) -> Layered<K, Measuring<VectorCall, NumbersOf<C, D>>>
where
    K: Judge<T>,
    M: IntoCount,
    N: IntoCount,
    C: Fn(&K::Success) -> M,
    D: Fn(&K::Success) -> N,
{
    let reads = NumbersOf { count, dimensions };
    layered(inner, Measuring { slot, reads })
}
