//! What generated code names. No stable interface: the macros are pinned to this version.
//!
//! Generated code decides nothing; it puts these together. For a function that returns at once it is, in short:
//!
//! ```text
//! let mut guard = SyncSpan::idle();                    // trace/active
//! SyncSpan::enter(&mut guard, &SITE);                  // the span is entered
//! let value = call(move || -> T { body });             // call.rs: early exits come back as the value
//! let flow = probe(&value).__obs_when();               // probe.rs: by type, how does the call go on?
//! let judged = probe_when(&flow);                      // flow.rs: what is judged: the value, an output, items
//! let judge = judged.__obs_judge().__obs_how();        // judge.rs: a `Result`, and how its error becomes text
//! let judge = ok_if(judge, judged, |value| …);         // observe.rs, lasting.rs, measured.rs: a layer per argument
//! finish_flow(flow, site, &mut guard, (), judge, value) // flow.rs: ends the span, or goes on with it in the value
//! ```
//!
//! - A [`Judge`] says whether a value is an error. [`Hooks`], which every judge has, is the life of the call: it is
//!   polled, it observes each value, it has ended. An argument of a macro is a layer that changes either.
//! - [`probe()`] finds a type's judge and flow through autoderef: the first of several inherent methods whose bounds the
//!   type meets. Nothing is imported into the user's scope for that, so shadowed names and blanket traits of the user
//!   are harmless.
//! - A call that goes on after its function has returned is carried by [`Traced`](on::Traced) (a future),
//!   [`TracedStream`](on::TracedStream), or [`TracedFlow`](on::TracedFlow) (a future of a stream).
//! - `measured` is for calls that measure more than their span, as `#[llm_call]` does.
//! - [`on`] is what runs; [`off`] has the same names where recording is compiled out.

#![allow(
    missing_docs,
    missing_debug_implementations,
    reason = "hidden from users: what a newcomer must know stands here and in the modules' headers"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::return_self_not_must_use,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "nobody calls these by hand: methods on types without data steer inference"
)]

mod arguments;
mod as_text;
#[cfg(feature = "llm")]
mod asked;
mod call;
#[cfg(any(feature = "llm", feature = "pipeline"))]
mod count;
mod fields;
mod flow;
mod future;
mod future_flow;
mod judge;
#[cfg(any(feature = "record", test))]
mod labelled;
mod lasting;
mod links;
#[cfg(feature = "tokio")]
mod main_fn;
#[cfg(feature = "llm")]
mod measured;
mod metric_site;
mod observe;
pub mod off;
mod parent;
#[cfg(feature = "pipeline")]
pub mod pipeline;
mod probe;
#[cfg(feature = "llm")]
mod refused;
#[cfg(feature = "llm")]
mod stall;
#[cfg(feature = "llm")]
mod stop;
mod stream;

pub use arguments::{HasDebug, argument};
pub use as_text::{check_debug, check_display, check_result, probe_success};
#[cfg(feature = "llm")]
pub use asked::{
    asks_max_tokens, asks_nothing, asks_prompt, asks_prompt_version, asks_request, asks_server,
    asks_temperature, asks_tier, llm_asks,
};
pub use call::{FnRet, absurd, arg, call, call_future};
#[cfg(any(feature = "llm", feature = "pipeline"))]
pub use count::IntoCount;
pub use fields::{capture, debug, display, rename, set_name, values};
pub use flow::{check_stream, probe_items_of, probe_when};
pub use judge::{Hooks, Judge, Plain, layered};
pub use lasting::Stopwatch;
pub use links::links;
#[cfg(feature = "tokio")]
pub use main_fn::Main;
#[cfg(feature = "llm")]
pub use measured::{
    Slot, answer_of, ends, join, llm_judge, llm_token, streaming, text, text_value, vector_judge,
    vector_start,
};
pub use observe::{err_level, error_if, expected, no_errors, ok_if, on_return, on_return_at};
#[cfg(not(any(feature = "record", test)))]
pub use off::*;
#[cfg(any(feature = "record", test))]
pub use on::*;
pub use parent::{parent, under};
pub use probe::{probe, probe_output};
#[cfg(feature = "llm")]
pub use refused::{check_refused, probe_both, refusal, refused_item, refused_outer};
#[cfg(feature = "llm")]
pub use stall::llm_stall;
#[cfg(feature = "llm")]
pub use stop::{
    admit, admit_now, goes_on, model_step, on_stop, probe_type, stops, tool_step, until_stopped,
};

pub use crate::__obs_register as register;
pub use crate::__obs_submit as submit;
pub use crate::callsite::{
    Callsite, CallsiteSpec, ConstValue, Construct, Level, More, Source, SpanKind,
};
#[cfg(feature = "llm")]
pub use crate::llm::LlmResponse;
#[cfg(feature = "llm")]
pub use crate::llm::agent::{Limits, agent_begin};
#[cfg(feature = "llm")]
pub use crate::llm::measured::{llm_begin, vector_begin};
#[cfg(feature = "llm")]
pub use crate::llm::tool::{tool_begin, tool_id};
pub use crate::metrics::buckets::ascending;
pub use crate::metrics::{BoundCounter, BoundGauge, BoundHistogram, Label};
pub use crate::registry::CallsiteEntry;
pub use crate::semconv::attribute as key;
#[cfg(any(
    feature = "llm",
    feature = "pipeline",
    feature = "reqwest",
    feature = "steps",
    feature = "tower"
))]
pub use crate::trace::measured::{End, Ended, Measure, Measured};
pub use crate::trace::propagation::links::Links;
pub use crate::trace::span::Span;
pub use crate::trace::value::Value;
/// What a submitted entry stands on.
pub use inventory;
pub use metric_site::{MetricSite, label, label_among};
pub use obs_macros::{
    counter as __counter, gauge as __gauge, histogram as __histogram, span as __span,
};

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
    pub use super::flow::finish_flow;
    pub use super::future::{Traced, finish_future, future};
    pub use super::future_flow::{TracedFlow, finish_future_flow, future_flow};
    #[cfg(any(feature = "record", test))]
    pub use super::labelled::LabelledSite;
    pub use super::lasting::{InFlight, InFlightSite, in_flight_site};
    pub use super::stream::TracedStream;
    pub use crate::trace::active::{FutureSpan, SyncSpan, future_fields};
}
