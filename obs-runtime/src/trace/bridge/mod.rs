//! Spans that others make, in the same trace as ours.

#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
