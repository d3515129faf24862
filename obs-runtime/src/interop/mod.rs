//! Bridges to the crates that a program already uses: each in a module of the crate's name.
//!
//! They stand below one module so that `use obs_runtime::*` brings no `tracing` or `tower` of obs into
//! a scope where these words mean the crates. Which combinations work how is in `docs/interop.md`.

#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(any(feature = "opentelemetry", feature = "tracing"))]
mod sites;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tracing")]
pub mod tracing;
