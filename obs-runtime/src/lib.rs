#![cfg_attr(all(feature = "console", feature = "otlp"), doc = include_str!("../README.md"))]
//!
//! # Where to begin
//!
//! [`traced`] annotates a function; [`Observability`] switches recording on; [`current`] says more about the span that
//! is entered; [`Instrument`] carries it to a task, [`SpanContext`] to a thread, [`propagation`] to another process;
//! [`testing`] (feature `testing`) shows tests what was recorded.

// Generated code names this crate by its name: unit tests may annotate functions too.
#[cfg(test)]
#[allow(unused_extern_crates)]
extern crate self as obs_runtime;

#[cfg(feature = "alert")]
pub mod alert;
mod backoff;
mod callsite;
mod clock;
mod error;
mod exporter;
mod fork;
#[cfg(feature = "http")]
pub mod http;
mod init;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "llm")]
pub mod llm;
mod logs;
pub mod metrics;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
mod percent;
#[cfg(feature = "pipeline")]
pub mod pipeline;
#[doc(hidden)]
pub mod private;
mod processor;
mod redact;
mod registry;
#[cfg(any(feature = "reqwest", feature = "tower"))]
mod requests;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(any(feature = "alert", feature = "console"))]
mod rfc3339;
mod scope;
mod self_log;
mod self_obs;
pub mod semconv;
mod sources;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;
pub mod trace;
#[cfg(feature = "tracing")]
pub mod tracing;
mod vars;

pub use callsite::{Callsite, ConstValue, Construct, Level, SpanKind};
pub use error::Error;
#[cfg(feature = "console")]
pub use exporter::console::trace_tree;
pub use exporter::delta::Temporality;
#[cfg(feature = "json")]
pub use exporter::json_lines::JsonLines;
#[cfg(feature = "otlp")]
pub use exporter::otlp;
pub use exporter::prometheus;
#[cfg(feature = "statsd")]
pub use exporter::statsd;
pub use exporter::{ExportSchedule, MetricBatch, MetricExporter, RecordExporter};
pub use init::{Builder, Handle, Health, LogStats, Observability, SpanStats, Stats};
#[cfg(feature = "llm")]
pub use llm::{LlmCall, VectorOp, record_llm_call, record_vector_operation};
pub use logs::LogRecord;
pub use metrics::{Label, MetricsCollector};
pub use registry::callsites;
// Without its feature a macro says which one to enable.
pub use obs_macros::{
    Label, counter, gauge, histogram, llm_call, main, on_cancel, on_complete, on_failure,
    pipeline_task, span, traced, vector_op,
};
#[cfg(feature = "pipeline")]
pub use pipeline::{
    Input, Pipeline, Resource, RunResult, RunState, TaskContext, TaskResult, TaskState,
};
pub use processor::TailSampling;
pub use self_obs::{DropReason, ExporterStats};
pub use trace::propagation::{self, Baggage, IntoParent, RemoteContext};
pub use trace::{
    Attached, AttributeValue, Capture, Entered, Event, Instrument, Link, Outcome, Sampler, Span,
    SpanContext, SpanError, SpanId, SpanLimits, SpanMatch, SpanRecord, TraceFlags, TraceId,
    ValueRef, current,
};

use init::selection::Selectable;

/// The exporters and domains of an `Observability`, in the order of their start.
const COMPONENTS: &[init::component::Take] = &[
    init::component::of::<sources::Sources>,
    init::component::of::<exporter::builder::Exporters>,
    #[cfg(feature = "opentelemetry")]
    init::component::of::<opentelemetry::builder::OpenTelemetry>,
    #[cfg(feature = "console")]
    init::component::of::<exporter::console::builder::Console>,
    #[cfg(feature = "otlp")]
    init::component::of::<exporter::otlp::builder::Otlp>,
    #[cfg(feature = "statsd")]
    init::component::of::<exporter::statsd::builder::Statsd>,
    #[cfg(feature = "http")]
    init::component::of::<http::builder::Prometheus>,
    #[cfg(feature = "alert")]
    init::component::of::<alert::builder::Alerting>,
    #[cfg(feature = "llm")]
    init::component::of::<llm::Prices>,
];

/// The exporters that the environment can select, built in or not.
const SELECTABLE: &[Selectable] = &[
    Selectable::new("otlp", "otlp", cfg!(feature = "otlp")).variable("OTEL_EXPORTER_OTLP_ENDPOINT"),
    Selectable::new("prometheus", "http", cfg!(feature = "http")).metrics_only(),
    Selectable::new("console", "console", cfg!(feature = "console")),
];

/// Pages beside the reference.
#[cfg(all(doctest, feature = "record"))]
mod pages {
    #[doc = include_str!("../../docs/libraries.md")]
    struct Libraries;
    #[doc = include_str!("../../docs/migrating.md")]
    struct Migrating;
}

/// The examples of the macros' pages: their own crate cannot run them.
#[cfg(all(doctest, feature = "llm", feature = "tokio"))]
mod macro_pages {
    #[doc = include_str!("../../obs-macros/src/docs/traced.md")]
    struct Traced;
    #[doc = include_str!("../../obs-macros/src/docs/llm_call.md")]
    struct LlmCall;
    #[doc = include_str!("../../obs-macros/src/docs/vector_op.md")]
    struct VectorOp;
    #[doc = include_str!("../../obs-macros/src/docs/label.md")]
    struct Label;
    #[doc = include_str!("../../obs-macros/src/docs/metric.md")]
    struct Metric;
    #[doc = include_str!("../../obs-macros/src/docs/main.md")]
    struct Main;
    #[doc = include_str!("../../obs-macros/src/docs/span.md")]
    struct Span;
    #[cfg(feature = "pipeline")]
    #[doc = include_str!("../../obs-macros/src/docs/pipeline_task.md")]
    struct PipelineTask;
    #[cfg(feature = "pipeline")]
    #[doc = include_str!("../../obs-macros/src/docs/handlers.md")]
    struct Handlers;
}
