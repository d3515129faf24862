use std::borrow::Cow;

use super::*;
use crate::testing::capture;
use crate::{Span, span};

/// Text whose conversion tells of the entered span, and of another one.
struct Talks<'a>(&'a Span);

impl From<Talks<'_>> for Cow<'static, str> {
    fn from(talks: Talks<'_>) -> Self {
        set_attribute("here", 1);
        talks.0.set_attribute("there", 2);
        "told".into()
    }
}

#[test]
fn what_is_told_may_tell_more() {
    let captured = capture(|| {
        span!("work").in_scope(|span| {
            set_attribute(Talks(span), true);
            set_name(Talks(span));
            add_event(Talks(span));
            add_event_with(Talks(span), [(Talks(span), 3)]);
            set_error(Talks(span), "password=hunter2");
            span.set_attribute(Talks(span), true);
            span.add_event_with(Talks(span), [(Talks(span), 4)]);
        });
    });
    let span = captured.span("told");
    assert_eq!(span.attribute("here"), Some(&1.into()));
    assert_eq!(span.attribute("there"), Some(&2.into()));
    assert_eq!(span.attribute("told"), Some(&true.into()));
    let error = span.error.as_ref().unwrap();
    assert_eq!(error.kind, "told");
    assert_eq!(error.message.as_deref(), Some("password=***"));
    for said in [
        vec![],
        vec![("told".into(), 3.into())],
        vec![("told".into(), 4.into())],
    ] {
        let events = &span.events;
        assert!(
            events
                .iter()
                .any(|e| e.name == "told" && e.attributes == said),
            "{events:?}"
        );
    }
    assert_eq!(span.events.len(), 3);
}
