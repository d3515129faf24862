//! Hosts and tokens of requests.

use super::*;

fn request(version: Version, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
    let builder = Request::builder().version(version).uri(uri);
    let with = |b: hyper::http::request::Builder, (k, v): &(&str, &str)| b.header(*k, *v);
    headers
        .iter()
        .fold(builder, with)
        .body(())
        .expect("a request")
}

fn allowed(host: &str, bound: &str) -> bool {
    let request = request(Version::HTTP_11, "/metrics", &[("host", host)]);
    host_allowed(
        &request,
        bound.parse().expect("an address"),
        &["metrics.example".to_owned()],
    )
}

#[test]
fn loopback_names_the_bound_address_and_listed_names_are_allowed() {
    let local = "127.0.0.1:9464";
    for host in [
        "localhost",
        "LOCALHOST:9464",
        "localhost.",
        "127.0.0.1:1",
        "127.8.8.8",
        "[::1]:9464",
        "metrics.example:80",
        "Metrics.Example.",
    ] {
        assert!(allowed(host, local), "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "",
        ":80",
        "localhost:x",
        "[::1",
        "localhost:99999",
        "[fe80::1]",
        "evil@localhost",
    ] {
        assert!(!allowed(host, local), "{host}");
    }
    assert!(allowed("10.0.0.1:9464", "10.0.0.1:9464"));
    assert!(!allowed("10.0.0.2:9464", "10.0.0.1:9464"));
    // Rebinding needs a name: at 0.0.0.0 every literal address is one of this machine.
    assert!(allowed("10.0.0.2:9464", "0.0.0.0:9464"));
    assert!(!allowed("evil.example", "0.0.0.0:9464"));
}

#[test]
fn a_request_names_one_host() {
    let bound = "127.0.0.1:9464".parse().expect("an address");
    let check = |version, uri: &str, headers: &[(&str, &str)]| {
        host_allowed(&request(version, uri, headers), bound, &[])
    };
    assert!(!check(Version::HTTP_11, "/", &[]));
    assert!(check(Version::HTTP_10, "/", &[]));
    assert!(!check(Version::HTTP_10, "/", &[("host", "evil.example")]));
    assert!(!check(
        Version::HTTP_11,
        "/",
        &[("host", "localhost"), ("host", "evil.example")]
    ));
    assert!(!check(
        Version::HTTP_11,
        "http://evil.example/metrics",
        &[("host", "localhost")]
    ));
    assert!(check(
        Version::HTTP_11,
        "http://localhost/metrics",
        &[("host", "localhost")]
    ));
}

#[test]
fn the_token_must_be_the_same() {
    let check = |value: &str| {
        token_allowed(
            &request(Version::HTTP_11, "/", &[("authorization", value)]),
            Some("s3cret"),
        )
    };
    assert!(check("Bearer s3cret") && check("bearer s3cret"));
    for wrong in [
        "Bearer s3cre",
        "Bearer s3cret1",
        "Bearer s3cretsecret",
        "Bearer ",
        "Bearer",
        "s3cret",
        "Basic s3cret",
        "Bearer S3cret",
        "Bearer s3crets3cret",
    ] {
        assert!(!check(wrong), "{wrong}");
    }
    assert!(!token_allowed(
        &request(Version::HTTP_11, "/", &[]),
        Some("s3cret")
    ));
    assert!(token_allowed(&request(Version::HTTP_11, "/", &[]), None));
}
