use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::testing::capture;
use crate::traced;

type Headers = HashMap<String, String>;

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";
const PARENT: &str = "05e3ac9a4f6e3b90";

fn headers(pairs: &[(&str, &str)]) -> Headers {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn single(value: &str) -> Option<(SpanContext, Wish)> {
    read(&headers(&[("B3", value)]))
}

fn multi(more: &[(&str, &str)]) -> Option<(SpanContext, Wish)> {
    let ids = [("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)];
    read(&headers(&[&ids, more].concat()))
}

/// Sampled, deferred, and what else the caller wishes.
fn decision(caller: Option<(SpanContext, Wish)>) -> Option<(bool, bool, Wish)> {
    caller.map(|(context, wish)| {
        (
            context.is_sampled(),
            context.origin == Origin::Deferring,
            wish,
        )
    })
}

const DENY: Option<(bool, bool, Wish)> = Some((false, false, Wish::None));
const ACCEPT: Option<(bool, bool, Wish)> = Some((true, false, Wish::None));
const DEFER: Option<(bool, bool, Wish)> = Some((false, true, Wish::Decide));
const DEBUG: Option<(bool, bool, Wish)> = Some((true, false, Wish::Debug));

/// The values of the specification's page ("Single Header", "Multiple Headers").
#[test]
fn what_the_specification_shows_is_read() {
    let ids = format!("{TRACE}-{SPAN}");
    for (text, expected) in [
        (format!("{ids}-1-{PARENT}"), ACCEPT),
        (format!("{ids}-1"), ACCEPT),
        (format!("{ids}-0"), DENY),
        (format!("{ids}-d"), DEBUG),
        (format!("{ids}-d-{PARENT}"), DEBUG),
        (ids, DEFER),
    ] {
        let caller = single(&text);
        assert_eq!(decision(caller), expected, "{text}");
        let (context, _) = caller.unwrap();
        assert_eq!(context.trace_id().to_string(), TRACE);
        assert_eq!(context.span_id().to_string(), SPAN);
        assert!(context.is_remote());
    }
    for (more, expected) in [
        (
            &[("X-B3-Sampled", "1"), ("X-B3-ParentSpanId", PARENT)][..],
            ACCEPT,
        ),
        (&[("x-b3-sampled", "true")], ACCEPT),
        (&[("X-B3-Sampled", "0")], DENY),
        (&[("X-B3-Sampled", "false")], DENY),
        (&[("X-B3-Flags", "1")], DEBUG),
        (&[("X-B3-Flags", "1"), ("X-B3-Sampled", "0")], DEBUG),
        (&[("X-B3-Flags", "0"), ("X-B3-Sampled", "1")], ACCEPT),
        (&[], DEFER),
    ] {
        assert_eq!(decision(multi(more)), expected, "{more:?}");
    }
}

#[test]
fn ids_of_64_bits_are_the_lower_half() {
    let (context, _) = single(&format!("{SPAN}-{PARENT}-1")).unwrap();
    assert_eq!(
        context.trace_id().to_string(),
        format!("0000000000000000{SPAN}")
    );
    let mut sent = Headers::new();
    write_single(&context, &mut sent);
    assert_eq!(sent["b3"], format!("0000000000000000{SPAN}-{PARENT}-1"));
}

#[test]
fn what_is_not_valid_names_no_caller() {
    for text in [
        "0",
        "1",
        "d",
        "",
        "-",
        TRACE,
        &format!("{TRACE}-{SPAN}-2"),
        &format!("{TRACE}-{SPAN}-"),
        &format!("{TRACE}-{SPAN}-true"),
        &format!("{TRACE}-{SPAN}-1-"),
        &format!("{TRACE}-{SPAN}-1-{TRACE}"),
        &format!("{TRACE}-{SPAN}-1-{PARENT}-1"),
        &format!("{TRACE}-{}-1", "0".repeat(16)),
        &format!("{}-{SPAN}-1", "0".repeat(32)),
        &format!("{}-{SPAN}-1", "0".repeat(16)),
        &format!("{}-{SPAN}-1", TRACE.to_uppercase()),
        &format!("{}-{SPAN}-1", &TRACE[..24]),
        &format!(" {TRACE}-{SPAN}-1"),
    ] {
        assert_eq!(single(text), None, "{text:?}");
    }
    assert_eq!(multi(&[("X-B3-Sampled", "yes")]), None);
    assert_eq!(read(&headers(&[("X-B3-TraceId", TRACE)])), None);
    assert_eq!(read(&headers(&[("X-B3-Sampled", "1")])), None);
    let twice = vec![
        ("b3", format!("{TRACE}-{SPAN}-1")),
        ("b3", format!("{TRACE}-{PARENT}-1")),
    ];
    assert_eq!(read(&twice), None);
}

#[test]
fn the_one_header_counts_before_the_several() {
    let both = [
        ("b3", &*format!("{TRACE}-{PARENT}-0")),
        ("X-B3-Sampled", "1"),
    ];
    assert_eq!(decision(multi(&both)), DENY);
    // As good as none: the others are read.
    let broken = [("b3", "what"), ("X-B3-Sampled", "1")];
    assert_eq!(decision(multi(&broken)), ACCEPT);
}

#[test]
fn a_carrier_that_is_used_again_is_overwritten() {
    let mut sent = headers(&[
        ("X-B3-Flags", "1"),
        ("X-B3-ParentSpanId", PARENT),
        ("other", "stays"),
    ]);
    let (context, _) = single(&format!("{TRACE}-{SPAN}-0")).unwrap();
    write_multi(&context, &mut sent);
    let expected = [
        ("other", "stays"),
        ("x-b3-traceid", TRACE),
        ("x-b3-spanid", SPAN),
        ("x-b3-sampled", "0"),
    ];
    assert_eq!(sent, headers(&expected));
}

#[traced]
fn ask() -> (Headers, Headers) {
    let mut sent = (Headers::new(), Headers::new());
    let context = SpanContext::current().unwrap();
    write_single(&context, &mut sent.0);
    write_multi(&context, &mut sent.1);
    sent
}

#[traced]
fn serve() -> (Headers, Headers) {
    ask()
}

/// Who is called under a caller by this header: what it recorded, and what its own calls carry.
fn served(text: &str) -> (usize, String, Headers) {
    let captured = capture(|| {
        let (caller, wish) = single(text).unwrap();
        remembered::keep(&caller, &super::super::TraceState::default(), wish);
        let _inside = caller.attach();
        serve()
    });
    for span in &captured.spans {
        assert_eq!(span.trace_id.to_string(), &text[..32]);
        assert_ne!(span.span_id.to_string(), SPAN);
    }
    let (single, mut multi) = captured.value;
    let sampling = single["b3"].get(49..).unwrap_or_default().to_owned();
    multi.retain(|name, _| name != TRACE_ID && name != SPAN_ID);
    (captured.spans.len(), sampling, multi)
}

#[test]
fn the_callers_decision_goes_on() {
    let trace = |n: u32| format!("{n:032x}-{SPAN}");
    let sampled = |value| headers(&[("x-b3-sampled", value)]);
    let (recorded, single, multi) = served(&format!("{}-1", trace(0xb301)));
    assert_eq!((recorded, &*single, multi), (2, "-1", sampled("1")));
    let (recorded, single, multi) = served(&format!("{}-0", trace(0xb302)));
    assert_eq!((recorded, &*single, multi), (0, "-0", sampled("0")));
    let (recorded, single, multi) = served(&format!("{}-d", trace(0xb303)));
    let debug = headers(&[("x-b3-flags", "1")]);
    assert_eq!((recorded, &*single, multi), (2, "-d", debug));
    // Left to this process, whose sampler takes every trace that begins here.
    let (recorded, single, multi) = served(&trace(0xb304));
    assert_eq!((recorded, &*single, multi), (2, "-1", sampled("1")));
}

#[test]
fn a_decision_that_was_left_open_stays_open_without_a_span() {
    // Nothing is switched on for this thread's scope.
    let (caller, _) = single(&format!("{TRACE}-{SPAN}")).unwrap();
    let _inside = caller.attach();
    let (single, multi) = serve();
    assert_eq!(single["b3"], format!("{TRACE}-{SPAN}"));
    assert_eq!(
        multi,
        headers(&[("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)])
    );
}

proptest! {
    #[test]
    fn any_headers_are_read_without_a_panic(
        pairs in proptest::collection::vec(
            (
                "(?i)b3|x-b3-traceid|x-b3-spanid|x-b3-sampled|x-b3-flags|x-b3-parentspanid",
                prop_oneof!["[0-9a-f]{16}|[0-9a-f]{32}|[01d]|[0-9a-f]{32}-[0-9a-f]{16}(-[01d])?", any::<String>()],
            ),
            0..8,
        ),
    ) {
        if let Some((context, _)) = read(&pairs) {
            prop_assert!(context.trace_id().is_valid() && context.span_id().is_valid());
        }
    }

    /// By both forms; the trace is in no other test, so that nothing is remembered of it.
    #[test]
    fn what_is_written_is_read_again(
        trace in 1 << 64..=u128::MAX,
        span in 1..=u64::MAX,
        sampled in any::<bool>(),
        deferred in any::<bool>(),
    ) {
        let flags = TraceFlags::from_bits((sampled && !deferred).into());
        let mut context = SpanContext::remote(TraceId(trace), SpanId(span), flags).unwrap();
        if deferred {
            context.origin = Origin::Deferring;
        }
        let mut sent = Headers::new();
        write_single(&context, &mut sent);
        prop_assert_eq!(read(&sent).map(|found| found.0), Some(context));
        let mut sent = Headers::new();
        write_multi(&context, &mut sent);
        prop_assert_eq!(read(&sent).map(|found| found.0), Some(context));
    }
}
