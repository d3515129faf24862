//! What `health` says of receivers that do not take what is sent to them.
// bug: nothing, whatever an OTLP receiver answered.

use std::time::Duration;

use super::tests::{config, long, start, take};
use super::*;
use crate::exporter::otlp::fixtures::{Fixture, callsite};
use crate::exporter::otlp::receiver::{LONG, Receiver, Reply, ok};
use crate::trace::Value;

fn problems(sink: &OtlpSpanSink) -> Vec<String> {
    sink.stats().problems()
}

#[test]
fn the_last_failure_is_said_until_there_is_a_success() {
    let page = Reply::Status(200, "content-type: text/html\r\n", b"<html>".to_vec());
    let partial = Reply::Status(200, "", b"\x0a\x0b\x08\x02\x12\x07no name".to_vec());
    let rows = [
        (
            Reply::Status(401, "", Vec::new()),
            ["answered 401", "check the key"],
        ),
        (
            Reply::Status(404, "", Vec::new()),
            ["answered 404", "check the path"],
        ),
        (
            Reply::Status(400, "", b"no".to_vec()),
            ["answered 400 Bad Request: no", "(since 20"],
        ),
        (page, ["no OTLP answer", "check that the endpoint"]),
        (partial, ["rejected 2 of 3", "no name"]),
    ];
    let script = rows.iter().flat_map(|(reply, _)| [reply.clone(), ok()]);
    let receiver = Receiver::start(script);
    let mut sink = start(&config(&receiver.url));
    for (_, expected) in rows {
        take(&mut sink, 3);
        assert!(sink.flush()(long()).is_err());
        let said = problems(&sink);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with(&receiver.url), "{said:?}");
        assert!(
            expected.iter().all(|text| said[0].contains(text)),
            "{said:?}"
        );
        take(&mut sink, 1);
        sink.flush()(long()).unwrap();
        assert_eq!(problems(&sink), [] as [String; 0]);
    }
}

#[test]
fn a_receiver_that_is_tried_again_is_a_problem_meanwhile_and_since_its_first_failure() {
    let busy = || Reply::Status(503, "", Vec::new());
    let receiver = Receiver::start([busy(), busy(), Reply::Silence]);
    let mut sink = start(&config(&receiver.url));
    take(&mut sink, 1);
    sink.pass_end(true);
    let since = |said: &[String]| said[0].split_once("(since ").unwrap().1.to_owned();
    receiver.next();
    receiver.next();
    // Before the third request the second failure was noted, at the latest.
    receiver.next();
    let first = problems(&sink);
    assert!(first[0].contains("answered 503"), "{first:?}");
    drop(receiver);
    assert!(sink.shutdown(long()).is_err());
    let last = problems(&sink);
    assert_ne!(first, last);
    assert_eq!(since(&first), since(&last));
}

#[test]
fn a_full_queue_is_a_problem_until_it_is_empty() {
    let receiver = Receiver::start([Reply::Silence]);
    let mut config = config(&receiver.url);
    config.limits.batch_items = 10;
    config.limits.queue_bytes = 5000;
    let mut sink = start(&config);
    take(&mut sink, 1000);
    assert!(
        problems(&sink)[0].contains("the queue is full"),
        "{:?}",
        problems(&sink)
    );
    drop(receiver);
    assert!(sink.shutdown(long()).is_err());
    assert_eq!(problems(&sink).len(), 1, "{:?}", problems(&sink));
}

#[test]
fn a_path_that_may_hold_a_key_is_not_shown() {
    let receiver = Receiver::start([Reply::Status(404, "", Vec::new())]);
    let mut sink = start(&config(&format!("{}/key/4a5b", receiver.url)));
    sink.span(&Fixture::new(callsite(&["n"], &[]), vec![Value::i64(1)]).view());
    let error = sink.flush()(long()).unwrap_err().to_string();
    let said = problems(&sink).concat();
    assert!(
        !said.contains("4a5b") && !error.contains("4a5b"),
        "{said} {error}"
    );
    assert!(
        said.starts_with(&format!("{}/…: answered 404", receiver.url)),
        "{said}"
    );
}

// bug: a flush waited five seconds for a receiver that was not there.
#[test]
fn a_flush_does_not_wait_for_a_receiver_that_is_not_there() {
    let receiver = Receiver::start([]);
    let url = receiver.url.clone();
    drop(receiver);
    let mut config = config(&url);
    config.limits.backoff = Duration::from_millis(1);
    config.limits.max_backoff = Duration::from_millis(1);
    config.limits.retry_for = LONG * 1000;
    let mut sink = start(&config);
    take(&mut sink, 4);
    let error = sink.flush()(Instant::now() + LONG * 1000).unwrap_err();
    assert!(error.is_export(), "{error}");
    let error = error.to_string();
    let expected =
        "4 spans were not sent yet, because nobody listens there; they will be tried again";
    assert!(error.contains(expected), "{error}");
    let account = sink.stats().snapshot();
    assert_eq!((account.in_flight, account.dropped.len()), (4, 0));
}
