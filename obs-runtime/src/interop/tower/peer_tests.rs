use proptest::prelude::*;

use super::*;

fn client(header: Header, count: usize, values: &[&str]) -> Option<(String, Option<u16>)> {
    let mut headers = HeaderMap::new();
    for value in values {
        let name = match header {
            Header::Forwarded => header::FORWARDED,
            Header::XForwardedFor => X_FORWARDED_FOR,
        };
        headers.append(name, value.parse().unwrap());
    }
    let found = header.client(count, &headers);
    found.map(|(ip, port)| (ip.to_string(), port))
}

#[allow(clippy::unnecessary_wraps, reason = "to be compared")]
fn is(ip: &str, port: Option<u16>) -> Option<(String, Option<u16>)> {
    Some((ip.to_owned(), port))
}

#[test]
fn the_entry_of_the_last_trusted_proxy_counts() {
    let of = |count, values: &[&str]| client(Header::XForwardedFor, count, values);
    // What a client wrote itself comes first, and does not count.
    let sent = ["6.6.6.6, 203.0.113.9", "10.0.0.1"];
    assert_eq!(of(1, &sent), is("10.0.0.1", None));
    assert_eq!(of(2, &sent), is("203.0.113.9", None));
    assert_eq!(of(3, &sent), is("6.6.6.6", None));
    assert_eq!(of(4, &sent), None);
    assert_eq!(of(0, &sent), None);
    assert_eq!(of(1, &[]), None);
    assert_eq!(of(1, &["203.0.113.9:4711"]), is("203.0.113.9", Some(4711)));
    assert_eq!(of(1, &["2001:db8::1"]), is("2001:db8::1", None));
    assert_eq!(of(1, &["[2001:db8::1]:80"]), is("2001:db8::1", Some(80)));
    assert_eq!(of(1, &["::ffff:203.0.113.9"]), is("203.0.113.9", None));
    for hidden in ["unknown", "_hidden", "", "203.0.113", "[2001:db8::1"] {
        assert_eq!(of(1, &[hidden]), None, "{hidden}");
    }
}

// A client that opens a quote, or writes bytes that are no text, before what the trusted proxies
// append must not choose its address, nor hide it.
#[test]
fn what_a_client_writes_does_not_move_the_count() {
    let mut headers = HeaderMap::new();
    let sent = header::HeaderValue::from_bytes(b"6.6.6.6\xff, 203.0.113.9, 10.0.0.1");
    headers.insert(X_FORWARDED_FOR, sent.unwrap());
    let of = |count| {
        let header = Header::XForwardedFor;
        let found = header.client(count, &headers);
        found.map(|(ip, _)| ip.to_string())
    };
    assert_eq!(of(1).as_deref(), Some("10.0.0.1"));
    assert_eq!(of(2).as_deref(), Some("203.0.113.9"));
    assert_eq!(of(3), None);

    let sent = ["6.6.6.6, \", 203.0.113.9, 10.0.0.1"];
    let of = |count| client(Header::XForwardedFor, count, &sent);
    assert_eq!(of(1), is("10.0.0.1", None));
    assert_eq!(of(2), is("203.0.113.9", None));
    for sent in [
        "for=6.6.6.6, for=\", for=203.0.113.9, for=10.0.0.1",
        "for=6.6.6.6, for=\", for=\"[2001:db8::1]\", for=10.0.0.1",
        "for=6.6.6.6, for=\"\\, for=203.0.113.9, for=10.0.0.1",
    ] {
        for count in 1..=4 {
            assert_eq!(client(Header::Forwarded, count, &[sent]), None, "{sent}");
        }
    }
}

/// The values of RFC 7239, sections 4 and 7.1.
#[test]
fn forwarded_is_read_as_its_specification_says() {
    let of = |count, values: &[&str]| client(Header::Forwarded, count, values);
    let quoted = ["For=\"[2001:db8:cafe::17]:4711\""];
    assert_eq!(of(1, &quoted), is("2001:db8:cafe::17", Some(4711)));
    let whole = ["for=192.0.2.60;proto=http;by=203.0.113.43"];
    assert_eq!(of(1, &whole), is("192.0.2.60", None));
    let two = ["for=192.0.2.43, for=198.51.100.17;by=203.0.113.60;proto=http;host=example.com"];
    assert_eq!(of(1, &two), is("198.51.100.17", None));
    assert_eq!(of(2, &two), is("192.0.2.43", None));
    // A separator inside of quotes is none.
    let odd = ["for=192.0.2.1;host=\"a,b;for=6.6.6.6\", by=203.0.113.60;for=192.0.2.2"];
    assert_eq!(of(1, &odd), is("192.0.2.2", None));
    assert_eq!(of(2, &odd), is("192.0.2.1", None));
    assert_eq!(of(1, &["for=\"_gazonk\""]), None);
    assert_eq!(of(1, &["proto=http"]), None);
}

proptest! {
    #[test]
    fn any_headers_are_read_without_a_panic(
        values in proptest::collection::vec(
            prop_oneof!["(?:for=)?[\"\\[]?[0-9a-f:.]{0,20}[\"\\]:;,\\\\ ]{0,3}[0-9]{0,6}", "[ -~]{0,40}"],
            0..4,
        ),
        count in 0..4_usize,
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        client(Header::Forwarded, count, &values);
        client(Header::XForwardedFor, count, &values);
    }
}
