//! Every way out masks the same texts in the same way.

use super::*;
use crate::{AttributeValue, current, traced};

/// A text of each kind of secret, and what leaves of it.
const SAMPLES: &[(&str, &str)] = &[
    ("password=hunter2", "password=***"),
    ("key rk_test_0123456789", "key ***"),
    (
        r#"{"name":"DB_PASSWORD","value":"hunter2"}"#,
        r#"{"name":"DB_PASSWORD","value":"***"}"#,
    ),
    ("mysql -u root -phunter2", "mysql -u root -p***"),
    ("the password is hunter2", "the password is ***"),
    ("postgres://u:hunter2@db", "postgres://u:***@db"),
    (
        "/etc/passwd: permission denied",
        "/etc/passwd: permission denied",
    ),
];

#[traced(name = format!("{text}"), fields(text))]
fn leaves(text: &str) -> Result<(), String> {
    current::set_attribute("late", text.to_owned());
    current::set_attribute("list", vec![text.to_owned(), "x".to_owned()]);
    current::set_attribute("otp", 123_456);
    current::set_attribute("has_token", true);
    current::add_event_with(text.to_owned(), [("inside", text.to_owned())]);
    Err(text.to_owned())
}

#[traced]
fn fails(text: &str) {
    current::set_error(text.to_owned(), text);
}

// bug: names of events and `error.type` showed what every other way masks, and so did numbers
#[test]
fn every_way_of_a_span_masks_alike() {
    for (text, masked) in SAMPLES {
        let captured = capture(|| {
            assert!(leaves(text).is_err());
            fails(text);
        });
        let span = captured.span(masked);
        let masked_text = || AttributeValue::from((*masked).to_owned());
        assert_eq!(span.attribute("text"), Some(&masked_text()));
        assert_eq!(span.attribute("late"), Some(&masked_text()));
        let list = AttributeValue::StringArray(vec![(*masked).into(), "x".into()]);
        assert_eq!(span.attribute("list"), Some(&list));
        assert_eq!(span.attribute("otp"), Some(&AttributeValue::from("***")));
        assert_eq!(
            span.attribute("has_token"),
            Some(&AttributeValue::Bool(true))
        );
        assert_eq!(span.events[0].name, *masked);
        assert_eq!(span.events[0].attributes[0].1, masked_text());
        let error = span.error.as_ref().unwrap();
        assert_eq!(error.message.as_deref(), Some(*masked));
        let error = captured.span("fails").error.as_ref().unwrap();
        assert_eq!(
            (&*error.kind, error.message.as_deref()),
            (*masked, Some(*masked))
        );
    }
}

#[test]
fn every_way_of_a_log_record_masks_alike() {
    for (text, masked) in SAMPLES {
        let mut record = crate::logs::LogRecord {
            unix_nanos: 0,
            level: crate::callsite::Level::Info,
            event_name: Some((*text).into()),
            target: "app".into(),
            body: Some((*text).into()),
            attributes: vec![
                ("field".into(), (*text).into()),
                ("otp".into(), 123_456.into()),
            ],
            context: None,
        };
        record.redact();
        assert_eq!(record.body.as_deref(), Some(*masked));
        assert_eq!(record.event_name.as_deref(), Some(*masked));
        assert_eq!(record.attribute("field"), Some(&(*masked).into()));
        assert_eq!(record.attribute("otp"), Some(&"***".into()));
    }
}

#[cfg(feature = "alert")]
#[test]
fn every_way_of_an_alert_masks_alike() {
    use crate::alert::{Alert, Severity};
    for (text, masked) in SAMPLES {
        let alert = Alert::new(Severity::Error, *text)
            .message(*text)
            .detail("seen", text)
            .label("seen", *text)
            .redacted();
        assert_eq!((&*alert.title, &*alert.message), (*masked, *masked));
        let json: serde_json::Value = serde_json::from_str(&alert.to_json()).unwrap();
        for place in ["/title", "/message", "/details/seen", "/labels/seen"] {
            assert_eq!(json.pointer(place), Some(&(*masked).into()), "{place}");
        }
    }
}

#[cfg(feature = "tracing")]
#[test]
fn a_line_of_tracing_masks_alike() {
    use tracing_subscriber::layer::SubscriberExt as _;
    for (text, masked) in SAMPLES {
        let captured = capture(|| {
            let subscriber = tracing_subscriber::registry().with(crate::interop::tracing::layer());
            tracing::subscriber::with_default(subscriber, || {
                let _span = tracing::info_span!("inside", field = *text).entered();
                tracing::info!(field = *text, "{text}");
            });
        });
        let span = captured.span("inside");
        assert_eq!(span.attribute("field"), Some(&(*masked).into()));
        let log = &captured.logs[0];
        assert_eq!(log.body.as_deref(), Some(*masked));
        assert_eq!(log.attribute("field"), Some(&(*masked).into()));
    }
}
