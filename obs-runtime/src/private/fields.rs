//! Values of `fields(…)`, and names that a call decides.

use core::fmt::{Debug, Display};

use crate::trace::{Capture, Span, Value, current};

/// `key = value`
#[inline(always)]
pub fn capture<T: Capture + ?Sized>(value: &T) -> Value {
    value.capture()
}

/// `key = %value`
#[inline]
pub fn display<T: Display + ?Sized>(value: &T) -> Value {
    Value::format(format_args!("{value}"))
}

/// `key = ?value`
#[inline]
pub fn debug<T: Debug + ?Sized>(value: &T) -> Value {
    Value::format(format_args!("{value:?}"))
}

/// `name = expression`: generated code calls it inside a span that is recorded.
pub fn set_name<T: AsRef<str> + ?Sized>(name: &T) {
    current::set_name(name.as_ref().to_owned());
}

/// The values of `span!`.
pub fn values<const N: usize>(values: [Value; N]) -> Vec<Value> {
    Vec::from(values)
}

/// `span!(expression)`
pub fn rename<T: AsRef<str> + ?Sized>(span: &Span, name: &T) {
    span.set_name(name.as_ref().to_owned());
}
