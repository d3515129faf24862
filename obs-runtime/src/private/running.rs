//! A measurement beside the span: begun inside the body, ended by the value, or by its own drop if
//! the call panics or is cancelled.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use super::kind::{Abandon, Kind, same_outcome};
use super::probe::Probe;
use crate::llm::generated::{RunningLlmCall, RunningVectorOp};
use crate::llm::{IntoUsage, LlmResponse};
use crate::trace::SpanError;

/// Where the measurement is between its begin, inside the body, and its end, outside.
#[derive(Debug)]
pub struct Slot<R>(Arc<Mutex<Option<R>>>);

impl<R> Slot<R> {
    /// An empty one.
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
    pub fn start(&self, running: R) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
    }

    /// Changes the measurement, if it has begun and not ended.
    pub(super) fn change(&self, change: impl FnOnce(&mut R)) {
        if let Some(running) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            change(running);
        }
    }

    pub(super) fn take(&self) -> Option<R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The text of a `model`, `collection` or the like.
pub fn text<T: AsRef<str> + ?Sized>(value: &T) -> String {
    value.as_ref().to_owned()
}

/// A span's name of two parts.
pub fn join(first: &(impl AsRef<str> + ?Sized), second: &(impl AsRef<str> + ?Sized)) -> String {
    [first.as_ref(), second.as_ref()].join(" ")
}

/// The kind of `#[llm_call]`.
#[derive(Debug)]
pub struct LlmKind<K, C> {
    kind: K,
    slot: Slot<RunningLlmCall>,
    usage: C,
}

/// Ends the call by its value; `usage` sees the `Ok` value.
pub fn llm_kind<T, K: Kind<T>, U: IntoUsage, C: Fn(&K::Success) -> U>(
    kind: K,
    _: Probe<T>,
    slot: Slot<RunningLlmCall>,
    usage: C,
) -> LlmKind<K, C> {
    LlmKind { kind, slot, usage }
}

impl<K, C> Abandon for LlmKind<K, C> {
    const OBSERVES: bool = true;

    fn abandon(&self) {
        drop(self.slot.take());
    }
}

impl<T, K: Kind<T>, U: IntoUsage, C: Fn(&K::Success) -> U> Kind<T> for LlmKind<K, C> {
    same_outcome!(T, K);

    fn observe(&self, value: &T, recorded: bool) {
        self.kind.observe(value, recorded);
        let Some(mut running) = self.slot.take() else {
            return;
        };
        if !recorded {
            running = running.unrecorded();
        }
        if self.kind.failed(value) {
            running.fail(self.kind.error(value, false).kind);
        } else {
            let response = self.kind.success(value).map(|v| (self.usage)(v));
            running.succeed(response.map_or_else(LlmResponse::default, U::into_llm_response));
        }
    }
}

/// A vector operation and the numbers that were known before the call.
#[derive(Debug)]
pub struct VectorRun {
    pub(super) running: RunningVectorOp,
    pub(super) count: Option<usize>,
    pub(super) dimensions: Option<usize>,
}

/// Notes the numbers that are known before the call.
pub fn vector_start(
    running: RunningVectorOp,
    count: Option<usize>,
    dimensions: Option<usize>,
) -> VectorRun {
    VectorRun {
        running,
        count,
        dimensions,
    }
}

/// A number of vectors or dimensions.
#[diagnostic::on_unimplemented(
    message = "`count` and `dimensions` take a number, not `{Self}`",
    label = "expected `usize`, `u64`, `u32` or an `Option` of one",
    note = "for a number that only the returned value knows: `count = |out| out.len()`"
)]
pub trait IntoCount {
    /// The number, if there is one.
    fn into_count(self) -> Option<usize>;
}

macro_rules! into_count {
    ($($t:ty),*) => {
        $(impl IntoCount for $t {
            fn into_count(self) -> Option<usize> {
                usize::try_from(self).ok()
            }
        })*
    };
}

into_count!(usize, u64, u32, u16, i32, i64);

impl<T: IntoCount> IntoCount for Option<T> {
    fn into_count(self) -> Option<usize> {
        self.and_then(T::into_count)
    }
}

/// The kind of `#[vector_op]`.
#[derive(Debug)]
pub struct VectorKind<K, C, D> {
    kind: K,
    slot: Slot<VectorRun>,
    count: C,
    dimensions: D,
}

/// Ends the operation by its value; the closures see the `Ok` value.
pub fn vector_kind<T, K, M, N, C, D>(
    kind: K,
    _: Probe<T>,
    slot: Slot<VectorRun>,
    count: C,
    dimensions: D,
) -> VectorKind<K, C, D>
where
    K: Kind<T>,
    M: IntoCount,
    N: IntoCount,
    C: Fn(&K::Success) -> M,
    D: Fn(&K::Success) -> N,
{
    VectorKind {
        kind,
        slot,
        count,
        dimensions,
    }
}

impl<K, C, D> Abandon for VectorKind<K, C, D> {
    const OBSERVES: bool = true;

    fn abandon(&self) {
        drop(self.slot.take());
    }
}

impl<T, K, M, N, C, D> Kind<T> for VectorKind<K, C, D>
where
    K: Kind<T>,
    M: IntoCount,
    N: IntoCount,
    C: Fn(&K::Success) -> M,
    D: Fn(&K::Success) -> N,
{
    same_outcome!(T, K);

    fn observe(&self, value: &T, recorded: bool) {
        self.kind.observe(value, recorded);
        let Some(mut run) = self.slot.take() else {
            return;
        };
        if !recorded {
            run.running = run.running.unrecorded();
        }
        if self.kind.failed(value) {
            let kind: Cow<'static, str> = self.kind.error(value, false).kind;
            run.running.fail(kind);
            return;
        }
        let success = self.kind.success(value);
        let count = success.and_then(|v| (self.count)(v).into_count());
        let dimensions = success.and_then(|v| (self.dimensions)(v).into_count());
        run.running
            .succeed(count.or(run.count), dimensions.or(run.dimensions));
    }
}
