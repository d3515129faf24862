#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(all(feature = "console", feature = "otlp"), doc = include_str!("../README.md"))]
//!
//! # Where to begin
//!
//! [`traced`] annotates a function; [`Observability`] switches recording on; [`current`] says more
//! about the span that is entered; [`Instrument`] carries the span to a task, [`SpanContext`] to a
//! thread, [`propagation`] to another process; `testing` (feature `testing`) shows tests what was
//! recorded. [`prelude`] has what most programs name.
//!
//! What is not at the root has one path: [`metrics`], `pipeline`, `steps`, `llm`, `cache` and `alert` are the domains,
//! [`exporter`] is where data goes, `server` serves `/metrics`, [`interop`] holds the bridges to
//! other crates, [`trace`] what spans are made of, [`stats`] the account of what was recorded and
//! lost, [`registry`] what is annotated, and [`semconv`] every name that obs emits.

// Generated code names this crate by its name: unit tests may annotate functions too.
#[cfg(test)]
#[allow(unused_extern_crates)]
extern crate self as obs_runtime;

#[cfg(feature = "alert")]
pub mod alert;
mod backoff;
#[cfg(feature = "cache")]
pub mod cache;
mod callsite;
mod causes;
mod clock;
mod error;
pub mod exporter;
pub mod field;
mod fork;
mod guarded;
mod init;
mod inside;
pub mod interop;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "llm")]
pub mod llm;
mod lock;
pub mod logs;
mod macros;
mod memory;
pub mod metrics;
mod missing;
mod panics;
mod percent;
#[cfg(feature = "pipeline")]
pub mod pipeline;
pub mod prelude;
mod printable;
#[doc(hidden)]
pub mod private;
mod processor;
mod redact;
pub mod registry;
#[cfg(any(feature = "reqwest", feature = "tower"))]
mod requests;
#[cfg(any(feature = "pipeline", feature = "steps"))]
mod retry;
#[cfg(any(
    feature = "otlp",
    feature = "alert",
    feature = "genai",
    feature = "rig",
    all(feature = "llm", feature = "reqwest")
))]
mod retry_after;
mod rfc3339;
#[cfg(any(feature = "pipeline", feature = "steps"))]
mod run_id;
mod scope;
mod self_log;
mod self_obs;
pub mod semconv;
#[cfg(feature = "serde")]
mod serialize;
#[cfg(feature = "prometheus")]
pub mod server;
mod shown_url;
mod sources;
#[cfg(feature = "steps")]
pub mod steps;
#[cfg(any(feature = "console", feature = "pipeline"))]
mod terminal;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(feature = "llm")]
mod timer;
pub mod trace;
#[cfg(feature = "console")]
mod type_names;
mod uuid;
mod vars;
mod words;

pub use callsite::{Level, SpanKind};
pub use error::Error;
#[doc(inline)]
pub use init::stats;
pub use init::{Builder, Handle, Observability};
pub use metrics::Label;
// Without its feature a macro says which one to enable.
pub use obs_macros::{
    Label, agent, llm_call, main, on_cancel, on_complete, on_failure, on_late, pipeline_task,
    tool_call, traced, vector_op, workflow,
};
pub use processor::TailSampling;
pub use trace::attribute::AttributeValue;
pub use trace::context::SpanContext;
pub use trace::instrument::Instrument;
pub use trace::sampler::Sampler;
pub use trace::span::Span;
pub use trace::value::Capture;
#[doc(inline)]
pub use trace::{current, propagation};

use init::selection::Selectable;

/// The exporters and domains of an `Observability`, in the order of their start.
const COMPONENTS: &[init::component::Take] = &[
    init::component::of::<sources::Sources>,
    init::component::of::<exporter::builder::Exporters>,
    #[cfg(feature = "opentelemetry")]
    init::component::of::<interop::opentelemetry::builder::OpenTelemetry>,
    #[cfg(feature = "console")]
    init::component::of::<exporter::console::builder::Console>,
    #[cfg(feature = "otlp")]
    init::component::of::<exporter::otlp::builder::Otlp>,
    #[cfg(feature = "statsd")]
    init::component::of::<exporter::statsd::builder::Statsd>,
    #[cfg(feature = "prometheus")]
    init::component::of::<server::builder::Prometheus>,
    #[cfg(feature = "alert")]
    init::component::of::<alert::builder::Alerting>,
    #[cfg(feature = "llm")]
    init::component::of::<llm::PriceTable>,
    #[cfg(feature = "pipeline")]
    init::component::of::<pipeline::registry::Registered>,
];

/// The exporters that the environment can select, built in or not.
const SELECTABLE: &[Selectable] = &[
    Selectable::new("otlp", "otlp", cfg!(feature = "otlp")).variable("OTEL_EXPORTER_OTLP_ENDPOINT"),
    Selectable::new("prometheus", "prometheus", cfg!(feature = "prometheus")).metrics_only(),
    Selectable::new("console", "console", cfg!(feature = "console")),
];

/// Pages beside the reference.
#[cfg(all(doctest, feature = "record"))]
mod pages {
    #[doc = include_str!("../../docs/libraries.md")]
    struct Libraries;
    #[cfg(feature = "tracing")]
    #[doc = include_str!("../../docs/migrating.md")]
    struct Migrating;
    #[cfg(feature = "otlp")]
    #[doc = include_str!("../../docs/configuration.md")]
    struct Configuration;
    #[cfg(all(feature = "console", feature = "otlp"))]
    #[doc = include_str!("../../docs/errors.md")]
    struct Errors;
    #[cfg(feature = "tracing")]
    #[doc = include_str!("../../docs/testing.md")]
    struct Testing;
    #[cfg(feature = "tracing")]
    #[doc = include_str!("../../docs/logs.md")]
    struct Logs;
    #[cfg(all(feature = "console", feature = "llm"))]
    #[doc = include_str!("../../docs/model-calls.md")]
    struct ModelCalls;
    #[cfg(all(feature = "console", feature = "llm"))]
    #[doc = include_str!("../../docs/agents.md")]
    struct Agents;
    #[cfg(all(feature = "async-openai", feature = "genai", feature = "rig"))]
    #[doc = include_str!("../../docs/clients.md")]
    struct Clients;
    #[cfg(all(feature = "console", feature = "pipeline"))]
    #[doc = include_str!("../../docs/pipelines.md")]
    struct Pipelines;
    #[cfg(all(feature = "cache", feature = "console", feature = "steps"))]
    #[doc = include_str!("../../docs/steps.md")]
    struct Steps;
    #[cfg(all(feature = "alert", feature = "pipeline"))]
    #[doc = include_str!("../../docs/alerts.md")]
    struct Alerts;
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
    #[doc = include_str!("../../obs-macros/src/docs/agent.md")]
    struct Agent;
    #[doc = include_str!("../../obs-macros/src/docs/tool_call.md")]
    struct ToolCall;
    #[doc = include_str!("../../obs-macros/src/docs/label.md")]
    struct Label;
    #[doc = include_str!("../../obs-macros/src/docs/main.md")]
    struct Main;
    #[cfg(feature = "pipeline")]
    #[doc = include_str!("../../obs-macros/src/docs/pipeline_task.md")]
    struct PipelineTask;
    #[cfg(feature = "pipeline")]
    #[doc = include_str!("../../obs-macros/src/docs/handlers.md")]
    struct Handlers;
}
