//! Arguments that look at the returned value: `err = false`, `ret`, `ok_if` and
//! `error_if`. Each wraps a kind in another.

use core::fmt::{Debug, Display};

use super::kind::{Abandon, Kind, other_error, redacted};
use super::probe::Probe;
use crate::trace::{SpanError, current};

/// `err = false`
#[derive(Debug)]
pub struct NoErrors<K>(K);

/// `err = false`
#[inline(always)]
pub fn no_errors<K>(kind: K) -> NoErrors<K> {
    NoErrors(kind)
}

impl<K: Abandon> Abandon for NoErrors<K> {
    const OBSERVES: bool = K::OBSERVES;

    #[inline(always)]
    fn abandon(&self) {
        self.0.abandon();
    }
}

impl<T, K: Kind<T>> Kind<T> for NoErrors<K> {
    type Success = K::Success;

    #[inline(always)]
    fn success<'a>(&self, value: &'a T) -> Option<&'a K::Success> {
        self.0.success(value)
    }

    fn error(&self, _: &T, _: bool) -> SpanError {
        other_error()
    }

    #[inline(always)]
    fn observe(&self, value: &T, recorded: bool) {
        self.0.observe(value, recorded);
    }
}

macro_rules! judged {
    ($($name:ident, $wrapper:ident, $doc:literal, |$told:ident| $failed:expr;)*) => {
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
                    let $told = (self.judge)(value);
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
    ok_if, OkIf, "`ok_if = |ret| …`: the closure alone decides, true is ok.", |told| !told;
    error_if, ErrorIf, "`error_if = |ret| …`: the closure alone decides, true is an error.", |told| told;
}

/// `ret`
#[derive(Debug)]
pub struct OnReturn<K, R> {
    kind: K,
    record: R,
}

/// `ret`: the `Ok` value, or the whole one if there is no error.
#[inline(always)]
pub fn on_return<T, K: Kind<T>, R: Fn(&K::Success)>(
    kind: K,
    _: Probe<T>,
    record: R,
) -> OnReturn<K, R> {
    OnReturn { kind, record }
}

impl<K: Abandon, R> Abandon for OnReturn<K, R> {
    const OBSERVES: bool = true;

    #[inline(always)]
    fn abandon(&self) {
        self.kind.abandon();
    }
}

impl<T, K: Kind<T>, R: Fn(&K::Success)> Kind<T> for OnReturn<K, R> {
    type Success = K::Success;

    #[inline(always)]
    fn success<'a>(&self, value: &'a T) -> Option<&'a K::Success> {
        self.kind.success(value)
    }

    #[inline(always)]
    fn failed(&self, value: &T) -> bool {
        self.kind.failed(value)
    }

    fn error(&self, value: &T, recorded: bool) -> SpanError {
        self.kind.error(value, recorded)
    }

    #[inline]
    fn observe(&self, value: &T, recorded: bool) {
        self.kind.observe(value, recorded);
        if recorded && let Some(value) = self.kind.success(value) {
            (self.record)(value);
        }
    }
}

/// `ret`, `ret(Debug)`
pub fn record_return_debug<T: Debug>(value: &T) {
    current::set_attribute(
        crate::semconv::attribute::RETURN,
        redacted(format_args!("{value:?}")),
    );
}

/// `ret(Display)`
pub fn record_return_display<T: Display>(value: &T) {
    current::set_attribute(
        crate::semconv::attribute::RETURN,
        redacted(format_args!("{value}")),
    );
}
