//! `args`: parameters as `#[tracing::instrument]` records them, primitives as values and anything else by its `Debug`.

use core::fmt::Debug;
use core::marker::PhantomData;
use core::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize, Wrapping,
};

use crate::redact::{MASK, is_secret_key};
use crate::trace::{Capture, Value};

/// A parameter.
pub struct ArgumentProbe<'a, T: ?Sized>(DebugArgument<'a, T>);

/// The tier of what has a `Debug`.
pub struct DebugArgument<'a, T: ?Sized>(AnyArgument<'a, T>);

/// The last tier: any type.
pub struct AnyArgument<'a, T: ?Sized>(&'a T);

/// A probe of a parameter.
#[inline]
pub const fn argument<T: ?Sized>(value: &T) -> ArgumentProbe<'_, T> {
    ArgumentProbe(DebugArgument(AnyArgument(value)))
}

/// What `args` can record.
pub struct HasDebug;

/// What `args` cannot record; generated code refuses it by the parameter's name.
pub struct NoDebug<T: ?Sized>(PhantomData<T>);

impl<T: Primitive + ?Sized> ArgumentProbe<'_, T> {
    pub fn __obs_value(&self, name: &str) -> Value {
        unless_secret(name, || self.0.0.0.capture())
    }
}

impl<T: Debug + ?Sized> DebugArgument<'_, T> {
    pub const fn __obs_kind(&self) -> HasDebug {
        HasDebug
    }

    pub fn __obs_value(&self, name: &str) -> Value {
        unless_secret(name, || Value::format(format_args!("{:?}", self.0.0)))
    }
}

impl<T: ?Sized> AnyArgument<'_, T> {
    pub const fn __obs_kind(&self) -> NoDebug<T> {
        NoDebug(PhantomData)
    }

    pub const fn __obs_value(&self, _: &str) -> Value {
        Value::NONE
    }
}

/// What is recorded under the name of a secret says only that it was there; its text is not even made.
fn unless_secret(name: &str, value: impl FnOnce() -> Value) -> Value {
    if is_secret_key(name) {
        Value::from_static(MASK)
    } else {
        value()
    }
}

/// What `tracing` records as a value, where it sees the type's name.
pub trait Primitive: Capture {}

macro_rules! primitives {
    ($($t:ty),* $(,)?) => {
        $(impl Primitive for $t {})*
    };
}

primitives! {
    bool, str, String, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64,
    NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize,
}

impl<T: Primitive> Primitive for Wrapping<T> {}
impl<T: Primitive + ?Sized> Primitive for &T {}
impl<T: Primitive + ?Sized> Primitive for &mut T {}

impl<'a, T: ?Sized> core::ops::Deref for ArgumentProbe<'a, T> {
    type Target = DebugArgument<'a, T>;

    fn deref(&self) -> &DebugArgument<'a, T> {
        &self.0
    }
}

impl<'a, T: ?Sized> core::ops::Deref for DebugArgument<'a, T> {
    type Target = AnyArgument<'a, T>;

    fn deref(&self) -> &AnyArgument<'a, T> {
        &self.0
    }
}
