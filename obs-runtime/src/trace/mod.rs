//! Spans: their identity, the record of each call, and the buffers between threads and the drain.

pub(crate) mod active;
pub(crate) mod attribute;
#[cfg(feature = "opentelemetry")]
pub(crate) mod bridge;
pub(crate) mod buffer;
pub(crate) mod calls;
pub(crate) mod context;
pub mod current;
pub(crate) mod gate;
pub(crate) mod ids;
pub(crate) mod limits;
pub(crate) mod local;
pub mod propagation;
pub(crate) mod record;
pub(crate) mod sampler;
pub(crate) mod span;
#[cfg(feature = "tracing")]
pub(crate) mod stack;
pub(crate) mod timeline;
pub(crate) mod value;
pub(crate) mod view;

pub use active::{FutureSpan, SyncSpan, future_fields};
pub use attribute::{AttributeValue, Event, Link, SpanError, ValueRef};
pub use context::{SpanContext, TraceFlags};
pub use ids::{ParseIdError, SpanId, TraceId};
pub use limits::SpanLimits;
pub use sampler::{Sampler, SpanMatch};
pub use span::{Attached, Entered, InContext, Instrument, Instrumented, Span};
pub use value::{Capture, Value};
pub(crate) use view::SpanView;
pub use view::{Outcome, SpanRecord};
