//! The future that carries its span, and functions whose value is a future in a box.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::call::finish;
use super::kind::{Abandon, Kind};
use super::probe::Probe;
use crate::callsite::Callsite;
use crate::trace::{FutureSpan, Outcome, SyncSpan};

/// A future inside the span of its call: the state is outside of the coroutine.
///
/// The fields are dropped in their order: what the future holds goes first, inside the span. A
/// `ManuallyDrop` would do as well, but add two types to each level of a chain of calls, and the compiler
/// gives up at a fixed depth.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Traced<F, K: Abandon, const N: usize> {
    inner: F,
    kind: K,
    span: FutureSpan<N>,
}

impl<F, K: Abandon, const N: usize> fmt::Debug for Traced<F, K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").finish_non_exhaustive()
    }
}

/// Wraps a future whose span begins with the first poll.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn future<F: Future, K: Kind<F::Output>, const N: usize>(
    site: &'static Callsite,
    kind: K,
    inner: F,
) -> Traced<F, K, N> {
    Traced {
        span: FutureSpan::new(site),
        kind,
        inner,
    }
}

/// Wraps a future whose span began with the call that made it.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn finish_future<F: Future, K: Kind<F::Output>, const N: usize>(
    site: &'static Callsite,
    span: SyncSpan<N>,
    mut kind: K,
    inner: F,
) -> Traced<F, K, N> {
    if K::TIMES {
        kind.left();
    }
    Traced {
        span: FutureSpan::adopt(site, span),
        kind,
        inner,
    }
}

/// Ends the span as panicked unless it is told what the poll gave.
///
/// Knows nothing of the future, so that functions of the same type share its code.
pub(super) struct Poller<'a, K: Abandon, const N: usize> {
    pub(super) span: &'a mut FutureSpan<N>,
    pub(super) kind: &'a mut K,
}

impl<'a, K: Abandon, const N: usize> Poller<'a, K, N> {
    /// A poll begins.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn begin(span: &'a mut FutureSpan<N>, kind: &'a mut K) -> Self {
        if K::TIMES {
            kind.entered();
        }
        Self { span, kind }
    }

    /// The stream or future came back.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn left(&mut self) {
        if K::TIMES {
            self.kind.left();
        }
    }

    /// The last poll is over.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn report(&mut self) {
        if K::TIMES && self.span.is_recording() {
            self.span.poll(|| self.kind.report());
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn done<T>(mut self, polled: &Poll<T>)
    where
        K: Kind<T>,
    {
        self.left();
        if let Poll::Ready(value) = polled {
            self.report();
            if K::OBSERVES {
                let recorded = self.span.is_recording();
                self.span.poll(|| self.kind.observe(value, recorded));
            }
            if self.kind.failed(value) {
                let error = self.kind.error(value, self.span.is_recording());
                self.span.fail(error);
            } else {
                self.span.end(Outcome::Ok);
            }
        }
        mem::forget(self);
    }
}

impl<K: Abandon, const N: usize> Drop for Poller<'_, K, N> {
    #[cold]
    fn drop(&mut self) {
        self.report();
        if K::OBSERVES {
            self.span.poll(|| self.kind.abandon());
        }
        self.span.end(Outcome::Panicked);
    }
}

impl<F: Future, K: Kind<F::Output>, const N: usize> Future for Traced<F, K, N> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` stays where it is until it is dropped; the other fields are not pinned.
        let Self { span, kind, inner } = unsafe { self.get_unchecked_mut() };
        // SAFETY: `inner` is pinned because `self` was.
        let inner = unsafe { Pin::new_unchecked(inner) };
        let poller = Poller::begin(span, kind);
        // No closure: that would be two functions more to compile for each annotated one.
        let polled = match poller.span.enter() {
            Some((_inside, _told)) => inner.poll(cx),
            None => inner.poll(cx),
        };
        poller.done(&polled);
        polled
    }
}

impl<F, K: Abandon, const N: usize> Drop for Traced<F, K, N> {
    #[inline]
    fn drop(&mut self) {
        if self.span.is_live() {
            if K::TIMES && self.span.is_recording() {
                self.span.poll(|| self.kind.report());
            }
            // Left, and ended as cancelled, by the drop of the field.
            self.span.enter_to_drop();
        }
    }
}

/// The value is there when the function returns.
pub struct Now<T>(PhantomData<fn(T)>);

/// The value is there when the boxed future that the function returns is ready; `B` is the box.
pub struct Later<O, B>(PhantomData<fn(O, B)>);

/// A box without bounds.
#[derive(Debug)]
pub struct LaterLocal;
/// A box that is `Send`.
#[derive(Debug)]
pub struct LaterSend;
/// A box that is `Send` and `Sync`.
#[derive(Debug)]
pub struct LaterSync;

impl<T> fmt::Debug for Now<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Now")
    }
}

impl<O, B> fmt::Debug for Later<O, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

impl<T> Now<T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<O, B> Later<O, B> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The type to look at: the value's, or that of the future's output.
pub trait Looks {
    /// The type.
    type At;
}

impl<T> Looks for Now<T> {
    type At = T;
}

impl<O, B> Looks for Later<O, B> {
    type At = O;
}

/// A probe of the type to look at.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn probe_when<W: Looks>(_: &W) -> Probe<W::At> {
    Probe::new()
}

/// When the span of a call ends.
pub trait When<T, K> {
    /// Ends the span, or goes on with it in the value.
    fn finish<const N: usize>(site: &'static Callsite, span: SyncSpan<N>, kind: K, value: T) -> T;
}

impl<T, K: Kind<T>> When<T, K> for Now<T> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn finish<const N: usize>(_: &'static Callsite, mut span: SyncSpan<N>, kind: K, value: T) -> T {
        finish(&mut span, kind, value)
    }
}

macro_rules! later {
    ($($when:ident: $($auto:ident),*;)*) => {
        $(impl<'a, O, K> When<Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>>, K> for Later<O, $when>
        where
            O: 'a,
            K: Kind<O> $(+ $auto)* + 'a,
        {
            #[inline]
            fn finish<const N: usize>(
                site: &'static Callsite,
                span: SyncSpan<N>,
                kind: K,
                value: Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>>,
            ) -> Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>> {
                Box::pin(finish_future(site, span, kind, value))
            }
        })*
    };
}

later! {
    LaterLocal: ;
    LaterSend: Send;
    LaterSync: Send, Sync;
}

/// Ends the span when the value is there.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn finish_when<T, K, W: When<T, K>, const N: usize>(
    _: W,
    site: &'static Callsite,
    span: SyncSpan<N>,
    kind: K,
    value: T,
) -> T {
    W::finish(site, span, kind, value)
}
