//! Whether a value can become text as `err(…)` and `ret(…)` ask. Where it cannot, a check says so at the argument, and
//! the kind is one that needs nothing: so there is one error.

use core::fmt::{self, Debug, Display};
use core::marker::PhantomData;
use core::ops::Deref;

use super::kind::{ByDebug, ByDisplay, Kind, Untold};
use super::probe::{Probe, ResultProbe};

/// Stands for the type `T` of a value that is to become text.
pub struct TextProbe<T>(AnyText<T>);

/// The last tier: any type.
pub struct AnyText<T>(PhantomData<fn(T)>);

/// How a value becomes text.
pub struct How<X>(PhantomData<fn(X)>);

macro_rules! debug {
    ($($name:ident),*) => {
        $(impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })*
    };
}

debug!(TextProbe, AnyText, How);

impl<T> TextProbe<T> {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self(AnyText(PhantomData))
    }
}

impl<T> Deref for TextProbe<T> {
    type Target = AnyText<T>;

    #[inline(always)]
    fn deref(&self) -> &AnyText<T> {
        &self.0
    }
}

impl<T: Display> TextProbe<T> {
    /// `Display`
    #[inline(always)]
    pub fn __obs_by_display(&self) -> How<ByDisplay> {
        How(PhantomData)
    }
}

impl<T: Debug> TextProbe<T> {
    /// `Debug`
    #[inline(always)]
    pub fn __obs_by_debug(&self) -> How<ByDebug> {
        How(PhantomData)
    }
}

impl<T> AnyText<T> {
    /// Refused by [`check_display`].
    #[inline(always)]
    pub fn __obs_by_display(&self) -> How<Untold> {
        How(PhantomData)
    }

    /// Refused by [`check_debug`].
    #[inline(always)]
    pub fn __obs_by_debug(&self) -> How<Untold> {
        How(PhantomData)
    }
}

/// A probe of the `Ok` value.
#[inline(always)]
pub fn probe_success<T, K: Kind<T>>(_: &K, _: Probe<T>) -> TextProbe<K::Success> {
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
