//! What a program adds to the redaction, and that no exporter sees a secret in an attribute.

use std::sync::{Arc, Mutex};

use obs_runtime::{
    AttributeValue, Error, Observability, RecordExporter, SpanRecord, TailSampling, current, traced,
};
use obs_tests::own_process;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanRecord>>>);

impl RecordExporter for Kept {
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

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
    std::mem::take(&mut *kept.0.lock().unwrap())
}

fn text(span: &SpanRecord, key: &str) -> String {
    match span.attribute(key) {
        Some(AttributeValue::String(text)) => text.clone().into_owned(),
        other => panic!("{key}: {other:?}"),
    }
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
        assert_eq!(text(span, "url"), masked);
        assert_eq!(
            text(span, "short"),
            "pwd=12",
            "what the compiler saw is no secret"
        );
        assert_eq!(span.attribute("n"), Some(&AttributeValue::I64(5)));
        assert_eq!(text(span, "api_key"), "***");
        assert_eq!(text(span, "colleague"), "<colleague>");
        assert_eq!(text(span, "author"), "Jane");
        let headers = AttributeValue::StringArray(vec!["accept: x".into(), "cookie: ***".into()]);
        assert_eq!(span.attribute("headers"), Some(&headers));
        let staff = [
            ("staff".into(), "***".into()),
            ("token".into(), "***".into()),
        ];
        assert_eq!(span.events[0].attributes, staff);
        let message = span.error.as_ref().unwrap().message.as_deref();
        assert_eq!(message, Some(&*format!("{masked} refused *** and EMP-12")));
    }

    // What was added goes with its Observability; attributes are left alone where it is asked.
    let plain = spans(Observability::builder().redact_attributes(false));
    assert_eq!(
        text(&plain[0], "url"),
        "https://u:p@x.test/?token=abcdef&page=2"
    );
    let message = plain[0].error.as_ref().unwrap().message.as_deref();
    assert_eq!(
        message,
        Some(&*format!("{masked} refused EMP-123456 and EMP-12"))
    );
}
