//! What a panic in the midst of a span costs.

use super::tests::{config, long, settled, start, take};
use super::*;
use crate::exporter::otlp::fixtures::spans;
use crate::exporter::otlp::receiver::Receiver;

#[test]
fn a_request_that_a_panic_broke_is_given_up() {
    let receiver = Receiver::start([]);
    let mut sink = start(&config(&receiver.url));
    take(&mut sink, 2);
    // A panic in the midst of the third span.
    sink.stats().taken.fetch_add(1, Ordering::Release);
    sink.requests.unsettled += 1;
    sink.requests.open.out.extend_from_slice(b"half a span");
    sink.abandon();
    sink.abandon();
    take(&mut sink, 1);
    let told = sink.flush()(long()).unwrap_err().to_string();
    assert!(told.contains('3'), "{told}");
    sink.shutdown(long()).unwrap();
    assert_eq!(spans(&receiver.next().body).len(), 1);
    assert_eq!(settled(&sink).dropped, [(DropReason::ExporterFailed, 3)]);
}
