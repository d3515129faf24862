//! `stall = "60s"`: a stream of a model call that stands still ends with an error, if its items can hold one; else obs says
//! it, and the stream waits on.
//!
//! The type of the items decides, by the tiers of the probe ([`answers!`]). It is no error if they cannot hold one: streams of
//! plain texts are as common as those of `Result`s.

use core::marker::PhantomData;
use core::task::Context;
use core::time::Duration;

use super::judge::{Hooks, Judge, Layer, Layered, layered};
use super::measured::{Measuring, Slot};
use super::probe::{AnyProbe, Probe, answers};
use crate::llm::Stalled;
use crate::llm::measured::ModelCall;
use crate::llm::stall::STALLED;
use crate::trace::SpanError;

/// An item that can say that the stream stood still.
pub trait HoldsStall {
    fn stalled(stalled: Stalled) -> Self;
}

impl<T, E: From<Stalled>> HoldsStall for Result<T, E> {
    fn stalled(stalled: Stalled) -> Self {
        Err(stalled.into())
    }
}

/// What becomes of a stream of `T` that stands still.
pub trait OnStall<T> {
    /// The item with which it ends; nothing if it waits on.
    fn item(stalled: Stalled) -> Option<T>;

    /// Whether somebody else must say it.
    const IS_SILENT: bool;
}

/// It ends with an error.
pub struct Ends<T>(PhantomData<fn(T)>);

/// It waits on.
pub struct WaitsOn;

impl<T: HoldsStall> OnStall<T> for Ends<T> {
    fn item(stalled: Stalled) -> Option<T> {
        Some(T::stalled(stalled))
    }

    const IS_SILENT: bool = false;
}

impl<T> OnStall<T> for WaitsOn {
    fn item(_: Stalled) -> Option<T> {
        None
    }

    const IS_SILENT: bool = true;
}

answers! {
    impl[T: HoldsStall] Probe<T> {
        /// A `Result` whose error can be made from `Stalled`.
        __obs_stall -> Ends<T> = Ends(PhantomData);
    }

    impl[T] AnyProbe<T> {
        /// Anything else.
        __obs_stall -> WaitsOn = WaitsOn;
    }
}

/// The layer of `stall`.
pub struct Stalling<X> {
    slot: Slot<ModelCall>,
    limit: Duration,
    /// The item that says so was given.
    stopped: bool,
    how: PhantomData<fn(X)>,
}

/// Puts the layer of `stall` on the judge of a model call.
pub fn llm_stall<K, R, X>(
    judge: Layered<K, Measuring<ModelCall, R>>,
    _: X,
    limit: Duration,
) -> Layered<Layered<K, Measuring<ModelCall, R>>, Stalling<X>> {
    let slot = judge.layer.slot.handle();
    let layer = Stalling {
        slot,
        limit,
        stopped: false,
        how: PhantomData,
    };
    layered(judge, layer)
}

impl<X> Hooks for Stalling<X> {
    fn has_stopped(&self) -> bool {
        self.stopped
    }
}

impl<T, K: Judge<T>, X: OnStall<T>> Layer<T, K> for Stalling<X> {
    fn failed(&self, inner: &K, value: &T) -> bool {
        // Whatever the program takes for an error: what the call used is not known.
        self.stopped || inner.failed(value)
    }

    fn error(&self, inner: &K, value: &T, recorded: bool) -> SpanError {
        let mut error = inner.error(value, recorded);
        if self.stopped {
            // The user's type may say anything.
            error.kind = STALLED.into();
        }
        error
    }

    fn pending(&mut self, _: &mut K, cx: &mut Context<'_>) -> Option<T> {
        let limit = self.limit;
        let stalled = self.slot.of_call(|call| call.waits(cx, limit))?;
        if X::IS_SILENT {
            self.slot.of_call(|call| call.warn_of(&stalled));
        }
        let item = X::item(stalled);
        self.stopped = item.is_some();
        item
    }
}
