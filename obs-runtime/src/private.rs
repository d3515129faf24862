//! What generated code names. No stable interface: the macros are pinned to this version.

pub use crate::callsite::{Callsite, CallsiteSpec, Registered};
pub use crate::trace::{Capture, FutureSpan, Outcome, SpanError, SyncSpan, Value, future_fields};
pub use inventory;
