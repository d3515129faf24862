//! Carries context in and out of the process: W3C Trace Context Level 2, W3C Baggage, and B3.
//!
//! A carrier is what travels: the headers of a request, the environment of a child process.
//! [`extract`] reads a carrier, [`inject_current`] writes the entered span to one. Headers that are
//! not valid count as absent: nothing here fails, because a caller's mistake is no reason to refuse
//! its request (OpenTelemetry, "Propagators API", Extract).
//!
//! This is a server, and a client inside it:
//!
//! ```
//! use std::collections::HashMap;
//! use obs_runtime::{propagation::{self, RemoteContext}, testing, traced};
//!
//! type Headers = HashMap<String, String>;
//!
//! #[traced(kind = "server", parent = caller)]
//! fn handle(caller: &RemoteContext) -> Headers {
//!     let mut request = Headers::new();
//!     ask_stock(&mut request);
//!     request
//! }
//!
//! #[traced(kind = "client")]
//! fn ask_stock(request: &mut Headers) {
//!     // Inside the span of this attempt, so that the other side becomes its child.
//!     propagation::inject_current(request);
//! }
//!
//! let incoming = [
//!     ("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
//!     ("Tracestate", "vendor=opaque"),
//! ];
//! let captured = testing::capture(|| handle(&propagation::extract(&incoming[..])));
//!
//! let server = captured.span("handle");
//! assert!(server.parent_is_remote);
//! assert_eq!(server.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
//! let client = captured.span("ask_stock");
//! let sent = &captured.value;
//! assert_eq!(
//!     sent["traceparent"],
//!     format!("00-{}-{}-01", client.trace_id, client.span_id),
//! );
//! assert_eq!(sent["tracestate"], "vendor=opaque");
//! ```
//!
//! A child process takes the context from its environment:
//!
//! ```no_run
//! use std::process::Command;
//! use obs_runtime::propagation::{self, Environment};
//!
//! // Here: TRACEPARENT and TRACESTATE name the span that is entered.
//! let mut command = Command::new("worker");
//! propagation::inject_current(&mut command);
//! command.status()?;
//!
//! // In the worker: what begins on this thread is part of that trace.
//! let caller = propagation::extract(&Environment::read());
//! let _inside = caller.attach();
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! `OTEL_PROPAGATORS` says which headers are read and written: a list of `tracecontext` and
//! `baggage` (the default is both), `b3` (Zipkin's single header) and `b3multi` (`X-B3-TraceId` and
//! the like), or `none`. Either name of B3 reads both forms, the single header first. Where a
//! request names one caller by `traceparent` and another by B3, the format that is named last
//! counts. B3's debug flag goes with the trace. Where B3 leaves the decision to the receiver, the
//! [`Sampler`](crate::Sampler) decides as for a trace that begins here.
//!
//! Baggage is sent only where the program says so: an [`inject_current`] towards another company's
//! server carries none.
//!
//! ```
//! use std::collections::HashMap;
//! use obs_runtime::propagation::{self, Baggage};
//!
//! let mut baggage = Baggage::new();
//! baggage.insert("tenant", "Löwenbräu")?;
//! let mut request = HashMap::new();
//! baggage.inject(&mut request);
//! assert_eq!(request["baggage"], "tenant=L%C3%B6wenbr%C3%A4u");
//! assert_eq!(propagation::extract(&request).baggage().get("tenant"), Some("Löwenbräu"));
//! # Ok::<(), obs_runtime::propagation::BaggageError>(())
//! ```

pub(crate) mod ambient;
pub(crate) mod b3;
mod baggage;
mod carrier;
mod environment;
pub(crate) mod formats;
#[cfg(feature = "http-headers")]
mod headers;
pub(crate) mod links;
mod parent;
pub(crate) mod remembered;
mod remote;
mod trace_state;
mod traceparent;

pub use ambient::{AttachedBaggage, WithBaggage};
pub use baggage::{Baggage, BaggageError};
pub use carrier::{Extractor, Injector};
pub use environment::Environment;
pub use parent::IntoParent;
pub use remote::{RemoteContext, extract};
pub use trace_state::{ParseTraceStateError, TraceState};
pub use traceparent::ParseTraceparentError;

use crate::trace::SpanContext;
use formats::Formats;

/// The header that carries the span's identity (W3C Trace Context Level 2, section 3.2).
pub const TRACEPARENT: &str = "traceparent";
/// The header for additions of tracing systems (W3C Trace Context Level 2, section 3.3).
pub const TRACESTATE: &str = "tracestate";
/// The header of the user's own data (W3C Baggage, section 3.1).
pub const BAGGAGE: &str = "baggage";

/// Writes the entered span to an outgoing request, and returns whether there was one.
///
/// The `tracestate` that came with its trace is written too. A trace that is not sampled is written
/// as well, so that the other side does not begin one. Without a span the carrier stays as it is.
/// Call this once for each attempt, inside that attempt's span: it overwrites what an earlier use
/// left in the carrier.
///
/// ```
/// use std::collections::HashMap;
/// use obs_runtime::propagation;
///
/// let mut headers = HashMap::new();
/// // No span is entered here.
/// assert!(!propagation::inject_current(&mut headers));
/// assert!(headers.is_empty());
/// ```
pub fn inject_current<C: Injector + ?Sized>(carrier: &mut C) -> bool {
    let current = SpanContext::current();
    if let Some(context) = &current {
        inject(context, carrier);
    }
    current.is_some() && Formats::chosen().has(Formats::ANY_SPAN)
}

/// Writes a span that is not entered here, like [`inject_current`].
///
/// ```
/// use std::process::Command;
/// use obs_runtime::{propagation, span};
///
/// let span = span!("convert");
/// let mut command = Command::new("ffmpeg");
/// if let Some(context) = span.context() {
///     propagation::inject(&context, &mut command);
/// }
/// ```
pub fn inject<C: Injector + ?Sized>(context: &SpanContext, carrier: &mut C) {
    let formats = Formats::chosen();
    if formats.has(Formats::TRACE_CONTEXT) {
        carrier.set(TRACEPARENT, context.to_traceparent());
        match remembered::find(context) {
            Some(state) => carrier.set(TRACESTATE, state.as_str().to_owned()),
            // What an earlier use of the carrier left would belong to another span.
            None => carrier.remove(TRACESTATE),
        }
    }
    if formats.has(Formats::B3) {
        b3::write_single(context, carrier);
    }
    if formats.has(Formats::B3_MULTI) {
        b3::write_multi(context, carrier);
    }
}

#[cfg(test)]
#[path = "propagation_tests.rs"]
mod tests;
