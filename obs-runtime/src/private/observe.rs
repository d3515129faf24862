//! Arguments that look at the returned value: `err = false`, `err(level = …)`, `ret`, `ok_if` and
//! `error_if`. Each wraps a kind in another.

use core::fmt;
use core::marker::PhantomData;

use super::as_text::How;
use super::kind::{Abandon, Kind, Text, forward, other_error, same_outcome};
use super::probe::Probe;
use crate::callsite::Level;
use crate::semconv::attribute;
use crate::trace::{Outcome, SpanError, current};

/// `err = false`
#[derive(Debug)]
pub struct NoErrors<K> {
    kind: K,
}

/// `err = false`
#[inline(always)]
pub fn no_errors<K>(kind: K) -> NoErrors<K> {
    NoErrors { kind }
}

forward! {
    NoErrors;
    abandon {}
    kind {
        fn error(&self, _: &T, _: bool) -> SpanError {
            other_error()
        }
    }
}

/// `err(level = …)`
#[derive(Debug)]
pub struct ErrLevel<K> {
    kind: K,
    level: Level,
}

/// `err(level = …)`
#[inline(always)]
pub fn err_level<K>(kind: K, level: Level) -> ErrLevel<K> {
    ErrLevel { kind, level }
}

forward! {
    ErrLevel;
    abandon {}
    kind {
        #[inline(always)]
        fn failed(&self, value: &T) -> bool {
            self.kind.failed(value)
        }

        #[cold]
        fn error(&self, value: &T, recorded: bool) -> SpanError {
            let mut error = self.kind.error(value, recorded);
            error.level = Some(self.level);
            error
        }
    }
}

macro_rules! judged {
    ($($name:ident, $wrapper:ident, $doc:literal, |$told:ident, $error:ident| $failed:expr;)*) => {
        $(
            #[doc = $doc]
            #[derive(Debug)]
            pub struct $wrapper<K, C> {
                kind: K,
                judge: C,
            }

            #[doc = $doc]
            #[inline(always)]
            pub fn $name<T, K: Kind<T>, C: Fn(&T) -> bool>(
                kind: K,
                _: Probe<T>,
                judge: C,
            ) -> $wrapper<K, C> {
                $wrapper { kind, judge }
            }

            impl<K: Abandon, C> Abandon for $wrapper<K, C> {
                const OBSERVES: bool = K::OBSERVES;

                #[inline(always)]
                fn abandon(&self) {
                    self.kind.abandon();
                }
            }

            impl<T, K: Kind<T>, C: Fn(&T) -> bool> Kind<T> for $wrapper<K, C> {
                type Success = K::Success;

                #[inline(always)]
                fn success<'a>(&self, value: &'a T) -> Option<&'a K::Success> {
                    self.kind.success(value)
                }

                #[inline(always)]
                fn failed(&self, value: &T) -> bool {
                    let ($told, $error) = ((self.judge)(value), self.kind.failed(value));
                    let _ = $error;
                    $failed
                }

                fn error(&self, value: &T, recorded: bool) -> SpanError {
                    if self.kind.failed(value) {
                        self.kind.error(value, recorded)
                    } else {
                        other_error()
                    }
                }

                #[inline(always)]
                fn observe(&self, value: &T, recorded: bool) {
                    self.kind.observe(value, recorded);
                }
            }
        )*
    };
}

judged! {
    ok_if, OkIf, "`ok_if = |ret| …`: the closure alone decides, true is ok.", |told, error| !told;
    error_if, ErrorIf, "`error_if = |ret| …`: the closure alone decides, true is an error.", |told, error| told;
    expected, Expected, "`err(expected = pattern)`: an error that the closure knows is none.", |told, error| error && !told;
}

/// `ret`: the `Ok` value, or the whole one if there is no error; `X` is how it becomes text.
pub struct OnReturn<K, X> {
    kind: K,
    text: PhantomData<fn(X)>,
}

impl<K, X> fmt::Debug for OnReturn<K, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnReturn")
    }
}

/// `ret`, by the text that the value has.
#[inline(always)]
pub fn on_return<K, X>(kind: K, _: How<X>) -> OnReturn<K, X> {
    let text = PhantomData;
    OnReturn { kind, text }
}

impl<K: Abandon, X> Abandon for OnReturn<K, X> {
    const OBSERVES: bool = true;

    #[inline(always)]
    fn abandon(&self) {
        self.kind.abandon();
    }
}

impl<T, K: Kind<T>, X: Text<K::Success>> Kind<T> for OnReturn<K, X> {
    same_outcome!(T, K);

    #[inline]
    fn observe(&self, value: &T, recorded: bool) {
        self.kind.observe(value, recorded);
        if recorded && let Some(text) = self.kind.success(value).and_then(X::text) {
            current::set_attribute(attribute::RETURN, text);
        }
    }
}
