//! Receivers that take requests up to a size.

use super::tests::{config, long, settled, start, take};
use super::*;
use crate::exporter::otlp::fixtures::{Fixture, callsite, spans};
use crate::exporter::otlp::receiver::{Receiver, Reply};
use crate::trace::Value;

/// What nginx takes unless it is told otherwise.
const NGINX: usize = 1 << 20;

fn with_text(bytes: usize) -> Fixture {
    Fixture::new(
        callsite(&["text"], &[]),
        vec![Value::from_str(&"x".repeat(bytes))],
    )
}

// bug: a request was closed after it had reached its limit, and the next span made it too long.
#[test]
fn a_request_closes_before_its_limit() {
    let receiver = Receiver::start_limited(NGINX);
    let mut sink = start(&config(&receiver.url));
    let span = with_text(1000);
    for _ in 0..4000 {
        sink.span(&span.view());
    }
    sink.shutdown(long()).unwrap();
    assert_eq!(settled(&sink).exported, 4000);
    let bodies: Vec<_> = receiver.all().collect();
    let longest = bodies
        .iter()
        .map(|request| request.body.len())
        .max()
        .unwrap();
    assert!((NGINX - 2000..=NGINX).contains(&longest), "{longest}");
    assert_eq!(
        bodies.iter().map(|r| spans(&r.body).len()).sum::<usize>(),
        4000
    );
}

// bug: one long span took all others of its request with it.
#[test]
fn what_is_too_long_for_company_travels_alone() {
    let receiver = Receiver::start_limited(NGINX);
    let mut sink = start(&config(&receiver.url));
    take(&mut sink, 50);
    sink.span(&with_text(10 << 20).view());
    take(&mut sink, 50);
    let error = sink.flush()(long()).unwrap_err().to_string();
    assert!(
        error.contains("1 spans could not be delivered: answered 413"),
        "{error}"
    );
    let stats = settled(&sink);
    assert_eq!(stats.exported, 100);
    assert_eq!(stats.dropped, [(DropReason::TooLarge, 1)]);
}

// bug: what a receiver found too large was lost as a whole.
#[test]
fn what_a_receiver_finds_too_large_is_halved() {
    let receiver = Receiver::start_limited(3000);
    let mut sink = start(&config(&receiver.url));
    for n in 0..100 {
        sink.span(&with_text(if n == 70 { 4000 } else { 500 }).view());
    }
    let error = sink.flush()(long()).unwrap_err().to_string();
    assert!(
        error.contains("1 spans could not be delivered: answered 413"),
        "{error}"
    );
    let stats = settled(&sink);
    assert_eq!(stats.exported, 99);
    assert_eq!(stats.dropped, [(DropReason::TooLarge, 1)]);
    let took = receiver.all().filter(|r| r.body.len() <= 3000);
    assert_eq!(took.map(|r| spans(&r.body).len()).sum::<usize>(), 99);
}

// bug: a flush told of the losses since its own beginning alone.
#[test]
fn a_flush_tells_of_what_was_lost_since_the_last_one() {
    let receiver = Receiver::start([Reply::Status(400, "", Vec::new())]);
    let mut sink = start(&config(&receiver.url));
    take(&mut sink, 3);
    sink.pass_end(true);
    receiver.next();
    while sink.stats().snapshot().in_flight > 0 {
        std::thread::yield_now();
    }
    take(&mut sink, 1);
    let (one, other) = (sink.flush(), sink.flush());
    for flush in [one, other] {
        let error = flush(long()).unwrap_err().to_string();
        assert!(
            error.contains("3 spans could not be delivered: answered 400"),
            "{error}"
        );
    }
    sink.flush()(long()).unwrap();
    sink.shutdown(long()).unwrap();
}
