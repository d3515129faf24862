use super::tests::{config, long, settled, start, take};
use super::*;
use crate::callsite::ConstValue;
use crate::exporter::otlp::fixtures::{Fixture, callsite, decode};
use crate::exporter::otlp::receiver::Receiver;
use crate::semconv::attribute::OTEL_SCOPE_NAME;
use crate::trace::Value;

#[test]
fn spans_of_libraries_keep_to_the_bounds_of_requests_too() {
    const LIBRARY: &[(&str, ConstValue)] = &[(OTEL_SCOPE_NAME, ConstValue::Str("driver"))];
    let receiver = Receiver::start([]);
    let mut config = config(&receiver.url);
    config.limits.batch_items = 10;
    // With the resource in front of the spans.
    config.limits.queue_bytes = 700;
    let mut sink = start(&config);
    let of_library = Fixture::new(callsite(&["text"], LIBRARY), vec![Value::NONE]);
    let small = of_library.view();
    for _ in 0..5 {
        sink.span(&small);
        take(&mut sink, 1);
        sink.flush()(long()).unwrap();
    }
    // One that no request can hold.
    let name = "x".repeat(700);
    let mut giant = Fixture::new(of_library.callsite, vec![Value::NONE]);
    giant.extra = Some(crate::trace::attribute::SpanExtra {
        name: Some(name.into()),
        ..Default::default()
    });
    sink.span(&giant.view());
    let error = sink.shutdown(long()).unwrap_err().to_string();
    assert!(error.contains("too_large"), "{error}");
    for _ in 0..5 {
        let request = decode(&receiver.next().body);
        let scopes = &request.resource_spans[0].scope_spans;
        let spans: Vec<_> = scopes.iter().map(|scope| scope.spans.len()).collect();
        assert_eq!(spans, [1, 1]);
    }
    let stats = settled(&sink);
    assert_eq!((stats.taken, stats.exported), (11, 10));
    assert_eq!(stats.dropped, [(DropReason::TooLarge, 1)]);
}
