//! What an answer of success must look like to count as one.

use super::tests::{config, long, settled, start, take};
use super::*;
use crate::exporter::otlp::receiver::{Receiver, Reply};

const HTML: &str = "content-type: text/html; charset=utf-8\r\n";
const JSON: &str = "content-type: application/json\r\n";
const PROTOBUF: &str = "content-type: application/x-protobuf\r\n";

fn reply(headers: &'static str, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Status(200, headers, body.into())
}

#[test]
fn what_may_be_the_answer_of_an_otlp_receiver_is_one() {
    let broken = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec();
    let receiver = Receiver::start([
        reply(JSON, "{}"),
        reply(JSON, " { \"partialSuccess\" : { } }\n"),
        reply(PROTOBUF, ""),
        // What frameworks add to an answer without a body.
        reply(HTML, ""),
        reply("", ""),
        Reply::Status(204, "", Vec::new()),
        // It breaks off after the acknowledgement.
        Reply::Raw(broken),
    ]);
    let mut sink = start(&config(&receiver.url));
    for _ in 0..7 {
        take(&mut sink, 1);
        sink.flush()(long()).unwrap();
    }
    assert_eq!(settled(&sink).exported, 7);
}

// bug: a login page, or another service, that answers 200 counted as a receiver that took the data.
#[test]
fn what_another_service_answers_is_a_refusal() {
    let page = "<html><title>Sign in</title></html>";
    let replies = [
        reply(HTML, page),
        reply("", page),
        reply("content-type: text/plain\r\n", "OK"),
        reply(JSON, "{\"error\": \"log in first\"}"),
        reply(JSON, "[]"),
        reply(JSON, page),
        reply(PROTOBUF, b"\xff\xff\xff".to_vec()),
        reply("", vec![b'x'; 100_000]),
        Reply::Raw(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 100\r\n\r\nabc"
                .to_vec(),
        ),
    ];
    let count = replies.len() as u64;
    let receiver = Receiver::start(replies);
    let mut sink = start(&config(&receiver.url));
    for n in 1..=count {
        take(&mut sink, 1);
        let error = sink.flush()(long()).unwrap_err().to_string();
        assert!(error.contains("no OTLP answer"), "{error}");
        // It is not sent again: who took it after all has it once.
        receiver.next();
        assert_eq!(settled(&sink).dropped, [(DropReason::Rejected, n)]);
    }
    assert_eq!(receiver.further(), 0);
}

#[test]
fn what_a_receiver_rejects_it_may_say_as_json() {
    for rejected in ["2", "\"2\""] {
        let body = format!("{{\"partialSuccess\": {{\"rejectedSpans\": {rejected}}}}}");
        let receiver = Receiver::start([reply(JSON, body)]);
        let mut sink = start(&config(&receiver.url));
        take(&mut sink, 5);
        assert!(sink.flush()(long()).is_err());
        assert_eq!(settled(&sink).dropped, [(DropReason::Rejected, 2)]);
    }
}
