use super::*;

// bug: with a clock that was an hour behind, a date in a minute meant a pause of 61
#[test]
fn a_date_is_compared_with_the_date_of_the_answer() {
    let mut headers = HeaderMap::new();
    let mut pause = |name, value: &'static str| {
        headers.insert(name, value.parse().unwrap());
        asked_pause(&headers)
    };
    // Without a date of the answer the system's clock decides.
    assert_eq!(
        pause("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
        Some(Duration::ZERO)
    );
    assert_eq!(
        pause("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        Some(Duration::from_secs(60))
    );
    assert_eq!(pause("date", "nonsense"), Some(Duration::ZERO));
}

#[test]
fn only_addresses_are_known_without_a_name_server() {
    for (url, is_address) in [
        ("http://192.0.2.1:4318/v1/traces", true),
        ("https://[2001:db8::1]/", true),
        ("http://collector:4318", false),
        ("http://1.example.com/", false),
    ] {
        assert_eq!(names_address(url), is_address, "{url}");
    }
    let hosts = ["localhost", "LOCALHOST", "127.0.0.9", "::1", "[::1]"];
    assert!(hosts.into_iter().all(is_loopback));
    let hosts = ["127.example.com", "192.0.2.1", "localhost.example.com"];
    assert!(!hosts.into_iter().any(is_loopback));
}

#[test]
fn a_request_goes_through_the_proxy_that_was_found() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let found = Found {
        variable: "http_proxy",
        url: listener.local_addr().unwrap().to_string(),
    };
    let proxy = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n");
        line
    });
    let url = "http://receiver.invalid:4318/v1/traces";
    let tls = Certificates::builder().build();
    let client = HttpClient::with_proxy(url, false, tls, Some(&found));
    assert!(
        client
            .post(Duration::from_secs(60))
            .send(&b"body"[..])
            .is_err()
    );
    assert_eq!(
        proxy.join().unwrap(),
        "CONNECT receiver.invalid:4318 HTTP/1.1\r\n"
    );
}

#[test]
fn a_proxy_that_nobody_can_speak_to_is_left_out() {
    let proxy = |url: &str| {
        let (variable, url) = ("ALL_PROXY", url.to_owned());
        usable(&Found { variable, url }).is_some()
    };
    for url in ["http://proxy:3128", "https://user:word@proxy", "proxy:3128"] {
        assert!(proxy(url), "{url}");
    }
    for url in ["socks5://proxy", "ftp://proxy", "http://", "two words"] {
        assert!(!proxy(url), "{url}");
    }
}
