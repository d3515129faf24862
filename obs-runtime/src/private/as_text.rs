//! Whether a value can become text as `err(…)` and `ret(…)` ask. Where it cannot, a check says so at the argument, and
//! the judge is one that needs nothing: so there is one error.

use core::fmt::{Debug, Display};
use core::marker::PhantomData;

use super::judge::{ByDebug, ByDisplay, Judge, NoText};
use super::probe::{Probe, ResultProbe, answers, below};

/// Stands for the type `T` of a value that is to become text.
pub struct TextProbe<T>(AnyText<T>);

/// The last tier: any type.
pub struct AnyText<T>(PhantomData<fn(T)>);

/// How a value becomes text.
pub struct How<X>(PhantomData<fn(X)>);

below! { TextProbe<T> => AnyText }

impl<T> TextProbe<T> {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self(AnyText(PhantomData))
    }
}

answers! {
    impl[T: Display] TextProbe<T> {
        __obs_by_display -> How<ByDisplay> = How(PhantomData);
    }

    impl[T: Debug] TextProbe<T> {
        __obs_by_debug -> How<ByDebug> = How(PhantomData);
    }

    impl[T] AnyText<T> {
        /// Refused by [`check_display`].
        __obs_by_display -> How<NoText> = How(PhantomData);
        /// Refused by [`check_debug`].
        __obs_by_debug -> How<NoText> = How(PhantomData);
    }
}

/// A probe of the `Ok` value.
#[inline(always)]
pub fn probe_success<T, K: Judge<T>>(_: &K, _: Probe<T>) -> TextProbe<K::Success> {
    TextProbe::new()
}

/// Refuses what has no `Display`.
#[inline(always)]
pub fn check_display<T: Display>(_: &TextProbe<T>) {}

/// Refuses what has no `Debug`.
#[inline(always)]
pub fn check_debug<T: Debug>(_: &TextProbe<T>) {}

/// A `Result`.
#[diagnostic::on_unimplemented(
    message = "`err(Debug)` and `err(Display)` need a function that returns a `Result`",
    label = "the returned value is no `Result`"
)]
pub trait HasError {}

#[diagnostic::do_not_recommend]
impl<T, E> HasError for ResultProbe<T, E> {}

/// Refuses what is no `Result`.
#[inline(always)]
pub fn check_result<K: HasError>(_: &K) {}
