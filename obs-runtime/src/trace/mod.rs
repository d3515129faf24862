//! Spans: their identity, the record of each call, and the buffers between threads and the drain.

pub(crate) mod attribute;
pub(crate) mod context;
pub(crate) mod ids;
pub(crate) mod local;
pub(crate) mod value;
pub(crate) mod view;

pub use attribute::{AttributeValue, Event, Link, SpanError, ValueRef};
pub use context::{SpanContext, TraceFlags};
pub use ids::{ParseIdError, SpanId, TraceId};
pub use value::{Capture, Value};
pub(crate) use view::SpanView;
pub use view::{Outcome, SpanRecord};
