//! B3, the headers of Zipkin, in the single form and in the form of several headers.
//!
//! The rules are in <https://github.com/openzipkin/b3-propagation> and in the OpenTelemetry
//! specification, "Propagators API", "B3 Requirements".

use super::remembered::{self, Wish};
use super::{Extractor, Injector};
use crate::trace::context::Origin;
use crate::trace::{SpanContext, SpanId, TraceFlags, TraceId};

/// The name of the single header.
pub(crate) const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";
/// The header of the caller's parent. It is neither read nor written: a span of ours never shares
/// its caller's id.
const PARENT_ID: &str = "x-b3-parentspanid";
/// The names of the form that has several headers.
pub(crate) const MULTI: [&str; 4] = [TRACE_ID, SPAN_ID, SAMPLED, FLAGS];

/// The caller's wish about recording.
#[derive(Clone, Copy, PartialEq)]
enum Sampling {
    Deny,
    Accept,
    /// The caller leaves the decision open.
    Defer,
    /// The caller accepts, and wants everybody to record.
    Debug,
}

/// Reads the caller from the single header, or else from the several ones.
pub(crate) fn read<C: Extractor + ?Sized>(carrier: &C) -> Option<(SpanContext, Wish)> {
    let (trace_id, span_id, sampling) = match once(carrier, SINGLE).and_then(of_single) {
        Some(caller) => caller,
        None => of_multi(carrier)?,
    };
    let (flags, wish) = match sampling {
        Sampling::Deny => (0, Wish::None),
        Sampling::Accept => (TraceFlags::SAMPLED.bits(), Wish::None),
        Sampling::Debug => (TraceFlags::SAMPLED.bits(), Wish::Debug),
        Sampling::Defer => (0, Wish::Decide),
    };
    let mut context = SpanContext::remote(trace_id, span_id, TraceFlags::from_bits(flags))?;
    if wish == Wish::Decide {
        context.origin = Origin::Deferring;
    }
    Some((context, wish))
}

/// Returns the value of a header. A header that is there twice counts as absent.
fn once<'a, C: Extractor + ?Sized>(carrier: &'a C, name: &str) -> Option<&'a str> {
    match carrier.get_all(name)[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// Parses `{trace id}-{span id}`, optionally with `-{sampling}` and `-{parent id}`.
///
/// A decision without ids names no caller.
fn of_single(text: &str) -> Option<(TraceId, SpanId, Sampling)> {
    let mut parts = text.split('-');
    let trace_id = trace_id(parts.next()?)?;
    let span_id = parts.next()?.parse().ok()?;
    let sampling = match parts.next() {
        None => Sampling::Defer,
        Some("0") => Sampling::Deny,
        Some("1") => Sampling::Accept,
        Some("d") => Sampling::Debug,
        Some(_) => return None,
    };
    let parent = parts.next().map(str::parse::<SpanId>);
    (!matches!(parent, Some(Err(_))) && parts.next().is_none())
        .then_some((trace_id, span_id, sampling))
}

fn of_multi<C: Extractor + ?Sized>(carrier: &C) -> Option<(TraceId, SpanId, Sampling)> {
    let trace_id = trace_id(once(carrier, TRACE_ID)?)?;
    let span_id = once(carrier, SPAN_ID)?.parse().ok()?;
    let sampling = if once(carrier, FLAGS) == Some("1") {
        // Debug implies "accept", so that is not sent beside it.
        Sampling::Debug
    } else {
        match carrier.get_all(SAMPLED)[..] {
            [] => Sampling::Defer,
            // The words were sent before there was a specification.
            ["0" | "false"] => Sampling::Deny,
            ["1" | "true"] => Sampling::Accept,
            _ => return None,
        }
    };
    Some((trace_id, span_id, sampling))
}

/// Parses a trace id of 16 bytes, or of 8, which are the lower ones.
fn trace_id(text: &str) -> Option<TraceId> {
    if text.len() == 16 {
        let SpanId(low) = text.parse().ok()?;
        return Some(TraceId(low.into()));
    }
    text.parse().ok()
}

fn sampling_of(context: &SpanContext) -> Sampling {
    if remembered::wish(context.trace_id, context.scope) == Wish::Debug {
        Sampling::Debug
    } else if context.origin == Origin::Deferring {
        Sampling::Defer
    } else if context.is_sampled() {
        Sampling::Accept
    } else {
        Sampling::Deny
    }
}

pub(crate) fn write_single<C: Injector + ?Sized>(context: &SpanContext, carrier: &mut C) {
    let sampling = match sampling_of(context) {
        Sampling::Deny => "-0",
        Sampling::Accept => "-1",
        Sampling::Debug => "-d",
        Sampling::Defer => "",
    };
    let (trace_id, span_id) = (context.trace_id, context.span_id);
    carrier.set(SINGLE, format!("{trace_id}-{span_id}{sampling}"));
}

pub(crate) fn write_multi<C: Injector + ?Sized>(context: &SpanContext, carrier: &mut C) {
    carrier.set(TRACE_ID, context.trace_id.to_string());
    carrier.set(SPAN_ID, context.span_id.to_string());
    let (sampled, flags) = match sampling_of(context) {
        Sampling::Deny => (Some("0"), None),
        Sampling::Accept => (Some("1"), None),
        Sampling::Debug => (None, Some("1")),
        Sampling::Defer => (None, None),
    };
    // What an earlier use of the carrier left would belong to another span.
    for (name, value) in [(SAMPLED, sampled), (FLAGS, flags), (PARENT_ID, None)] {
        match value {
            Some(value) => carrier.set(name, value.to_owned()),
            None => carrier.remove(name),
        }
    }
}

#[cfg(test)]
#[path = "b3_tests.rs"]
mod tests;
