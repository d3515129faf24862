use super::*;

fn read(list: &str) -> (bool, bool, Option<String>) {
    let (formats, problem) = Formats::parse(list);
    (formats.trace_context(), formats.baggage(), problem)
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
fn what_is_not_known_is_named_once_with_what_is() {
    let (trace, baggage, problem) = read("b3,tracecontext,xray");
    assert!(trace && !baggage);
    let problem = problem.unwrap();
    for part in [
        "OTEL_PROPAGATORS=b3,tracecontext,xray",
        "b3, xray",
        "tracecontext and baggage, or none",
    ] {
        assert!(problem.contains(part), "{problem}");
    }
}
