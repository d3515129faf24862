//! What generated code names where recording is compiled out (no feature `record`): the same bounds, so that the
//! same programs compile, and nothing at run time.
//!
//! A future is given back as it is, not in a wrapper that does nothing: its size is the plain one.

use super::future::When;
use super::kind::{Abandon, Kind};
use super::source::Source;
use super::stream::Wrap;
use crate::callsite::Callsite;
use crate::private::metric_site::SiteLabel;
use crate::trace::Value;

/// No guard.
#[derive(Debug)]
pub struct SyncSpan<const N: usize>(());

impl<const N: usize> SyncSpan<N> {
    /// Begins nothing.
    #[inline(always)]
    pub const fn enter(_: &'static Callsite) -> Self {
        Self(())
    }

    /// Evaluates nothing.
    #[inline(always)]
    pub fn fields(&mut self, values: impl FnOnce() -> [Value; N]) {
        // Dropped, not called: it holds references at most.
        let _ = values;
    }
}

/// No labels.
#[derive(Debug)]
pub struct LabelledSite<const N: usize>(&'static Callsite);

impl<const N: usize> LabelledSite<N> {
    /// The function's callsite alone.
    pub const fn new(site: &'static Callsite, _: [&'static str; N]) -> Self {
        Self(site)
    }

    /// Evaluates nothing.
    #[inline(always)]
    pub fn of_call(&'static self, values: impl FnOnce() -> [&'static str; N]) -> &'static Callsite {
        let _ = values;
        self.0
    }
}

/// Evaluates nothing.
#[inline(always)]
pub fn future_fields<const N: usize>(values: impl FnOnce() -> [Value; N]) {
    let _ = values;
}

/// Runs a body.
#[inline(always)]
pub fn call_with<const N: usize, R>(
    span: &mut SyncSpan<N>,
    body: impl FnOnce(&mut SyncSpan<N>) -> R,
) -> R {
    body(span)
}

/// Runs a body that makes a future.
#[inline(always)]
pub fn call_future_with<const N: usize, F: Future>(
    span: &mut SyncSpan<N>,
    body: impl FnOnce(&mut SyncSpan<N>) -> F,
) -> F {
    body(span)
}

/// The value.
#[inline(always)]
pub fn finish<T, K: Kind<T>, const N: usize>(_: &mut SyncSpan<N>, _: K, value: T) -> T {
    value
}

/// The value.
#[inline(always)]
pub fn finish_when<T, K, W: When<T, K>, const N: usize>(
    _: W,
    _: &'static Callsite,
    _: SyncSpan<N>,
    _: K,
    value: T,
) -> T {
    value
}

/// The future.
#[inline(always)]
pub fn future<F: Future, K: Kind<F::Output>, const N: usize>(
    _: &'static Callsite,
    _: K,
    future: F,
) -> F {
    future
}

/// The future.
#[inline(always)]
pub fn finish_future<F: Future, K: Kind<F::Output>, const N: usize>(
    site: &'static Callsite,
    _: SyncSpan<N>,
    kind: K,
    future: F,
) -> F {
    self::future::<F, K, N>(site, kind, future)
}

/// The stream.
#[inline(always)]
pub fn finish_stream<T, K, W: Wrap<T, K, N>, const N: usize>(
    _: W,
    _: &'static Callsite,
    _: SyncSpan<N>,
    _: K,
    stream: T,
) -> T {
    stream
}

/// The value.
#[inline(always)]
pub fn finish_source<T, O, K, W: Source<T, O, K, N>, const N: usize>(
    _: W,
    _: &'static Callsite,
    _: SyncSpan<N>,
    _: O,
    _: K,
    value: T,
) -> T {
    value
}

/// The future.
#[inline(always)]
pub fn future_source<F: Future, O, K: Abandon, W: Source<F::Output, O, K, N>, const N: usize>(
    _: W,
    _: &'static Callsite,
    _: O,
    _: K,
    future: F,
) -> F {
    future
}

/// The future.
#[inline(always)]
pub fn finish_future_source<F, O, K, W, const N: usize>(
    _: W,
    _: &'static Callsite,
    _: SyncSpan<N>,
    _: O,
    _: K,
    future: F,
) -> F
where
    F: Future,
    K: Abandon,
    W: Source<F::Output, O, K, N>,
{
    future
}

/// Counts nothing.
#[derive(Debug)]
pub struct InFlightSite(());

/// A site that counts nothing.
pub const fn in_flight_site(_: &'static [SiteLabel; 2]) -> InFlightSite {
    InFlightSite(())
}

/// Counts nothing.
#[derive(Debug)]
pub struct InFlight(());

impl InFlight {
    /// Counts nothing.
    #[inline(always)]
    #[must_use]
    pub fn enter(_: &'static InFlightSite) -> Self {
        Self(())
    }
}
