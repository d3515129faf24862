//! `Observability`: switching obs on, asking it how it is, and switching it off.

mod account;
mod builder;
mod env;
mod exit;
mod handle;
mod lifecycle;
mod limits;
mod observability;
#[cfg(feature = "http")]
mod prometheus;
mod resource;
mod sources;
mod start;
mod stats;

pub use builder::Builder;
pub use env::prometheus_port_from_env;
pub use handle::Handle;
pub use observability::Observability;
pub use stats::{Health, LogStats, SpanStats, Stats};
