//! What generated code names where recording is compiled out (no feature `record`): the same bounds, so that the
//! same programs compile, and nothing at run time.
//!
//! A value is given back as it is, not in a wrapper that does nothing: the size of a future is the plain one. Closures
//! are dropped, not called: they hold references at most.

use super::flow::Ready;
use super::judge::{Hooks, Judge};
use crate::callsite::Callsite;
use crate::private::metric_site::SiteLabel;
use crate::trace::Value;

pub struct SyncSpan<const N: usize>(());

impl<const N: usize> SyncSpan<N> {
    #[inline(always)]
    pub const fn idle() -> Self {
        Self(())
    }

    #[inline(always)]
    pub fn enter(&mut self, _: &'static Callsite) {}

    #[inline(always)]
    pub fn fields(&mut self, values: impl FnOnce() -> [Value; N]) {
        let _ = values;
    }
}

/// The function's callsite alone.
pub struct LabelledSite<const N: usize>(&'static Callsite);

impl<const N: usize> LabelledSite<N> {
    pub const fn new(site: &'static Callsite, _: [&'static str; N]) -> Self {
        Self(site)
    }

    #[inline(always)]
    pub fn of_call(&'static self, values: impl FnOnce() -> [&'static str; N]) -> &'static Callsite {
        let _ = values;
        self.0
    }
}

#[inline(always)]
pub fn future_fields<const N: usize>(values: impl FnOnce() -> [Value; N]) {
    let _ = values;
}

#[inline(always)]
pub fn call_with<const N: usize, R>(
    span: &mut SyncSpan<N>,
    body: impl FnOnce(&mut SyncSpan<N>) -> R,
) -> R {
    body(span)
}

#[inline(always)]
pub fn call_future_with<const N: usize, F: Future>(
    span: &mut SyncSpan<N>,
    body: impl FnOnce(&mut SyncSpan<N>) -> F,
) -> F {
    body(span)
}

#[inline(always)]
pub fn finish<T, K: Judge<T>, const N: usize>(_: &mut SyncSpan<N>, _: K, value: T) -> T {
    value
}

#[inline(always)]
pub fn finish_flow<T, O, K, W: Ready<T, O, K, N>, const N: usize>(
    _: W,
    _: &'static Callsite,
    _: &mut SyncSpan<N>,
    _: O,
    _: K,
    value: T,
) -> T {
    value
}

#[inline(always)]
pub fn future<F: Future, K: Judge<F::Output>, const N: usize>(
    _: &'static Callsite,
    _: K,
    future: F,
) -> F {
    future
}

#[inline(always)]
pub fn finish_future<F: Future, K: Judge<F::Output>, const N: usize>(
    site: &'static Callsite,
    _: SyncSpan<N>,
    judge: K,
    future: F,
) -> F {
    self::future::<F, K, N>(site, judge, future)
}

#[inline(always)]
pub fn future_flow<F: Future, O, K: Hooks, W: Ready<F::Output, O, K, N>, const N: usize>(
    _: W,
    _: &'static Callsite,
    _: O,
    _: K,
    future: F,
) -> F {
    future
}

#[inline(always)]
pub fn finish_future_flow<F, O, K, W, const N: usize>(
    _: W,
    _: &'static Callsite,
    _: SyncSpan<N>,
    _: O,
    _: K,
    future: F,
) -> F
where
    F: Future,
    K: Hooks,
    W: Ready<F::Output, O, K, N>,
{
    future
}

pub struct InFlightSite(());

pub const fn in_flight_site(_: &'static [SiteLabel; 2]) -> InFlightSite {
    InFlightSite(())
}

pub struct InFlight(());

impl InFlight {
    #[inline(always)]
    #[must_use]
    pub fn enter(_: &'static InFlightSite) -> Self {
        Self(())
    }
}
