use obs_tests_provider::{Answer, Format, Tokens, body};
use proptest::prelude::*;

use super::*;
use crate::llm::usage::Usage;
use crate::llm::wire::read_text;

fn answer(pieces: usize) -> Answer {
    let tokens = Tokens {
        input: 1_000,
        output: 80,
        cache_read: 300,
        ..Tokens::default()
    };
    Answer::new("m-1", vec!["wörd "; pieces], tokens)
}

fn content_type(format: Format, stream: bool) -> &'static str {
    match (format, stream) {
        (_, false) => "application/json",
        (Format::Bedrock, true) => "application/vnd.amazon.eventstream",
        (_, true) => "text/event-stream; charset=utf-8",
    }
}

/// What is read of a body that comes in these pieces.
fn read_in<'a>(kind: &str, pieces: impl Iterator<Item = &'a [u8]>) -> LlmResponse {
    let mut all = LlmResponse::new();
    let mut body = Body::of(kind);
    let mut say = |answer| all.merge(answer);
    for piece in pieces {
        body.take(piece, &mut say);
    }
    body.end(&mut say);
    all
}

proptest! {
    #[test]
    fn a_body_is_read_in_whatever_pieces_it_comes(
        format in prop::sample::select(Format::OF_TEXT.to_vec()),
        stream in any::<bool>(),
        count in 0_usize..5,
        size in 1_usize..400,
    ) {
        let bytes = body(format, stream, &answer(count)).concat();
        let read = read_in(content_type(format, stream), bytes.chunks(size));
        let usage = read.usage.unwrap();
        prop_assert_eq!(usage.input_tokens(), Some(1_000));
        prop_assert_eq!(usage.output_tokens(), Some(80));
        prop_assert_eq!(usage.cache_read_tokens(), Some(300));
        prop_assert_eq!(usage.source(), crate::llm::Source::Provider);
        // Of what is cut off, never more.
        let part = read_in(content_type(format, stream), bytes[..bytes.len() / 2].chunks(size));
        let usage = part.usage.unwrap_or_default();
        prop_assert!(usage.output_tokens().unwrap_or(0) <= 80);
    }

    #[test]
    fn arbitrary_bytes_never_fail(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        size in 1_usize..40,
        kind in prop::sample::select(vec![
            "application/json", "text/event-stream", "application/vnd.amazon.eventstream", "text/html", "",
        ]),
    ) {
        read_in(kind, bytes.chunks(size));
    }
}

#[test]
fn lines_end_in_each_way_that_there_is() {
    let event = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#;
    for end in ["\n\n", "\r\n\r\n", "\r\r", ""] {
        for space in ["", " "] {
            let text = format!(": hello{end}event: x{end}data:{space}{event}{end}");
            let text = if end.is_empty() {
                format!("data:{event}")
            } else {
                text
            };
            let read = read_in("text/event-stream", text.as_bytes().chunks(3));
            assert_eq!(read.usage, Some(Usage::new(9, 1)), "{text:?}");
        }
    }
}

#[test]
fn what_is_too_long_is_left_out_and_what_follows_is_read() {
    let long = vec![b'x'; MOST + 1];
    let event =
        b"\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n";
    let read = read_in("text/event-stream", [&long[..], &event[..]].into_iter());
    assert_eq!(read.usage, Some(Usage::new(9, 1)));
    let mut json = Body::of("application/json");
    json.take(&long, &mut |_| panic!("nothing is said"));
    assert_eq!(json.held.capacity(), 0);
    json.end(&mut |_| panic!("nothing is said"));
}

/// What a body says that comes in pieces of this size.
fn pieces(kind: &str, body: &[u8], size: usize) -> (Option<LlmResponse>, usize) {
    let mut read = Body::of(kind);
    let mut all: Option<LlmResponse> = None;
    let mut held = 0;
    let mut say = |later| match &mut all {
        Some(all) => all.merge(later),
        None => all = Some(later),
    };
    for piece in body.chunks(size) {
        read.take(piece, &mut say);
        held = held.max(read.held.len());
    }
    read.end(&mut say);
    (all, held)
}

// bug: an answer was held whole, with all of its texts.
#[test]
fn the_texts_of_an_answer_are_not_held() {
    let texts = [
        "a".repeat(100_000),
        "\\\\\"quoted\" \\u00e9 \\ud83d\\ude00 ".repeat(5_000),
        "äöü 😀".repeat(20_000),
    ];
    for text in texts {
        let text = text.replace("\\\\\"quoted\"", "\\\\\\\"quoted\\\"");
        let json = format!(
            r#"{{"id":"c-1","object":"chat.completion","model":"m","choices":[{{"index":0,"message":
            {{"content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":7,"completion_tokens":3}}}}"#
        );
        let events = format!("data: {}\n\n", json.replace('\n', ""));
        let whole = read_text(json.as_bytes()).expect("it is JSON");
        for size in [1, 7, 1_000, json.len()] {
            let (said, held) = pieces("application/json", json.as_bytes(), size);
            assert_eq!(said.as_ref(), Some(&whole));
            assert!(held < 2_000, "{held} bytes are held");
            let (said, held) = pieces(EVENTS, events.as_bytes(), size);
            assert_eq!(said.as_ref(), Some(&whole));
            assert!(held < 2_000, "{held} bytes are held");
        }
    }
}
