//! The macros that stand where an expression is expected.
//!
//! Each hands its input to a procedural macro with `$crate` in front, so that it works by whatever
//! path a program reaches this crate, also through another crate that re-exports it.

/// Makes a span that is no function; `in_scope`, `enter` or `instrument` enter it.
#[doc = include_str!("docs/span.md")]
#[macro_export]
macro_rules! span {
    ($($input:tt)*) => { $crate::private::__span! { $crate; $($input)* } };
}

/// Finds a counter, which is a sum that only grows, for this place to add to.
#[doc = include_str!("docs/metric.md")]
#[macro_export]
macro_rules! counter {
    ($($input:tt)*) => { $crate::private::__counter! { $crate; $($input)* } };
}

/// Finds a gauge, which is a value that goes up and down, for this place to set.
#[doc = include_str!("docs/metric.md")]
#[macro_export]
macro_rules! gauge {
    ($($input:tt)*) => { $crate::private::__gauge! { $crate; $($input)* } };
}

/// Finds a histogram, which is a distribution of values, for this place to add one to.
#[doc = include_str!("docs/metric.md")]
#[macro_export]
macro_rules! histogram {
    ($($input:tt)*) => { $crate::private::__histogram! { $crate; $($input)* } };
}
