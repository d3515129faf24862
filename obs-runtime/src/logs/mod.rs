//! Log records on their way from the code that reports something to the exporters.
//!
//! obs is not a logger of its own: records come from events of `tracing` (feature `tracing`) and
//! from spans that failed. A thread puts its record into the queue of its scope (`queue.rs`); the
//! drain takes it out, masks secrets and hands it to the sinks (`processor/logs.rs`).

mod exception;
mod queue;
mod record;

pub(crate) use exception::exception;
#[cfg(feature = "tracing")]
pub(crate) use queue::of_scope;
pub(crate) use queue::{LogQueue, set};
pub use record::LogRecord;
