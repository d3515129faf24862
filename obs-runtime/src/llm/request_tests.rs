use super::*;
use proptest::prelude::*;

fn server(text: &str) -> Option<(String, Option<u16>)> {
    text.into_server()
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what may be none")]
fn is(address: &str, port: impl Into<Option<u16>>) -> Option<(String, Option<u16>)> {
    Some((address.to_owned(), port.into()))
}

#[test]
fn a_server_is_read_from_what_programs_have_of_it() {
    for (text, expected) in [
        ("https://api.openai.com/v1", is("api.openai.com", 443)),
        ("http://localhost", is("localhost", 80)),
        ("HTTPS://API.OpenAI.com:8443", is("api.openai.com", 8443)),
        (" https://api.x.ai ", is("api.x.ai", 443)),
        ("127.0.0.1:4010", is("127.0.0.1", 4010)),
        ("api.anthropic.com", is("api.anthropic.com", None)),
        ("grpc://models:50051/", is("models", 50051)),
        ("http://[::1]:8080/v1", is("::1", 8080)),
        ("[fe80::1]", is("fe80::1", None)),
        ("2001:db8::1", is("2001:db8::1", None)),
        ("unix:///run/model.sock", is("/run/model.sock", None)),
        ("unix:/run/model.sock", is("/run/model.sock", None)),
        ("/tmp/my.sock", is("/tmp/my.sock", None)),
    ] {
        assert_eq!(server(text), expected, "{text}");
    }
    for text in [
        "",
        "https://",
        "https:///v1",
        "a b",
        "host:port",
        "host:70000",
        "[::1",
        "?x",
    ] {
        assert_eq!(server(text), None, "{text}");
    }
}

#[test]
fn nothing_secret_of_a_url_is_kept() {
    let secret = "https://user:hunter2@gateway.example:8443/keys/hunter2?key=hunter2#hunter2";
    assert_eq!(server(secret), is("gateway.example", 8443));
    assert_eq!(
        server("user:hunter2@gateway.example"),
        is("gateway.example", None)
    );
}

#[test]
fn a_server_has_many_types() {
    let url = "http://host:1/".to_owned();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 4010));
    let expected = is("host", 1);
    assert_eq!((&url).into_server(), expected);
    assert_eq!((&Some(&*url)).into_server(), expected);
    assert_eq!((&&*url).into_server(), expected);
    assert_eq!(("host", 1).into_server(), expected);
    assert_eq!((&("host".to_owned(), 1)).into_server(), expected);
    assert_eq!((&Cow::Borrowed("host:1")).into_server(), expected);
    assert_eq!(Some(url).into_server(), expected);
    assert_eq!((&address).into_server(), is("127.0.0.1", 4010));
    assert_eq!((&None::<String>).into_server(), None);
    assert_eq!(("", 1).into_server(), None);
}

/// Each part is something, and says which of two requests it is of.
fn whole(n: u8) -> Request {
    let (number, text) = (f64::from(n), n.to_string());
    Request::new()
        .max_tokens(u64::from(n))
        .max_input_tokens(u64::from(n))
        .server(text.clone(), u16::from(n))
        .stream()
        .temperature(number)
        .top_p(number)
        .top_k(u64::from(n))
        .frequency_penalty(number)
        .presence_penalty(number)
        .seed(i64::from(n))
        .choices(u64::from(n))
        .stop_sequences([text.clone()])
        .encoding_formats([text.clone()])
        .reasoning_level(text.clone())
        .output_type(text.clone())
        .tier(text.clone())
        .prompt(text.clone())
        .prompt_version(text.clone())
        .conversation(text.clone())
        .previous_response(text)
}

#[test]
fn what_a_later_request_says_counts_and_what_it_does_not_say_stays() {
    let mut all = whole(1);
    all.merge(Request::new());
    assert_eq!(all, whole(1));
    all.merge(whole(2));
    assert_eq!(all, whole(2));
    // Of the two maxima the higher is taken, as either request may be the dear one.
    all.merge(whole(1));
    assert_eq!(all, whole(1).max_tokens(2).max_input_tokens(2));
    let mut none = Request::new();
    none.merge(whole(1));
    assert_eq!(none, whole(1));
}

proptest! {
    #[test]
    fn any_text_is_a_server_or_none(text in ".{0,40}") {
        if let Some((address, _)) = server(&text) {
            prop_assert!(!address.is_empty());
            prop_assert!(!address.contains(['?', '#']) || address.starts_with('/'));
        }
    }
}
