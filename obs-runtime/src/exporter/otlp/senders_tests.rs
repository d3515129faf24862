//! Several requests at once.

use std::sync::mpsc;

use super::*;
use crate::exporter::otlp::config::{OtlpConfig, Signal};
use crate::exporter::otlp::fixtures::{Fixture, resource};
use crate::exporter::otlp::receiver::LONG;
use crate::exporter::otlp::sink::OtlpSpanSink;
use crate::processor::sink::SpanSink as _;

/// Says when a request is under way, and keeps it there.
#[derive(Clone)]
struct Slow {
    under_way: mpsc::Sender<mpsc::Sender<bool>>,
}

impl Transport for Slow {
    fn send(&mut self, _: &Arc<Batch>, _: Duration) -> Answer {
        let (answer, answered) = mpsc::channel();
        self.under_way.send(answer).unwrap();
        if answered.recv() == Ok(true) {
            return Answer::Accepted(PartialSuccess::default());
        }
        Failure::answer(DropReason::Rejected, Retry::Never, "no", "")
    }

    fn another(&self) -> Option<Box<dyn Transport>> {
        Some(Box::new(self.clone()))
    }
}

fn start(requests: usize) -> (OtlpSpanSink, mpsc::Receiver<mpsc::Sender<bool>>) {
    let mut config = OtlpConfig::new("http://127.0.0.1:1").timeout(LONG);
    config.limits.batch_items = 2;
    config.limits.requests = requests;
    let target = config.target(Signal::Traces).unwrap().unwrap();
    let (under_way, requests) = mpsc::channel();
    let slow = Box::new(Slow { under_way });
    let sink = OtlpSpanSink::start(&target, slow, config.limits, &resource(), None).unwrap();
    (sink, requests)
}

fn take(sink: &mut OtlpSpanSink, spans: usize) {
    for _ in 0..spans {
        sink.span(&Fixture::bare().view());
    }
}

fn long() -> Instant {
    Instant::now() + LONG
}

#[test]
fn a_slow_receiver_has_several_requests_at_once_and_no_more_than_allowed() {
    let (mut sink, requests) = start(3);
    take(&mut sink, 20);
    let mut open: Vec<_> = (0..3)
        .map(|_| requests.recv_timeout(LONG).unwrap())
        .collect();
    assert!(requests.try_recv().is_err());
    assert_eq!(sink.stats().snapshot().in_flight, 20);
    // In any order; one of them is refused.
    let flush = sink.flush();
    let waiting = std::thread::spawn(move || flush(long()));
    open.pop().unwrap().send(false).unwrap();
    for answer in open {
        answer.send(true).unwrap();
    }
    for _ in 0..7 {
        requests.recv_timeout(LONG).unwrap().send(true).unwrap();
    }
    let error = waiting.join().unwrap().unwrap_err();
    assert!(error.to_string().contains("2 spans"), "{error}");
    let stats = sink.stats().snapshot();
    assert_eq!((stats.exported, stats.in_flight), (18, 0));
    assert_eq!(stats.dropped, [(DropReason::Rejected, 2)]);
    sink.shutdown(long()).unwrap();
}

#[test]
fn a_flush_waits_for_what_is_older_alone() {
    let (mut sink, requests) = start(2);
    take(&mut sink, 2);
    let first = requests.recv_timeout(LONG).unwrap();
    let flush = sink.flush();
    take(&mut sink, 4);
    let second = requests.recv_timeout(LONG).unwrap();
    // The later request is answered first: it does not stand for the earlier one.
    second.send(true).unwrap();
    let third = requests.recv_timeout(LONG).unwrap();
    assert!(sink.flush()(Instant::now()).unwrap_err().is_timeout());
    first.send(true).unwrap();
    flush(long()).unwrap();
    third.send(true).unwrap();
    sink.shutdown(long()).unwrap();
    assert_eq!(sink.stats().snapshot().exported, 6);
}

#[test]
fn one_request_at_a_time_needs_no_more_than_one_that_waits() {
    let (mut sink, requests) = start(4);
    for _ in 0..10 {
        take(&mut sink, 2);
        let flush = sink.flush();
        requests.recv_timeout(LONG).unwrap().send(true).unwrap();
        flush(long()).unwrap();
    }
    assert!(sink.requests.lane.senders() <= 2);
    sink.shutdown(long()).unwrap();
}
