//! What a program adds to the redaction, and that no exporter sees a secret in an attribute.

use obs_runtime::{
    AttributeValue, Observability, TailSampling, current, trace::SpanRecord, traced,
};
use obs_tests::cases::{message, text_of};
use obs_tests::exporters::Kept;
use obs_tests::own_process;

#[traced(name = format!("GET {url}"), fields(url, short = "pwd=12", n = 5, ok = true))]
fn request(url: &str) -> Result<(), String> {
    current::set_attribute("api_key", "abc".to_owned());
    current::set_attribute("colleague", "bob@corp.example".to_owned());
    current::set_attribute("author", "Jane".to_owned());
    current::set_attribute(
        "headers",
        vec!["accept: x".to_owned(), "cookie: a=b".to_owned()],
    );
    current::add_event_with("asked", [("staff", "EMP-123456"), ("token", "x")]);
    Err(format!("{url} refused EMP-123456 and EMP-12"))
}

fn spans(builder: obs_runtime::Builder) -> Vec<SpanRecord> {
    let kept = Kept::default();
    let obs = builder.record_exporter(kept.clone()).install().unwrap();
    assert!(request("https://u:p@x.test/?token=abcdef&page=2").is_err());
    obs.shutdown().unwrap();
    kept.spans()
}

#[test]
fn nothing_secret_is_exported() {
    own_process!();
    let error = Observability::builder()
        .redact_pattern("all words", "*")
        .install()
        .unwrap_err();
    assert!(
        error.is_config() && error.to_string().contains("all words"),
        "{error}"
    );

    let masked = "https://u:***@x.test/?token=***&page=2";
    let additions = || {
        Observability::builder()
            .redact_pattern("employee number", "EMP-######")
            .redact_with(|text| {
                text.contains("@corp.example")
                    .then(|| "<colleague>".to_owned())
            })
    };
    let tail = TailSampling::new().keep_errors();
    for builder in [additions(), additions().tail_sampling(tail)] {
        let spans = spans(builder);
        let [span] = &*spans else { panic!("{spans:?}") };
        assert_eq!(span.name, format!("GET {masked}"));
        assert_eq!(text_of(span.attribute("url")), masked);
        assert_eq!(
            text_of(span.attribute("short")),
            "pwd=12",
            "what the compiler saw is no secret"
        );
        assert_eq!(span.attribute("n"), Some(&AttributeValue::I64(5)));
        assert_eq!(text_of(span.attribute("api_key")), "***");
        assert_eq!(text_of(span.attribute("colleague")), "<colleague>");
        assert_eq!(text_of(span.attribute("author")), "Jane");
        let headers = AttributeValue::StringArray(vec!["accept: x".into(), "cookie: ***".into()]);
        assert_eq!(span.attribute("headers"), Some(&headers));
        let staff = [
            ("staff".into(), "***".into()),
            ("token".into(), "***".into()),
        ];
        assert_eq!(span.events[0].attributes, staff);
        assert_eq!(
            message(span),
            Some(&*format!("{masked} refused *** and EMP-12"))
        );
    }

    // What was added goes with its Observability; attributes are left alone where it is asked.
    let plain = spans(Observability::builder().redact_attributes(false));
    assert_eq!(
        text_of(plain[0].attribute("url")),
        "https://u:p@x.test/?token=abcdef&page=2"
    );
    assert_eq!(
        message(&plain[0]),
        Some(&*format!("{masked} refused EMP-123456 and EMP-12"))
    );
}
