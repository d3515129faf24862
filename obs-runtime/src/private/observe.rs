//! Arguments that look at the returned value: `err = false`, `err(level = …)`, `err(expected = …)`, `ret`, `ok_if` and
//! `error_if`. Each is a layer on the judge of the value.

use core::marker::PhantomData;

use super::as_text::How;
use super::judge::{Hooks, Judge, Layer, Layered, Text, layered, other_error};
use super::probe::Probe;
use crate::callsite::{Level, threshold};
use crate::semconv::attribute;
use crate::trace::{SpanError, current, gate};

/// `err = false`
pub struct NoErrors;

#[inline(always)]
pub fn no_errors<K>(inner: K) -> Layered<K, NoErrors> {
    layered(inner, NoErrors)
}

impl Hooks for NoErrors {}

impl<T, K: Judge<T>> Layer<T, K> for NoErrors {
    #[inline(always)]
    fn failed(&self, _: &K, _: &T) -> bool {
        false
    }

    fn error(&self, _: &K, _: &T, _: bool) -> SpanError {
        other_error()
    }
}

/// `err(level = …)`
pub struct ErrLevel(Level);

#[inline(always)]
pub fn err_level<K>(inner: K, level: Level) -> Layered<K, ErrLevel> {
    layered(inner, ErrLevel(level))
}

impl Hooks for ErrLevel {}

impl<T, K: Judge<T>> Layer<T, K> for ErrLevel {
    #[cold]
    fn error(&self, inner: &K, value: &T, recorded: bool) -> SpanError {
        let mut error = inner.error(value, recorded);
        error.level = Some(self.0);
        error
    }
}

/// Layers that decide by a closure of the user's.
macro_rules! deciding {
    ($($name:ident, $layer:ident, $doc:literal, |$told:ident, $error:ident| $failed:expr;)*) => {
        $(
            #[doc = $doc]
            pub struct $layer<C>(C);

            #[doc = $doc]
            #[inline(always)]
            pub fn $name<T, K: Judge<T>, C: Fn(&T) -> bool>(
                inner: K,
                _: Probe<T>,
                closure: C,
            ) -> Layered<K, $layer<C>> {
                layered(inner, $layer(closure))
            }

            impl<C> Hooks for $layer<C> {}

            impl<T, K: Judge<T>, C: Fn(&T) -> bool> Layer<T, K> for $layer<C> {
                #[inline(always)]
                fn failed(&self, inner: &K, value: &T) -> bool {
                    let ($told, $error) = ((self.0)(value), inner.failed(value));
                    let _ = $error;
                    $failed
                }

                fn error(&self, inner: &K, value: &T, recorded: bool) -> SpanError {
                    if inner.failed(value) {
                        inner.error(value, recorded)
                    } else {
                        other_error()
                    }
                }
            }
        )*
    };
}

deciding! {
    ok_if, OkIf, "`ok_if = |ret| …`: the closure alone decides, true is ok.", |told, error| !told;
    error_if, ErrorIf, "`error_if = |ret| …`: the closure alone decides, true is an error.", |told, error| told;
    expected, Expected, "`err(expected = pattern)`: an error that the closure knows is none.", |told, error| error && !told;
}

/// `ret`: the `Ok` value, or the whole one if there is no error; `X` is how it becomes text.
pub struct OnReturn<X>(PhantomData<fn(X)>);

#[inline(always)]
pub fn on_return<K, X>(inner: K, _: How<X>) -> Layered<K, OnReturn<X>> {
    layered(inner, OnReturn(PhantomData))
}

impl<X> Hooks for OnReturn<X> {
    const OBSERVES: bool = true;
}

impl<T, K: Judge<T>, X: Text<K::Success>> Layer<T, K> for OnReturn<X> {
    #[inline]
    fn observe(&self, inner: &K, value: &T, recorded: bool) {
        let said = |value| X::text(value).into_text();
        if recorded && let Some(text) = inner.success(value).and_then(said) {
            current::set_attribute(attribute::RETURN, text);
        }
    }
}

/// `ret(level = …)`: as `ret`, where the level is on.
pub struct OnReturnAt<X>(OnReturn<X>, Level);

#[inline(always)]
pub fn on_return_at<K, X>(inner: K, _: How<X>, level: Level) -> Layered<K, OnReturnAt<X>> {
    layered(inner, OnReturnAt(OnReturn(PhantomData), level))
}

impl<X> Hooks for OnReturnAt<X> {
    const OBSERVES: bool = true;
}

impl<T, K: Judge<T>, X: Text<K::Success>> Layer<T, K> for OnReturnAt<X> {
    #[inline]
    fn observe(&self, inner: &K, value: &T, recorded: bool) {
        let Self(layer, level) = self;
        layer.observe(inner, value, recorded && threshold(*level) <= gate::level());
    }
}
