//! `Observability`: switching obs on, asking it how it is, and switching it off.

mod account;
mod builder;
mod child;
mod env;
mod exit;
mod handle;
mod limits;
#[cfg(feature = "http")]
mod prometheus;
mod resource;
mod running;
mod scope;
mod sources;
mod start;
mod stats;
mod vars;

pub use builder::Builder;
pub use env::prometheus_port_from_env;
pub use handle::Handle;
pub use scope::Observability;
#[allow(unused_imports, reason = "used by exporters behind features")]
pub(crate) use scope::{Pusher, ScopeShared};
#[allow(
    unused_imports,
    reason = "used by the features llm, alert and pipeline"
)]
pub(crate) use scope::{current_metrics, current_scope, scope_of};
pub use stats::{Health, LogStats, SpanStats, Stats};
#[cfg(feature = "otlp")]
pub(crate) use vars::Vars;
