//! Spans: their identity, the record of each call, and the way of a record to the drain.

// A call decides in `gate` whether it does anything and in `sampler` whether it is recorded. While
// it runs it lives in `active`, and its identity is the thread's context in `local`. When it ends,
// `record` writes it to the thread's `buffer`, where the drain (`processor/drain.rs`) reads it as a
// `SpanView`. All of this except `timeline` and `view` runs on the threads of the host program:
// nothing here may block or panic, nor allocate on the usual way of a call.

pub(crate) mod active;
pub(crate) mod attribute;
#[cfg(feature = "opentelemetry")]
pub(crate) mod bridge;
pub(crate) mod buffer;
pub(crate) mod calls;
pub(crate) mod chain;
#[cfg(all(feature = "llm", any(feature = "tracing", feature = "opentelemetry")))]
pub(crate) mod client_span;
#[cfg(all(
    not(feature = "llm"),
    any(feature = "tracing", feature = "opentelemetry")
))]
#[path = "client_span_off.rs"]
pub(crate) mod client_span;
pub(crate) mod context;
#[doc(hidden)]
pub mod current;
mod entered;
pub(crate) mod frame;
pub(crate) mod gate;
pub(crate) mod heap;
pub(crate) mod ids;
pub(crate) mod instrument;
mod into_attributes;
pub(crate) mod limits;
#[cfg(feature = "tracing")]
pub(crate) mod line_fields;
pub(crate) mod local;
#[cfg(any(feature = "opentelemetry", feature = "tracing"))]
pub(crate) mod mailbox;
#[cfg(any(
    feature = "llm",
    feature = "pipeline",
    feature = "reqwest",
    feature = "steps",
    feature = "tower"
))]
#[cfg_attr(
    not(feature = "llm"),
    allow(dead_code, reason = "model calls use all of it, the others a part")
)]
pub(crate) mod measured;
#[cfg(any(
    feature = "llm",
    feature = "pipeline",
    feature = "reqwest",
    feature = "steps",
    feature = "tower"
))]
#[cfg_attr(
    not(feature = "llm"),
    allow(dead_code, reason = "model calls open places, the others may")
)]
pub(crate) mod open_call;
#[doc(hidden)]
pub mod propagation;
pub(crate) mod record;
#[cfg(feature = "tracing")]
pub(crate) mod running;
pub(crate) mod sampler;
pub(crate) mod span;
#[cfg(feature = "tracing")]
pub(crate) mod stack;
pub(crate) mod suppress;
pub(crate) mod timeline;
pub(crate) mod value;
pub(crate) mod view;

pub use attribute::{Event, Link, SpanError, ValueRef};
pub use context::TraceFlags;
pub use entered::{Entered, EnteredSpan};
pub use ids::{ParseIdError, SpanId, TraceId};
pub use instrument::Instrumented;
pub use into_attributes::IntoAttributes;
pub use limits::SpanLimits;
pub use sampler::SpanMatch;
pub use span::{Attached, InContext};
pub use suppress::Suppressed;
pub use value::Value;
pub use view::{Outcome, SpanRecord};

// What generated code names is in `private`, what a program names at once at the crate's root.
pub(crate) use active::{FutureSpan, SyncSpan};
pub(crate) use attribute::AttributeValue;
pub(crate) use context::SpanContext;
pub(crate) use sampler::Sampler;
pub(crate) use span::Span;
pub(crate) use value::Capture;
pub(crate) use view::SpanView;
