use super::*;

/// The variable that is followed.
fn variable(url: &str, set: &[(&str, &str)]) -> Option<&'static str> {
    let env = |name: &str| Some(set.iter().find(|(n, _)| *n == name)?.1.to_owned());
    find(url, env).map(|found| found.variable)
}

// bug: `HTTPS_PROXY` alone led requests to an `http://` receiver astray.
#[test]
fn each_scheme_has_its_proxy() {
    let (http, https) = ("http://collector:4318/v1/traces", "https://collector:4318/");
    let https_only = [("HTTPS_PROXY", "http://proxy:3128")];
    assert_eq!(variable(http, &https_only), None);
    assert_eq!(variable(https, &https_only), Some("HTTPS_PROXY"));
    let http_only = [("http_proxy", "proxy:3128")];
    assert_eq!(variable(http, &http_only), Some("http_proxy"));
    assert_eq!(variable(https, &http_only), None);
    let all = [
        ("ALL_PROXY", "http://proxy"),
        ("https_proxy", ""),
        ("HTTP_PROXY", "http://other"),
    ];
    assert_eq!(variable(https, &all), Some("ALL_PROXY"));
    assert_eq!(variable(http, &all), Some("HTTP_PROXY"));
    // A header `Proxy` of a stranger, in a CGI program.
    let cgi = [("HTTP_PROXY", "http://evil"), ("REQUEST_METHOD", "GET")];
    assert_eq!(variable(http, &cgi), None);
    let both = [
        ("https_proxy", "http://one"),
        ("HTTPS_PROXY", "http://other"),
    ];
    assert_eq!(variable(https, &both), Some("https_proxy"));
}

#[test]
fn no_proxy_leads_to_this_machine() {
    let all = [("all_proxy", "http://proxy")];
    for url in [
        "http://localhost:4318",
        "http://127.0.0.1:4318",
        "http://[::1]:4318",
    ] {
        assert_eq!(variable(url, &all), None, "{url}");
    }
}

// bug: networks, ports and endings of names in `NO_PROXY` were not honoured.
#[test]
fn what_no_proxy_names_is_reached_directly() {
    let direct = [
        ("http://10.1.2.3:4318", "10.0.0.0/8"),
        ("http://10.1.2.3:4318", "192.0.2.1, 10.1.2.3"),
        ("http://10.1.2.3:4318", "0.0.0.0/0"),
        ("http://[2001:db8::7]:4318", "2001:db8::/32"),
        ("http://[2001:db8::7]:4318", "[2001:db8::7]:4318"),
        ("http://collector:4318", "collector:4318"),
        ("https://collector", "collector:443"),
        ("http://otel.prod.svc.cluster.local:4318", "cluster.local"),
        ("http://otel.prod.svc.cluster.local:4318", ".cluster.local"),
        (
            "http://otel.prod.svc.cluster.local.:4318",
            "*.cluster.local:4318",
        ),
        ("http://cluster.local", ".cluster.local"),
        ("http://Collector.Example.com", "example.COM"),
        ("http://collector", "other *"),
    ];
    let proxied = [
        ("http://11.1.2.3:4318", "10.0.0.0/8"),
        ("http://10.1.2.3:4318", "10.0.0.0/33"),
        ("http://10.1.2.3:4318", "2001:db8::/32"),
        ("http://10.1.2.3:4318", "2.3"),
        ("http://[2001:db9::7]:4318", "2001:db8::/32"),
        ("http://collector:4318", "collector:4317"),
        ("http://collector", "collector:443"),
        ("http://mycluster.local", "cluster.local"),
        ("http://cluster.local.example.com", "cluster.local"),
        ("http://collector", ", ."),
    ];
    for name in ["no_proxy", "NO_PROXY"] {
        let of = |url, entries| variable(url, &[("ALL_PROXY", "http://proxy"), (name, entries)]);
        for (url, entries) in direct {
            assert_eq!(of(url, entries), None, "{url} {entries}");
        }
        for (url, entries) in proxied {
            assert_eq!(of(url, entries), Some("ALL_PROXY"), "{url} {entries}");
        }
    }
}
