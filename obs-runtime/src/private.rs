//! What generated code names. No stable interface: the macros are pinned to this version.
//!
//! Generated code decides nothing. How a value is looked at is chosen here by its type, through
//! autoderef: `probe(&value).kind()` finds the first of several inherent methods whose bounds the
//! type meets. Nothing is imported into the user's scope for that, so shadowed names and blanket
//! traits of the user are harmless.

#![allow(
    clippy::needless_pass_by_value,
    clippy::return_self_not_must_use,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "nobody calls these by hand: methods on types without data steer inference"
)]

mod as_text;
mod call;
mod fields;
mod future;
mod kind;
#[cfg(any(feature = "record", test))]
mod labelled;
mod lasting;
#[cfg(feature = "tokio")]
mod main_fn;
mod metric_site;
mod observe;
pub mod off;
mod parent;
mod probe;
#[cfg(feature = "llm")]
mod running;
#[cfg(feature = "llm")]
mod running_stream;
mod source;
mod stream;

pub use as_text::{check_debug, check_display, check_result, probe_success};
pub use call::{FnRet, absurd, arg, call, call_future};
pub use fields::{add_links, capture, debug, display, rename, set_name, values};
pub use future::probe_when;
pub use kind::{Abandon, Kind, Plain};
pub use lasting::{Stopwatch, Timed, Tracked, timed, tracked};
#[cfg(feature = "tokio")]
pub use main_fn::Main;
pub use observe::{err_level, error_if, expected, no_errors, ok_if, on_return};
#[cfg(not(any(feature = "record", test)))]
pub use off::*;
#[cfg(any(feature = "record", test))]
pub use on::*;
pub use parent::{enter_parent, parent, under};
pub use probe::{probe, probe_output, probe_stream};

#[cfg(feature = "llm")]
pub use running::{IntoCount, Slot, join, llm_kind, text, vector_kind, vector_start};

#[cfg(feature = "llm")]
pub use running_stream::{llm_items_kind, llm_streaming, vector_items_kind, vector_streaming};
pub use source::{check_source, probe_items, probe_items_of};

pub use crate::callsite::{Callsite, CallsiteSpec, ConstValue, Construct, Level, SpanKind};
pub use crate::metrics::buckets::ascending;
#[cfg(feature = "llm")]
pub mod llm {
    //! What `#[llm_call]` and `#[vector_op]` name.
    pub use crate::llm::generated::*;
}
pub use crate::__obs_register as register;
pub use crate::__obs_submit as submit;
#[cfg(feature = "llm")]
pub use crate::llm::LlmResponse;
#[cfg(feature = "llm")]
pub use crate::llm::generated::{llm_begin, vector_begin};
pub use crate::metrics::{BoundCounter, BoundGauge, BoundHistogram, Label};
#[cfg(feature = "pipeline")]
pub use crate::pipeline::glue as pipeline;
pub use crate::registry::CallsiteEntry;
pub use crate::semconv::attribute as key;
pub use crate::trace::propagation::links::Links;
pub use crate::trace::{Span, Value};
/// What a submitted entry stands on.
pub use inventory;
pub use metric_site::{MetricSite, label, label_among};

/// What becomes of a text on its way to the exporters. No generated code calls it: it lets the workspace fuzz and measure
/// the redaction.
pub fn redact(text: &str) -> std::borrow::Cow<'_, str> {
    crate::trace::local::redact(text)
}

/// How many bytes the redaction has read on this thread since it was asked last.
#[cfg(fuzzing)]
pub fn redact_work() -> usize {
    crate::redact::work::take()
}

pub mod on {
    //! What makes, runs and ends a call where calls are recorded; [`off`](super::off) where they are not.
    pub use super::call::{call_future_with, call_with, finish};
    pub use super::future::{Traced, finish_future, finish_when, future};
    pub use super::labelled::LabelledSite;
    pub use super::lasting::{InFlight, InFlightSite, in_flight_site};
    pub use super::source::{TracedSource, finish_future_source, finish_source, future_source};
    pub use super::stream::{TracedStream, finish_stream};
    pub use crate::trace::{FutureSpan, SyncSpan, future_fields};
}
