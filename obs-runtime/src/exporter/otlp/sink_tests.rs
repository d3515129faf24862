use std::time::Duration;

use super::*;
use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::{Compression, OtlpConfig, Signal};
use crate::exporter::otlp::fixtures::{Fixture, callsite, resource, spans};
use crate::exporter::otlp::receiver::{LONG, Receiver, Reply, ok};
use crate::exporter::otlp::transport::{self, Answer};
use crate::self_obs::ExporterStats;
use crate::trace::Value;

pub(super) fn start(config: &OtlpConfig) -> OtlpSpanSink {
    let target = config.target(Signal::Traces).unwrap().unwrap();
    let transport = transport::connect(&target).unwrap();
    OtlpSpanSink::start(&target, transport, config.limits, &resource(), None).unwrap()
}

/// Retries come at once, and for as long as a test may take.
pub(super) fn config(url: &str) -> OtlpConfig {
    let mut config = OtlpConfig::new(url).timeout(LONG);
    config.limits.backoff = Duration::from_millis(1);
    config.limits.requests = 1;
    config.limits.retry_for = LONG;
    config
}

/// One attempt only.
fn once(url: &str) -> OtlpConfig {
    let mut config = config(url);
    config.limits.retry_for = Duration::ZERO;
    config
}

pub(super) fn take(sink: &mut OtlpSpanSink, spans: usize) {
    for _ in 0..spans {
        sink.span(&Fixture::bare().view());
    }
}

pub(super) fn long() -> Instant {
    Instant::now() + LONG
}

/// The account, of which everything must be settled.
pub(super) fn settled(sink: &OtlpSpanSink) -> ExporterStats {
    let stats = sink.stats().snapshot();
    assert_eq!(stats.in_flight, 0, "{stats:?}");
    assert_eq!(
        stats.taken,
        stats.exported + stats.dropped_total(),
        "{stats:?}"
    );
    stats
}

#[test]
fn batches_go_out_over_one_connection() {
    let receiver = Receiver::start([]);
    let config = config(&receiver.url).header("Api-Key", "secret");
    let mut sink = start(&config);
    take(&mut sink, 3);
    sink.flush()(long()).unwrap();
    take(&mut sink, 2);
    sink.pass_end(false);
    assert_eq!(sink.stats().snapshot().in_flight, 2);
    sink.pass_end(true);
    sink.shutdown(long()).unwrap();

    let first = receiver.next();
    assert!(first.head.starts_with("post /v1/traces http/1.1\r\n"));
    for header in [
        "content-type: application/x-protobuf\r\n",
        "api-key: secret\r\n",
        "user-agent: obs-runtime/",
    ] {
        assert!(first.head.contains(header), "{}", first.head);
    }
    assert_eq!(spans(&first.body).len(), 3);
    assert_eq!(spans(&receiver.next().body).len(), 2);
    assert_eq!(receiver.connections(), 1);
    let stats = settled(&sink);
    assert_eq!((stats.taken, stats.exported), (5, 5));
}

#[test]
fn full_batches_do_not_wait_for_the_end_of_a_pass() {
    let receiver = Receiver::start([]);
    let mut config = config(&receiver.url);
    config.limits.batch_items = 10;
    let mut by_count = start(&config);
    take(&mut by_count, 25);
    assert_eq!(spans(&receiver.next().body).len(), 10);
    assert_eq!(spans(&receiver.next().body).len(), 10);
    by_count.shutdown(long()).unwrap();
    assert_eq!(spans(&receiver.next().body).len(), 5);

    config.limits.batch_items = 1000;
    config.limits.batch_bytes = 300;
    let mut by_bytes = start(&config);
    take(&mut by_bytes, 20);
    by_bytes.shutdown(long()).unwrap();
    let first = spans(&receiver.next().body).len();
    assert!((2..=4).contains(&first), "{first}");
    assert_eq!(settled(&by_bytes).exported, 20);
}

#[test]
fn nobody_listens() {
    let receiver = Receiver::start([]);
    let url = receiver.url.clone();
    drop(receiver);
    let mut sink = start(&once(&url));
    take(&mut sink, 4);
    let error = sink.flush()(long()).unwrap_err();
    assert!(error.is_export(), "{error}");
    assert!(
        error.to_string().contains("4 spans could not be delivered"),
        "{error}"
    );
    assert_eq!(settled(&sink).dropped, [(DropReason::Unreachable, 4)]);
    // A flush answers for what was handed over since.
    sink.flush()(long()).unwrap();
}

#[test]
fn at_the_end_nobody_waits_for_a_receiver_that_is_not_there() {
    // Pauses between attempts that the deadline leaves time for, and that it does not.
    for backoff in [LONG, LONG * 10] {
        let receiver = Receiver::start([]);
        let url = receiver.url.clone();
        drop(receiver);
        let mut config = config(&url);
        config.limits.backoff = backoff;
        config.limits.max_backoff = backoff;
        config.limits.retry_for = backoff * 10;
        let mut sink = start(&config);
        take(&mut sink, 4);
        let began = Instant::now();
        assert!(sink.shutdown(began + LONG * 2).is_err());
        assert!(began.elapsed() < backoff / 2);
        assert_eq!(settled(&sink).dropped, [(DropReason::Unreachable, 4)]);
    }
}

#[test]
fn a_flush_does_not_wait_for_the_next_attempt() {
    let receiver = Receiver::start([Reply::Status(503, "", Vec::new())]);
    let mut config = config(&receiver.url);
    config.limits.backoff = LONG * 10;
    config.limits.max_backoff = LONG * 10;
    config.limits.retry_for = LONG * 100;
    let mut sink = start(&config);
    take(&mut sink, 4);
    sink.pass_end(true);
    receiver.next();
    sink.flush()(long()).unwrap();
    assert_eq!(settled(&sink).exported, 4);
}

#[test]
fn an_answer_that_never_comes_is_bounded_by_the_timeout() {
    let receiver = Receiver::start([Reply::Silence]);
    let mut sink = start(&once(&receiver.url).timeout(Duration::from_millis(50)));
    take(&mut sink, 4);
    assert!(sink.flush()(long()).unwrap_err().is_export());
    assert_eq!(settled(&sink).dropped, [(DropReason::Timeout, 4)]);
    // The next request has a connection of its own.
    take(&mut sink, 1);
    sink.flush()(long()).unwrap();
    assert_eq!(settled(&sink).exported, 1);
}

#[test]
fn a_shutdown_ends_at_its_deadline_and_counts_what_remains() {
    let receiver = Receiver::start([Reply::Silence]);
    let mut config = config(&receiver.url);
    config.limits.batch_items = 2;
    let mut sink = start(&config);
    take(&mut sink, 5);
    receiver.next();
    let soon = || Instant::now() + Duration::from_millis(20);
    assert!(sink.flush()(soon()).unwrap_err().is_timeout());
    assert_eq!(sink.stats().snapshot().in_flight, 5);
    let error = sink.shutdown(soon()).unwrap_err();
    assert!(error.is_export(), "{error}");
    assert_eq!(settled(&sink).dropped, [(DropReason::Shutdown, 5)]);
    // The thread comes back late, and changes nothing.
    drop(receiver);
    let lane = Arc::clone(&sink.requests.lane);
    lane.wait_until_ended(long());
    assert_eq!(settled(&sink).dropped, [(DropReason::Shutdown, 5)]);
}

#[test]
fn a_sink_that_is_dropped_counts_what_remains() {
    let receiver = Receiver::start([Reply::Silence]);
    let mut sink = start(&config(&receiver.url));
    let counters = sink.stats();
    take(&mut sink, 3);
    drop(sink);
    let stats = counters.snapshot();
    assert_eq!(stats.dropped, [(DropReason::Shutdown, 3)]);
}

#[test]
fn unavailable_and_then_well_again() {
    let unavailable = Reply::Status(503, "", b"starting".to_vec());
    let receiver = Receiver::start([unavailable.clone(), unavailable, ok()]);
    let mut sink = start(&config(&receiver.url));
    take(&mut sink, 4);
    sink.flush()(long()).unwrap();
    let bodies = [
        receiver.next().body,
        receiver.next().body,
        receiver.next().body,
    ];
    assert!(bodies[0] == bodies[1] && bodies[1] == bodies[2]);
    assert_eq!(spans(&bodies[2]).len(), 4);
    assert_eq!(settled(&sink).exported, 4);
}

#[test]
fn a_pause_that_the_receiver_asks_for_is_kept() {
    let busy = Reply::Status(429, "retry-after: 1\r\n", Vec::new());
    let receiver = Receiver::start([busy]);
    let mut sink = start(&config(&receiver.url));
    take(&mut sink, 4);
    sink.flush()(long()).unwrap();
    let (first, second) = (receiver.next(), receiver.next());
    assert!(second.at - first.at >= Duration::from_secs(1));
    assert_eq!(settled(&sink).exported, 4);
}

#[test]
fn a_pause_beyond_the_bound_is_not_waited_for() {
    let busy = Reply::Status(429, "retry-after: 100000\r\n", Vec::new());
    let receiver = Receiver::start([busy]);
    let mut sink = start(&config(&receiver.url));
    take(&mut sink, 4);
    assert!(sink.flush()(long()).unwrap_err().is_export());
    // Further batches keep the silence that was asked for, and end with the shutdown.
    take(&mut sink, 1);
    assert!(
        sink.shutdown(Instant::now() + Duration::from_millis(20))
            .is_err()
    );
    assert_eq!(
        settled(&sink).dropped,
        [(DropReason::Rejected, 4), (DropReason::Shutdown, 1)]
    );
    receiver.next();
    assert_eq!(receiver.further(), 0);
}

#[test]
fn what_cannot_succeed_is_not_tried_again() {
    for (status, reason) in [
        (400, DropReason::Rejected),
        (401, DropReason::Rejected),
        (404, DropReason::Rejected),
        (500, DropReason::Rejected),
        (302, DropReason::Rejected),
    ] {
        // A google.rpc.Status with code 3 and a message.
        let body = b"\x08\x03\x12\x0abad spans\n".to_vec();
        let headers = "content-type: application/x-protobuf\r\nlocation: /elsewhere\r\n";
        let receiver = Receiver::start([Reply::Status(status, headers, body)]);
        let mut sink = start(&config(&receiver.url));
        take(&mut sink, 4);
        let error = sink.flush()(long()).unwrap_err().to_string();
        assert!(error.contains(&status.to_string()), "{error}");
        assert!(error.contains("bad spans"), "{error}");
        assert_eq!(settled(&sink).dropped, [(reason, 4)], "{status}");
        receiver.next();
        assert_eq!(receiver.further(), 0, "{status}");
    }
}

fn partial(body: &[u8]) -> Reply {
    let headers = "content-type: application/x-protobuf\r\n";
    Reply::Status(200, headers, body.to_vec())
}

#[test]
fn partial_success_is_counted_on_both_sides() {
    let receiver = Receiver::start([
        // Two of five rejected, with a message.
        partial(b"\x0a\x0b\x08\x02\x12\x07no name"),
        // Only a warning.
        partial(b"\x0a\x06\x12\x04hmm."),
        // More than there were.
        partial(b"\x0a\x02\x08\x7f"),
        // Less than none.
        partial(b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ]);
    let mut sink = start(&config(&receiver.url));
    take(&mut sink, 5);
    let error = sink.flush()(long()).unwrap_err().to_string();
    assert!(
        error.contains("2 spans") && error.contains("no name"),
        "{error}"
    );
    assert_eq!(settled(&sink).dropped, [(DropReason::Rejected, 2)]);
    take(&mut sink, 5);
    sink.flush()(long()).unwrap();
    take(&mut sink, 1);
    assert!(sink.flush()(long()).is_err());
    take(&mut sink, 1);
    sink.flush()(long()).unwrap();
    let stats = settled(&sink);
    assert_eq!(
        (stats.exported, stats.dropped),
        (9, vec![(DropReason::Rejected, 3)])
    );
}

#[test]
fn connections_that_break() {
    for reply in [
        Reply::HangUp,
        Reply::Raw(Vec::new()),
        Reply::Raw(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        Reply::Raw(b"HTTP/1.1 200".to_vec()),
    ] {
        // Given up.
        let receiver = Receiver::start([reply.clone()]);
        let mut sink = start(&once(&receiver.url));
        take(&mut sink, 4);
        assert!(sink.flush()(long()).unwrap_err().is_export());
        assert_eq!(settled(&sink).dropped, [(DropReason::Unreachable, 4)]);
        // Tried again over another connection.
        let receiver = Receiver::start([reply]);
        let mut sink = start(&config(&receiver.url));
        take(&mut sink, 4);
        sink.flush()(long()).unwrap();
        assert_eq!(settled(&sink).exported, 4);
        assert_eq!(receiver.connections(), 2);
    }
}

#[test]
fn the_queue_is_bounded_in_bytes() {
    let receiver = Receiver::start([Reply::Silence]);
    let mut config = config(&receiver.url);
    config.limits.batch_items = 10;
    config.limits.queue_bytes = 10_000;
    let mut sink = start(&config);
    take(&mut sink, 1000);
    let stats = sink.stats().snapshot();
    let [(DropReason::QueueFull, dropped)] = stats.dropped[..] else {
        panic!("{stats:?}");
    };
    assert_eq!(stats.in_flight + dropped, 1000);
    // About 85 bytes a span: the one that is being sent counts as well.
    assert!((50..=120).contains(&stats.in_flight), "{stats:?}");
    assert!(sink.shutdown(Instant::now()).is_err());
    let stats = settled(&sink);
    assert_eq!(stats.exported, 0);
    assert_eq!(stats.dropped.len(), 2, "{stats:?}");
}

#[test]
fn the_queue_is_bounded_in_spans_if_the_environment_says_so() {
    let receiver = Receiver::start([Reply::Silence]);
    let mut config = config(&receiver.url);
    config.limits.queue_items = 25;
    config.limits.batch_items = 10;
    let mut sink = start(&config);
    take(&mut sink, 100);
    assert_eq!(
        sink.stats().snapshot().dropped,
        [(DropReason::QueueFull, 80)]
    );
    assert!(sink.shutdown(Instant::now()).is_err());
    settled(&sink);
}

#[test]
fn what_is_not_full_waits_for_the_delay() {
    let receiver = Receiver::start([]);
    let mut config = config(&receiver.url);
    config.limits.delay = LONG;
    let mut sink = start(&config);
    take(&mut sink, 3);
    sink.pass_end(true);
    assert_eq!(sink.requests.open.items, 3);
    sink.flush()(long()).unwrap();
    sink.requests.limits.delay = Duration::ZERO;
    take(&mut sink, 3);
    sink.pass_end(true);
    assert_eq!(sink.requests.open.items, 0);
    sink.shutdown(long()).unwrap();
    assert_eq!(settled(&sink).exported, 6);
}

#[test]
fn what_was_sent_leaves_room_for_more() {
    let receiver = Receiver::start([]);
    let mut config = config(&receiver.url);
    config.limits.queue_bytes = 10_000;
    let mut sink = start(&config);
    for _ in 0..10 {
        take(&mut sink, 50);
        sink.flush()(long()).unwrap();
    }
    assert_eq!(settled(&sink).exported, 500);
}

#[test]
fn a_sender_that_breaks_down_is_counted_and_waited_for_by_nobody() {
    struct Broken;
    impl Transport for Broken {
        fn send(&mut self, _: &Arc<Batch>, _: Duration) -> Answer {
            panic!("a dependency")
        }
    }
    let config = config("http://127.0.0.1:1");
    let target = config.target(Signal::Traces).unwrap().unwrap();
    let broken = Box::new(Broken);
    let mut sink = OtlpSpanSink::start(&target, broken, config.limits, &resource(), None).unwrap();
    take(&mut sink, 3);
    assert!(sink.flush()(long()).unwrap_err().is_export());
    settled(&sink);
    // Nobody is there to take more.
    take(&mut sink, 2);
    assert!(sink.shutdown(long()).unwrap_err().is_export());
    assert_eq!(settled(&sink).dropped_total(), 5);
}

#[test]
fn a_span_above_every_limit_is_dropped_alone() {
    let receiver = Receiver::start([]);
    let mut sink = start(&config(&receiver.url));
    (sink.requests.longest, sink.requests.most) = (10_000, 10_000);
    let site = callsite(&["text"], &[]);
    let with_text = |n: usize| Fixture::new(site, vec![Value::from_str(&"x".repeat(n))]);
    take(&mut sink, 2);
    sink.span(&with_text(20_000).view());
    let error = sink.flush()(long()).unwrap_err().to_string();
    assert!(
        error.contains("1 spans") && error.contains("too_large"),
        "{error}"
    );
    // Two that fit one by one but not together.
    sink.span(&with_text(6000).view());
    sink.span(&with_text(6000).view());
    take(&mut sink, 1);
    sink.flush()(long()).unwrap();
    let counts = [receiver.next(), receiver.next(), receiver.next()].map(|r| spans(&r.body).len());
    assert_eq!(counts, [2, 1, 2]);
    let stats = settled(&sink);
    assert_eq!((stats.taken, stats.exported), (6, 5));
    assert_eq!(stats.dropped, [(DropReason::TooLarge, 1)]);
}

#[test]
fn bodies_can_be_compressed() {
    use std::io::Read as _;
    let receiver = Receiver::start([]);
    let mut sink = start(&config(&receiver.url).compression(Compression::Gzip));
    take(&mut sink, 100);
    sink.flush()(long()).unwrap();
    let request = receiver.next();
    assert!(request.head.contains("content-encoding: gzip\r\n"));
    assert!(request.body.len() < 2000);
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&request.body[..])
        .read_to_end(&mut body)
        .unwrap();
    assert_eq!(spans(&body).len(), 100);
}

#[test]
fn the_longest_of_all_timeouts_is_a_timeout() {
    let receiver = Receiver::start([]);
    let mut sink = start(&config(&receiver.url).timeout(Duration::MAX));
    take(&mut sink, 2);
    sink.shutdown(long()).unwrap();
    assert_eq!(settled(&sink).exported, 2);
}
