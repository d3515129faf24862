//! What a returned value says about its call.

use core::any::type_name;
use core::convert::Infallible;
use core::fmt::{self, Debug, Display, Write as _};
use core::marker::PhantomData;
use std::borrow::Cow;

use super::as_text::TextProbe;
use crate::trace::local::redact;
use crate::trace::{Outcome, SpanError};

/// What a kind does without a value.
pub trait Abandon {
    /// Whether `Kind::observe` or `abandon` does anything.
    const OBSERVES: bool = false;

    /// Whether the polls of the call are timed.
    const TIMES: bool = false;

    /// The call ends without a value: it panicked or was cancelled. Called inside the span.
    #[inline(always)]
    fn abandon(&self) {}

    /// The call's stream has ended, by itself or because its reader went. Called inside the span.
    #[inline(always)]
    fn ended(&self, outcome: Outcome, error: Option<&SpanError>, recorded: bool) {
        let _ = (outcome, error, recorded);
    }

    /// A poll begins.
    #[inline(always)]
    fn entered(&mut self) {}

    /// A poll has ended.
    #[inline(always)]
    fn left(&mut self) {}

    /// Says how long the polls took. Called inside the span, if it is recorded.
    #[inline(always)]
    fn report(&mut self) {}
}

/// Implements [`Abandon`] and [`Kind`] for a wrapper by the kind in its field `kind`; what the wrapper does
/// otherwise is given.
macro_rules! forward {
    ($wrapper:ident; abandon { $($abandon:item)* } kind { $($kind:item)* }) => {
        impl<K: Abandon> Abandon for $wrapper<K> {
            const OBSERVES: bool = K::OBSERVES;

            #[inline(always)]
            fn abandon(&self) {
                self.kind.abandon();
            }

            #[inline(always)]
            fn ended(&self, outcome: Outcome, error: Option<&SpanError>, recorded: bool) {
                self.kind.ended(outcome, error, recorded);
            }

            $($abandon)*
        }

        impl<T, K: Kind<T>> Kind<T> for $wrapper<K> {
            type Success = K::Success;

            #[inline(always)]
            fn success<'a>(&self, value: &'a T) -> Option<&'a K::Success> {
                self.kind.success(value)
            }

            #[inline(always)]
            fn observe(&self, value: &T, recorded: bool) {
                self.kind.observe(value, recorded);
            }

            $($kind)*
        }
    };
}
pub(super) use forward;

/// In a [`Kind`] that judges as the kind `K` in its field `kind` does.
macro_rules! same_outcome {
    ($value:ident, $kind:ident) => {
        type Success = $kind::Success;

        #[inline(always)]
        fn success<'a>(&self, value: &'a $value) -> Option<&'a $kind::Success> {
            self.kind.success(value)
        }

        #[inline(always)]
        fn failed(&self, value: &$value) -> bool {
            self.kind.failed(value)
        }

        fn error(&self, value: &$value, recorded: bool) -> SpanError {
            self.kind.error(value, recorded)
        }
    };
}
pub(super) use same_outcome;

/// Looks at values of the type `T`. Kinds hold no data, at most a user's closure.
#[diagnostic::on_unimplemented(
    message = "the arguments do not fit the returned type `{T}`",
    label = "`err(Debug)` and `err(Display)` need a function that returns a `Result`"
)]
pub trait Kind<T>: Abandon {
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
}

/// An error of which no more is known.
#[cold]
pub(super) fn other_error() -> SpanError {
    // OpenTelemetry's fallback (semantic conventions, `error.type`).
    SpanError::new(crate::semconv::OTHER, None)
}

/// A type that is no `Result`.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Plain {
    /// The end of the chain that a `Result` goes on.
    #[inline(always)]
    pub fn __obs_how(&self) -> Self {
        Self
    }

    /// As `__obs_how`.
    #[inline(always)]
    pub fn __obs_by_display(&self) -> Self {
        Self
    }

    /// As `__obs_how`.
    #[inline(always)]
    pub fn __obs_by_debug(&self) -> Self {
        Self
    }

    /// No error.
    #[inline(always)]
    pub fn __obs_error(&self) -> TextProbe<Infallible> {
        TextProbe::new()
    }
}

impl Abandon for Plain {}

impl<T> Kind<T> for Plain {
    type Success = T;

    #[inline(always)]
    fn success<'a>(&self, value: &'a T) -> Option<&'a T> {
        Some(value)
    }

    fn error(&self, _: &T, _: bool) -> SpanError {
        other_error()
    }
}

/// A `Result`; `X` is how its error becomes text.
pub struct Fallible<X>(pub(super) PhantomData<fn(X)>);

impl<X> fmt::Debug for Fallible<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fallible")
    }
}

impl<X> Abandon for Fallible<X> {}

impl<T, E, X: Text<E>> Kind<Result<T, E>> for Fallible<X> {
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
        let message = match value {
            Err(error) if recorded => X::text(error),
            _ => None,
        };
        SpanError::new(type_name::<E>(), message)
    }
}

/// How a value becomes text.
pub trait Text<E> {
    /// The redacted text, if there is one.
    fn text(value: &E) -> Option<String>;
}

/// Through `Display`.
#[derive(Debug)]
pub struct ByDisplay;

/// Through `Debug`.
#[derive(Debug)]
pub struct ByDebug;

/// Not at all.
#[derive(Debug)]
pub struct Untold;

impl<E: Display> Text<E> for ByDisplay {
    fn text(error: &E) -> Option<String> {
        Some(redacted(format_args!("{error}")))
    }
}

impl<E: Debug> Text<E> for ByDebug {
    fn text(error: &E) -> Option<String> {
        Some(redacted(format_args!("{error:?}")))
    }
}

impl<E> Text<E> for Untold {
    fn text(_: &E) -> Option<String> {
        None
    }
}

/// Formats and redacts. A formatter of the user that panics must not take the call down.
pub(super) fn redacted(text: fmt::Arguments<'_>) -> String {
    let write = || {
        let mut buffer = String::new();
        // A formatter that returns an error leaves what it wrote.
        let _ = buffer.write_fmt(text);
        buffer
    };
    match std::panic::catch_unwind(core::panic::AssertUnwindSafe(write)) {
        Ok(text) => match redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(redacted) => redacted,
        },
        Err(_) => "<panicked while formatting>".to_owned(),
    }
}
