use super::*;

#[test]
fn a_url_shows_who_is_to_be_reached() {
    for (url, shown) in [
        ("http://localhost:4318", "http://localhost:4318"),
        ("https://otel.example.com/", "https://otel.example.com/"),
        (
            "https://otel.example.com/token/v1",
            "https://otel.example.com/…",
        ),
        (
            "https://otel.example.com?key=token",
            "https://otel.example.com/…",
        ),
        ("http://user:token@host:1/x", "http://host:1/…"),
        ("https://token@host", "https://host"),
        ("http://[::1]:4318/x#token", "http://[::1]:4318/…"),
        ("ftp://host/token", "ftp://host/…"),
        ("localhost:4318", "localhost:4318"),
        ("127.0.0.1:4318/token", "127.0.0.1:4318/…"),
        ("hooks.slack.com/services/token", "hooks.slack.com/…"),
    ] {
        assert_eq!(shown_url(url), shown, "{url}");
    }
}

// bug: a URL with a mistake was shown with the token in it.
#[test]
fn what_is_no_url_shows_nothing() {
    const TOKEN: &str = "T0123456/B0123456/secretsecretsecret";
    for text in [
        format!("https//hooks.slack.com/services/{TOKEN}"),
        format!("https:hooks.slack.com/services/{TOKEN}"),
        format!("https:/hooks.slack.com/services/{TOKEN}"),
        format!("hooks slack com {TOKEN}"),
        format!(" {TOKEN} "),
        TOKEN.replace('/', "-"),
        TOKEN.replace('/', "."),
        format!("{}.com", TOKEN.replace('/', "-")),
        format!("http://user:{TOKEN}@host/x"),
        format!("http://{TOKEN}@host/x"),
        format!("http://user:{}@ho st/x", TOKEN.replace('/', "")),
        format!("http://host:{}/x", TOKEN.replace('/', "")),
        format!("user:{}@host:80", TOKEN.replace('/', "")),
        format!("{TOKEN}://host/x"),
        format!("http:\\\\host\\{TOKEN}"),
        format!("https://host\\{TOKEN}"),
        String::new(),
    ] {
        let shown = shown_url(&text);
        assert!(
            !shown.contains("secret") && !shown.contains("0123456"),
            "{text}: {shown}"
        );
    }
}

#[test]
fn a_value_that_is_no_url_is_shown_as_it_is() {
    assert_eq!(shown_value("always on"), "always on");
    assert_eq!(shown_value("http://host/token"), "http://host/…");
    assert_eq!(shown_value("user:token@host"), "…");
}
