use super::*;

fn read(list: &str) -> (bool, bool, Option<String>) {
    let (formats, problem) = Formats::parse(list);
    (
        formats.has(Formats::TRACE_CONTEXT),
        formats.has(Formats::BAGGAGE),
        problem,
    )
}

#[test]
fn what_is_known_is_read() {
    assert_eq!(read("tracecontext,baggage"), (true, true, None));
    assert_eq!(read(" baggage , tracecontext,baggage"), (true, true, None));
    assert_eq!(read("tracecontext"), (true, false, None));
    assert_eq!(read("baggage,"), (false, true, None));
    assert_eq!(read("none"), (false, false, None));
}

#[test]
fn b3_is_one_header_or_several() {
    let parsed = |list| {
        let (formats, problem) = Formats::parse(list);
        assert_eq!(problem, None);
        (
            formats.has(Formats::B3),
            formats.has(Formats::B3_MULTI),
            formats.has(Formats::B3_LAST),
        )
    };
    assert_eq!(parsed("b3"), (true, false, true));
    assert_eq!(parsed("b3multi,baggage"), (false, true, true));
    assert_eq!(parsed("b3,b3multi"), (true, true, true));
    assert_eq!(parsed("tracecontext,b3"), (true, false, true));
    assert_eq!(parsed("b3,tracecontext"), (true, false, false));
    assert_eq!(parsed("tracecontext"), (false, false, false));
}

#[test]
fn what_is_not_known_is_named_once_with_what_is() {
    let (trace, baggage, problem) = read("zipkin,tracecontext,xray");
    assert!(trace && !baggage);
    let problem = problem.unwrap();
    for part in [
        "OTEL_PROPAGATORS=zipkin,tracecontext,xray",
        "zipkin, xray is not supported",
        "tracecontext, baggage, b3 and b3multi, or none",
    ] {
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn names_that_others_know_get_advice() {
    for (name, advice) in [
        ("jaeger", "Jaeger reads tracecontext"),
        ("xray", "opentelemetry-aws"),
        ("ottrace", "use tracecontext or b3multi"),
    ] {
        let problem = Formats::parse(name).1.unwrap();
        assert!(problem.contains(advice), "{problem}");
    }
}
