//! The place where OpenTelemetry's context and ours meet on a thread.
//!
//! It makes spans of both nest in every order. `context.rs` decides who is the parent,
//! `boundary.rs` is a span of ours as OpenTelemetry sees it; the rest of OpenTelemetry's API
//! (`opentelemetry/`) is built on this. Without the feature `opentelemetry` none of it is compiled.

pub(crate) mod boundary;
pub(crate) mod context;
pub(crate) mod convert;
pub(crate) mod data;
