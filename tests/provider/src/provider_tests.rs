//! The provider as a client sees it that reads bytes.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

const TOKENS: Tokens = Tokens {
    input: 1_000,
    output: 40,
    cache_read: 300,
    cache_write_5m: 20,
    cache_write_1h: 80,
    reasoning: 10,
    web_searches: 2,
};

fn reply() -> Answer {
    Answer::new("served-1", ["It ", "is ", "so."], TOKENS)
}

/// Sends a request, and returns all bytes that come back, and whether the end was a clean one.
async fn ask(provider: &Provider, format: Format, stream: bool) -> (Vec<u8>, bool) {
    let mut socket = send(provider, format, stream).await;
    let mut bytes = Vec::new();
    let clean = socket.read_to_end(&mut bytes).await.is_ok();
    (bytes, clean)
}

async fn send(provider: &Provider, format: Format, stream: bool) -> TcpStream {
    let body = match format {
        Format::Responses | Format::Embeddings => r#"{"model":"asked-1","input":"hello""#,
        Format::Gemini => r#"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]"#,
        _ => r#"{"model":"asked-1","messages":[{"role":"user","content":"hello"}]"#,
    };
    let options = match (stream, format) {
        (true, Format::Chat) => r#","stream":true,"stream_options":{"include_usage":true}}"#,
        (true, _) => r#","stream":true}"#,
        (false, _) => "}",
    };
    let path = format.path("asked-1", stream);
    let length = body.len() + options.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nx-case: 7\r\nconnection: close\r\n");
    let request = format!("{head}content-length: {length}\r\n\r\n{body}{options}");
    let address = provider.url().replace("http://", "");
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

async fn with(script: Script) -> Provider {
    Provider::start(move |_: &Asked| script.clone())
        .await
        .unwrap()
}

#[tokio::test]
async fn every_format_answers_whole_and_as_a_stream_and_is_billed() {
    let provider = with(Script::answer(reply())).await;
    for format in Format::OF_TEXT {
        for stream in [false, true] {
            let (bytes, clean) = ask(&provider, format, stream).await;
            let text = String::from_utf8_lossy(&bytes);
            assert!(
                clean && text.starts_with("HTTP/1.1 200 OK\r\n"),
                "{format:?}: {text}"
            );
            let words = if stream { "so." } else { "It is so." };
            assert!(text.contains(words), "{format:?}: {text}");
            if !matches!(format, Format::Bedrock) {
                assert!(text.contains("served-1"), "{format:?}: {text}");
            }
            let journal = provider.settle().await.unwrap();
            assert_eq!(journal.len(), 1);
            assert_eq!(journal[0].format, Some(format));
            assert_eq!(journal[0].case.as_deref(), Some("7"));
            assert_eq!((journal[0].billed, journal[0].said), (TOKENS, Some(TOKENS)));
            assert!(journal[0].whole);
        }
    }
}

#[tokio::test]
async fn a_response_is_cut_at_any_byte_and_bills_at_least_what_was_said() {
    let whole = ask(
        &with(Script::answer(reply())).await,
        Format::Anthropic,
        true,
    )
    .await
    .0;
    for byte in 0..=whole.len() {
        let fault = Fault::Cut(At::Byte(byte), Close::Fin);
        let provider = with(Script::answer(reply()).fault(fault).share(0.0)).await;
        let (bytes, _) = ask(&provider, Format::Anthropic, true).await;
        assert_eq!(bytes, whole[..byte]);
        let entry = provider.settle().await.unwrap().remove(0);
        assert_eq!(entry.whole, byte == whole.len());
        let begun = String::from_utf8_lossy(&bytes).contains("\r\n\r\n");
        assert!(begun || entry.said.is_none(), "{byte}: {entry:?}");
        // The input is read before the first token.
        assert_eq!(entry.billed.input, 1_000);
        assert!(entry.billed.output >= entry.said.map_or(0, |said| said.output));
    }
}

#[tokio::test]
async fn a_reset_is_no_clean_end() {
    let fault = Fault::Cut(At::Chunk(2), Close::Reset);
    let provider = with(Script::answer(reply()).fault(fault)).await;
    let (_, clean) = ask(&provider, Format::Chat, true).await;
    assert!(!clean);
}

#[tokio::test]
async fn a_stall_lasts_until_the_client_has_gone() {
    let fault = Fault::Stall(At::Chunk(3));
    let provider = with(Script::answer(reply()).fault(fault).share(0.5)).await;
    let mut socket = send(&provider, Format::Anthropic, true).await;
    let mut bytes = Vec::new();
    // All that comes: the client goes first.
    while !bytes.ends_with(b"{\"type\":\"ping\"}\n\n\r\n") {
        assert!(socket.read_buf(&mut bytes).await.unwrap() > 0);
    }
    drop(socket);
    let entry = provider.settle().await.unwrap().remove(0);
    assert_eq!((entry.whole, entry.billed.output), (false, 20));
}

#[tokio::test]
async fn failures_have_the_form_of_their_format() {
    let script = Script::answer(reply()).fault(Fault::Fails(2));
    for (format, words) in [
        (Format::Chat, "server_error"),
        (Format::Responses, "server_error"),
        (Format::Anthropic, "event: error"),
        (Format::Gemini, "UNAVAILABLE"),
        (Format::Bedrock, "internalServerException"),
    ] {
        let provider = with(script.clone()).await;
        let (bytes, _) = ask(&provider, format, true).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            text.contains(words) && !text.contains("so."),
            "{format:?}: {text}"
        );
        let refusal = Refusal::new(429, "rate_limit_exceeded", "Slow down.").retry_after("3");
        let provider = with(Script::refuse(refusal)).await;
        let (bytes, _) = ask(&provider, format, true).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            text.starts_with("HTTP/1.1 429") && text.contains("retry-after: 3"),
            "{text}"
        );
        let entry = provider.settle().await.unwrap().remove(0);
        assert_eq!((entry.status, entry.billed), (429, Tokens::default()));
    }
}

#[tokio::test]
async fn broken_json_and_chunks_that_come_twice_arrive_as_if_nothing_had_happened() {
    let spoilt = Script::answer(reply()).fault(Fault::WrongJson(0.4));
    let provider = with(spoilt).await;
    let (bytes, clean) = ask(&provider, Format::Chat, false).await;
    let text = String::from_utf8(bytes).unwrap();
    let body = text.split("\r\n\r\n").nth(1).unwrap();
    assert!(clean && serde_json::from_str::<serde_json::Value>(body).is_err());
    assert_eq!(provider.settle().await.unwrap()[0].billed, TOKENS);
    let twice = Script::answer(reply()).fault(Fault::Duplicate(1));
    let (bytes, _) = ask(&with(twice).await, Format::Chat, true).await;
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches(r#""content":"It ""#).count(), 2, "{text}");
}

#[tokio::test]
async fn usage_stands_where_the_script_wants_it() {
    for (reports, places) in [
        (Reports::Usual, 1),
        (Reports::First, 1),
        (Reports::Last, 1),
        (Reports::Both, 2),
        (Reports::Every, 6),
        (Reports::Never, 0),
        (Reports::Zeros, 6),
    ] {
        let mut answer = reply();
        answer.reports = reports;
        let provider = with(Script::answer(answer)).await;
        let (bytes, _) = ask(&provider, Format::Chat, true).await;
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text.matches("prompt_tokens\"").count(),
            places,
            "{reports:?}: {text}"
        );
        let said = provider.settle().await.unwrap()[0].said;
        assert_eq!(
            said.is_some(),
            !matches!(reports, Reports::Never | Reports::Zeros)
        );
    }
}
