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
use crate::llm::measured::{ModelCall, Numbers, VectorCall};
use crate::llm::{IntoUsage, LlmResponse};
use crate::lock::lock;
use crate::trace::measured::{End, Measure, Measured};
use crate::trace::{Outcome, SpanError};

/// Where the measurement is between its begin, inside the body, and its end, outside.
pub struct Slot<M: Measure>(Arc<Mutex<Option<Measured<M>>>>);

impl<M: Measure> Slot<M> {
    #[allow(clippy::new_without_default, reason = "only generated code makes one")]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// The side of the body.
    #[must_use]
    pub fn handle(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Begins.
    pub fn start(&self, call: Measured<M>) {
        *lock(&self.0) = Some(call);
    }

    /// Changes the measurement, if it has begun and not ended.
    fn change(&self, change: impl FnOnce(&mut Measured<M>)) {
        if let Some(call) = &mut *lock(&self.0) {
            change(call);
        }
    }

    fn take(&self) -> Option<Measured<M>> {
        lock(&self.0).take()
    }
}

/// Reads from a value of the type `V` what a call measures.
pub trait Reads<V, M: Measure> {
    fn read(&self, value: &V) -> M::Said;
}

/// Ends the measurement in the slot as the call ends.
pub struct Measuring<M: Measure, R> {
    slot: Slot<M>,
    reads: R,
}

impl<M: Measure, R> Hooks for Measuring<M, R> {
    const OBSERVES: bool = true;

    fn ended(&self, outcome: Outcome, error: Option<&SpanError>, recorded: bool) {
        if let Some(mut call) = self.slot.take() {
            if !recorded {
                call.unrecorded();
            }
            call.end(End::of(outcome, error));
        }
    }
}

impl<T, K: Judge<T>, M: Measure, R: Reads<K::Success, M>> Layer<T, K> for Measuring<M, R> {
    fn observe(&self, inner: &K, value: &T, _: bool) {
        // The user's closures run without the lock.
        let said = inner.success(value).map(|value| self.reads.read(value));
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

/// A span's name of two parts.
pub fn join(first: &(impl AsRef<str> + ?Sized), second: &(impl AsRef<str> + ?Sized)) -> String {
    [first.as_ref(), second.as_ref()].join(" ")
}

/// `usage = closure`
pub struct UsageOf<C>(C);

impl<V, U: IntoUsage, C: Fn(&V) -> U> Reads<V, ModelCall> for UsageOf<C> {
    fn read(&self, value: &V) -> LlmResponse {
        (self.0)(value).into_llm_response()
    }
}

/// The layer of `#[llm_call]`; `usage` sees the `Ok` value, or each `Ok` item.
pub fn llm_judge<T, K: Judge<T>, U: IntoUsage, C: Fn(&K::Success) -> U>(
    inner: K,
    _: Probe<T>,
    slot: Slot<ModelCall>,
    usage: C,
) -> Layered<K, Measuring<ModelCall, UsageOf<C>>> {
    let reads = UsageOf(usage);
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
