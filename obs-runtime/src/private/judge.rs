//! What a returned value says about its call.
//!
//! A [`Judge`] is made by the type of the value (`probe.rs`) and the arguments of the macro, each of which puts a
//! [`Layer`] on it. It holds no data, at most a closure of the user's, a stopwatch, or a measurement.

use core::any::type_name;
use core::convert::Infallible;
use core::error::Error;
use core::fmt::{self, Debug, Display};
use core::marker::PhantomData;
use core::task::Context;
use std::borrow::Cow;

use super::as_text::TextProbe;
use super::probe::answers;
use crate::causes::{WithCauses, backtrace, split_backtrace};
use crate::printable::formatted;
use crate::trace::active::exception;
use crate::trace::chain::Link;
use crate::trace::local::redact;
use crate::trace::{Outcome, SpanError};

/// The life of a call, apart from its value: what happens when it is polled and when it ends.
pub trait Hooks {
    /// Whether [`Judge::observe`] or [`ended`](Self::ended) does anything.
    const OBSERVES: bool = false;

    /// Whether the polls of the call are timed.
    const TIMES: bool = false;

    /// The call has ended, after all values that it gave were observed. Called inside the span; `recorded` says that
    /// the span is the call's own.
    #[inline(always)]
    fn ended(&self, outcome: Outcome, error: Option<&SpanError>, recorded: bool) {
        let _ = (outcome, error, recorded);
    }

    /// The stream that the call gives is handed to whoever reads it. Called if the polls are timed.
    #[inline(always)]
    fn handed_over(&mut self) {}

    /// A poll begins.
    #[inline(always)]
    fn entered(&mut self) {}

    /// A poll has ended.
    #[inline(always)]
    fn left(&mut self) {}

    /// Whether the stream has ended whatever is still to come: its last item was that of [`Judge::pending`].
    #[inline(always)]
    fn has_stopped(&self) -> bool {
        false
    }

    /// Says how long the polls took. Called inside the span, if it is recorded.
    #[inline(always)]
    fn report(&mut self) {}
}

/// Judges values of the type `T`: what a function returned, or each item of the stream that it gave.
#[diagnostic::on_unimplemented(
    message = "the arguments do not fit the returned type `{T}`",
    label = "`err(Debug)` and `err(Display)` need a function that returns a `Result`"
)]
pub trait Judge<T>: Hooks {
    /// What the `Ok` value is; the whole value if there is no error.
    type Success;

    /// The value of a call that went well.
    fn success<'a>(&self, value: &'a T) -> Option<&'a Self::Success>;

    /// Whether the value is an error.
    #[inline(always)]
    fn failed(&self, value: &T) -> bool {
        let _ = value;
        false
    }

    /// The error of a value that failed; its text only if it is recorded.
    fn error(&self, value: &T, recorded: bool) -> SpanError;

    /// Hands the value to the user's closures, inside the span.
    #[inline(always)]
    fn observe(&self, value: &T, recorded: bool) {
        let _ = (value, recorded);
    }

    /// The stream has nothing yet: an item with which it ends, if its reader has waited for too long.
    #[inline(always)]
    fn pending(&mut self, cx: &mut Context<'_>) -> Option<T> {
        let _ = cx;
        None
    }
}

/// A judge with a layer on it.
pub struct Layered<K, L> {
    pub(super) inner: K,
    pub(super) layer: L,
}

/// Puts a layer on a judge.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn layered<K, L>(inner: K, layer: L) -> Layered<K, L> {
    Layered { inner, layer }
}

/// What an argument changes of the judge `K` below it; by default nothing.
pub trait Layer<T, K: Judge<T>>: Hooks {
    #[inline(always)]
    fn failed(&self, inner: &K, value: &T) -> bool {
        inner.failed(value)
    }

    #[cold]
    fn error(&self, inner: &K, value: &T, recorded: bool) -> SpanError {
        inner.error(value, recorded)
    }

    /// Called after the judge below has observed the value.
    #[inline(always)]
    fn observe(&self, inner: &K, value: &T, recorded: bool) {
        let _ = (inner, value, recorded);
    }

    #[inline(always)]
    fn pending(&mut self, inner: &mut K, cx: &mut Context<'_>) -> Option<T> {
        inner.pending(cx)
    }
}

impl<K: Hooks, L: Hooks> Hooks for Layered<K, L> {
    const OBSERVES: bool = K::OBSERVES || L::OBSERVES;
    const TIMES: bool = K::TIMES || L::TIMES;

    #[inline(always)]
    fn ended(&self, outcome: Outcome, error: Option<&SpanError>, recorded: bool) {
        self.inner.ended(outcome, error, recorded);
        self.layer.ended(outcome, error, recorded);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn handed_over(&mut self) {
        self.inner.handed_over();
        self.layer.handed_over();
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn entered(&mut self) {
        self.inner.entered();
        self.layer.entered();
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn left(&mut self) {
        self.inner.left();
        self.layer.left();
    }

    #[inline(always)]
    fn has_stopped(&self) -> bool {
        self.inner.has_stopped() || self.layer.has_stopped()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn report(&mut self) {
        self.inner.report();
        self.layer.report();
    }
}

impl<T, K: Judge<T>, L: Layer<T, K>> Judge<T> for Layered<K, L> {
    type Success = K::Success;

    #[inline(always)]
    fn success<'a>(&self, value: &'a T) -> Option<&'a K::Success> {
        self.inner.success(value)
    }

    #[inline(always)]
    fn failed(&self, value: &T) -> bool {
        self.layer.failed(&self.inner, value)
    }

    #[cold]
    fn error(&self, value: &T, recorded: bool) -> SpanError {
        self.layer.error(&self.inner, value, recorded)
    }

    #[inline(always)]
    fn observe(&self, value: &T, recorded: bool) {
        self.inner.observe(value, recorded);
        self.layer.observe(&self.inner, value, recorded);
    }

    #[inline(always)]
    fn pending(&mut self, cx: &mut Context<'_>) -> Option<T> {
        self.layer.pending(&mut self.inner, cx)
    }
}

/// An error of which no more is known.
#[cold]
pub(super) fn other_error() -> SpanError {
    // OpenTelemetry's fallback (semantic conventions, `error.type`).
    SpanError::new(crate::semconv::OTHER, None)
}

/// Judges what is no `Result`: it never failed.
#[derive(Clone, Copy)]
pub struct Plain;

answers! {
    impl[] Plain {
        /// The end of the chain that a `Result` goes on, see [`ResultProbe`](super::probe::ResultProbe).
        __obs_how -> Self = Self;
        __obs_by_display -> Self = Self;
        __obs_by_debug -> Self = Self;
        __obs_error -> TextProbe<Infallible> = TextProbe::new();
    }
}

impl Hooks for Plain {}

impl<T> Judge<T> for Plain {
    type Success = T;

    #[inline(always)]
    fn success<'a>(&self, value: &'a T) -> Option<&'a T> {
        Some(value)
    }

    fn error(&self, _: &T, _: bool) -> SpanError {
        other_error()
    }
}

/// Judges a `Result`; `X` is how its error becomes text.
pub struct Fallible<X>(pub(super) PhantomData<fn(X)>);

impl<X> Hooks for Fallible<X> {}

impl<T, E, X: Text<E>> Judge<Result<T, E>> for Fallible<X> {
    type Success = T;

    #[inline(always)]
    fn success<'a>(&self, value: &'a Result<T, E>) -> Option<&'a T> {
        value.as_ref().ok()
    }

    #[inline(always)]
    fn failed(&self, value: &Result<T, E>) -> bool {
        value.is_err()
    }

    #[cold]
    fn error(&self, value: &Result<T, E>, recorded: bool) -> SpanError {
        let kind = type_name::<E>();
        match value {
            Err(error) if recorded => {
                let Said { text, chain } = X::text(error);
                let mut said = SpanError::new(kind, text);
                said.chain = chain;
                // The innermost span has recorded it; each span would format it anew.
                let text = said.message.as_deref().unwrap_or(kind);
                if !exception::was_passed(text, &said.chain) {
                    let backtrace = X::backtrace(error);
                    said.stacktrace = backtrace.map(|backtrace| redact(&backtrace).into_owned());
                }
                said
            }
            _ => SpanError::new(kind, None),
        }
    }
}

/// What a value says of itself.
#[derive(Default)]
pub struct Said {
    /// The redacted text, if there is one.
    text: Option<String>,
    chain: Vec<Link>,
}

/// How a value becomes text.
pub trait Text<E> {
    /// What the value says.
    fn text(value: &E) -> Said;

    /// The backtrace that the value has captured, if there is one.
    fn backtrace(value: &E) -> Option<String> {
        let _ = value;
        None
    }
}

/// An error with its causes.
pub struct ByCauses;

/// What holds an error of some type, such as `Box<dyn Error>`.
pub struct ByAnyError;

/// The same of an error that may go to other threads, such as `eyre::Report` holds.
pub struct ByAnySendSyncError;

/// The same of an error that may only be sent.
pub struct ByAnySendError;

pub struct ByDisplay;

pub struct ByDebug;

/// Of a type that has neither `Display` nor `Debug`.
pub struct NoText;

impl<E: Error> Text<E> for ByCauses {
    fn text(error: &E) -> Said {
        Said::with_causes(WithCauses::of(error))
    }
}

macro_rules! by_held_error {
    ($($how:ident: $($marker:ident)*;)+) => { $(
        impl<'e, E: AsRef<dyn Error $(+ $marker)* + 'e> + Display + Debug> Text<E> for $how {
            fn text(error: &E) -> Said {
                Said::with_causes(WithCauses::new(error, Some(error.as_ref())))
            }

            fn backtrace(error: &E) -> Option<String> {
                backtrace(error)
            }
        }
    )+ };
}

by_held_error! {
    ByAnyError: ;
    ByAnySendSyncError: Send Sync;
    ByAnySendError: Send;
}

impl<E: Display> Text<E> for ByDisplay {
    fn text(error: &E) -> Said {
        Said::plain(redacted(format_args!("{error}")))
    }
}

impl<E: Debug> Text<E> for ByDebug {
    fn text(error: &E) -> Said {
        let debug = formatted(format_args!("{error:?}"));
        let (text, _) = split_backtrace(&debug);
        Said::plain(redact(&text).into_owned())
    }

    fn backtrace(error: &E) -> Option<String> {
        backtrace(error)
    }
}

impl<E> Text<E> for NoText {
    fn text(_: &E) -> Said {
        Said::default()
    }
}

impl Said {
    fn plain(text: String) -> Self {
        Self {
            text: Some(text),
            chain: Vec::new(),
        }
    }

    fn with_causes(error: WithCauses) -> Self {
        let (text, chain) = error.redacted(redact);
        Self {
            text: Some(text),
            chain,
        }
    }

    pub(super) fn into_text(self) -> Option<String> {
        self.text
    }
}

/// Formats and redacts.
fn redacted(text: fmt::Arguments<'_>) -> String {
    let text = formatted(text);
    match redact(&text) {
        Cow::Borrowed(_) => text.into_owned(),
        Cow::Owned(redacted) => redacted,
    }
}
