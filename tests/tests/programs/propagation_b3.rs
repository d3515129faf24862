//! B3 with a propagator of somebody else on both sides: opentelemetry-zipkin's.

#![allow(
    deprecated,
    reason = "its exporter goes out of use; its propagator is what others have"
)]

use std::collections::HashMap;
use std::process::Command;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry_zipkin::{B3Encoding, Propagator};

type Headers = HashMap<String, String>;

const CHILD: &str = env!("CARGO_BIN_EXE_child_process");
const TRACE: u128 = 0x80f1_98ee_5634_3ba8_64fe_8b2a_57d3_eff7;
const SPAN: u64 = 0xe457_b5a2_e4d8_6bd1;
/// Of opentelemetry-zipkin alone.
const DEFERRED: TraceFlags = TraceFlags::new(2);
const DEBUG: TraceFlags = TraceFlags::new(4);

/// What its propagator writes.
fn by_zipkin(encoding: B3Encoding, trace: u128, flags: TraceFlags) -> Headers {
    let caller = SpanContext::new(
        TraceId::from(trace),
        SpanId::from(SPAN),
        flags,
        true,
        TraceState::default(),
    );
    let mut headers = Headers::new();
    let cx = Context::new().with_remote_span_context(caller);
    let single = matches!(encoding, B3Encoding::SingleHeader);
    Propagator::with_encoding(encoding).inject_context(&cx, &mut headers);
    // Asked for the one, it writes the others too.
    headers.retain(|name, _| (name == "b3") == single);
    headers
}

/// What its propagator reads.
fn to_zipkin(headers: &Headers) -> SpanContext {
    let cx = Propagator::with_encoding(B3Encoding::SingleAndMultiHeader)
        .extract_with_context(&Context::new(), headers);
    cx.span().span_context().clone()
}

/// What a process that was called with the headers sends on, by obs and by OpenTelemetry's API, and the span that it
/// sends it from.
fn call(propagators: &str, headers: &Headers) -> (Headers, Headers, String) {
    let mut command = Command::new(CHILD);
    command
        .arg("headers")
        .env("OTEL_PROPAGATORS", propagators)
        .env_remove("TRACEPARENT");
    for (name, value) in headers {
        command.env(name.to_uppercase().replace('-', "_"), value);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut sent = (Headers::new(), Headers::new());
    let mut span = String::new();
    for line in text.lines() {
        let (who, rest) = line.split_once(' ').unwrap();
        match (who, rest.split_once('=')) {
            ("ours", Some((name, value))) => drop(sent.0.insert(name.into(), value.into())),
            ("theirs", Some((name, value))) => drop(sent.1.insert(name.into(), value.into())),
            ("span", None) => span.push_str(rest),
            _ => panic!("{line}"),
        }
    }
    (sent.0, sent.1, span)
}

fn names(headers: &Headers) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn goes_through(encoding: &B3Encoding, propagators: &str, expected_names: &[&str]) {
    for (trace, flags, expected) in [
        (TRACE, TraceFlags::SAMPLED, TraceFlags::SAMPLED),
        (TRACE, TraceFlags::NOT_SAMPLED, TraceFlags::NOT_SAMPLED),
        // The sampler of the process takes it.
        (TRACE, DEFERRED, TraceFlags::SAMPLED),
        // A 64-bit id.
        (
            TRACE & u128::from(u64::MAX),
            TraceFlags::SAMPLED,
            TraceFlags::SAMPLED,
        ),
    ] {
        let incoming = by_zipkin(encoding.clone(), trace, flags);
        let (ours, theirs, span) = call(propagators, &incoming);
        for sent in [&ours, &theirs] {
            assert_eq!(names(sent), expected_names, "{incoming:?}");
            let read = to_zipkin(sent);
            assert_eq!(read.trace_id(), TraceId::from(trace), "{sent:?}");
            assert_eq!(read.span_id().to_string(), span, "{sent:?}");
            assert_eq!(read.trace_flags(), expected, "{incoming:?} became {sent:?}");
        }
    }
}

#[test]
fn one_header() {
    goes_through(&B3Encoding::SingleHeader, "b3", &["b3"]);
    // Either form is read.
    goes_through(&B3Encoding::MultipleHeader, "b3", &["b3"]);
}

#[test]
fn several_headers() {
    let names = ["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"];
    goes_through(&B3Encoding::MultipleHeader, "b3multi", &names);
    goes_through(&B3Encoding::SingleHeader, "b3multi", &names);
}

#[test]
fn the_debug_flag_goes_on() {
    let incoming = by_zipkin(B3Encoding::SingleHeader, TRACE, DEBUG);
    let (ours, theirs, span) = call("b3", &incoming);
    assert_eq!(ours["b3"], format!("{TRACE:032x}-{span}-d"));
    assert_eq!(ours, theirs);
    let (ours, theirs, _) = call("b3multi", &incoming);
    assert_eq!(names(&ours), ["x-b3-flags", "x-b3-spanid", "x-b3-traceid"]);
    assert_eq!(ours["x-b3-flags"], "1");
    assert_eq!(ours, theirs);
}

#[test]
fn of_two_callers_the_format_counts_that_is_named_last() {
    let other = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut incoming = by_zipkin(B3Encoding::SingleHeader, TRACE, TraceFlags::SAMPLED);
    incoming.insert(
        "traceparent".into(),
        format!("00-{other}-00f067aa0ba902b7-01"),
    );
    let b3 = format!("{TRACE:032x}");
    for (propagators, expected) in [("tracecontext,b3", &*b3), ("b3,tracecontext", other)] {
        let (ours, theirs, _) = call(propagators, &incoming);
        for sent in [ours, theirs] {
            assert_eq!(&sent["b3"][..32], expected, "{propagators}: {sent:?}");
            assert_eq!(&sent["traceparent"][3..35], expected, "{propagators}");
        }
    }
    // One alone is enough.
    incoming.remove("b3");
    let (ours, _, _) = call("tracecontext,b3", &incoming);
    assert_eq!(&ours["b3"][..32], other);
}
