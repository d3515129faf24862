//! Which failures become records, and how.

use crate::semconv::{attribute, event};
use crate::testing::{self, Captured};
use crate::{Level, current, logs::LogRecord, trace::SpanError, traced};

#[derive(Debug)]
struct Refused;

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("refused with token=abcdef123")
    }
}

impl core::error::Error for Refused {}

#[traced]
fn outer() -> Result<(), Refused> {
    inner()
}

#[traced]
fn inner() -> Result<(), Refused> {
    Err(Refused)
}

#[traced(kind = "client")]
fn client() -> Result<(), Refused> {
    Err(Refused)
}

#[traced]
fn panics() {
    panic!("the shelf is empty");
}

fn text<'a>(record: &'a LogRecord, key: &str) -> &'a str {
    match record.attribute(key) {
        Some(crate::AttributeValue::String(text)) => text,
        other => panic!("{key} is {other:?}"),
    }
}

/// The record of the only span of that name.
fn of<'a, R>(captured: &'a Captured<R>, name: &str) -> &'a LogRecord {
    let span = captured.span(name);
    let mut found = captured.logs.iter().filter(|r| {
        let context = r.context.unwrap();
        context.span_id() == span.span_id && context.trace_id() == span.trace_id
    });
    let record = found.next().expect("a record");
    assert!(found.next().is_none());
    record
}

#[test]
fn an_error_is_a_record_with_type_message_and_place() {
    let captured = testing::capture(outer);
    assert_eq!(captured.logs.len(), 2);
    let record = of(&captured, "inner");
    assert_eq!(record.event_name.as_deref(), Some(event::EXCEPTION));
    assert_eq!(record.target, module_path!());
    assert!(text(record, attribute::EXCEPTION_TYPE).ends_with("Refused"));
    assert_eq!(
        text(record, attribute::EXCEPTION_MESSAGE),
        "refused with token=***"
    );
    assert!(text(record, attribute::CODE_FUNCTION_NAME).ends_with("::inner"));
    assert!(text(record, attribute::CODE_FILE_PATH).ends_with("exception_tests.rs"));
    // Handled further up, for all that is known there; the end of the trace handled it not.
    assert_eq!(record.level, Level::Warn);
    assert_eq!(of(&captured, "outer").level, Level::Error);
}

#[test]
fn an_error_that_passes_through_is_said_where_it_arose_and_where_nobody_handled_it() {
    #[traced]
    fn middle() -> Result<(), Refused> {
        inner()
    }
    #[traced]
    fn handles() {
        let _ = middle();
    }
    #[traced]
    fn fails() -> Result<(), Refused> {
        middle()
    }
    let handled = testing::capture(handles);
    assert_eq!(handled.logs.len(), 1);
    assert_eq!(of(&handled, "inner").level, Level::Warn);
    let unhandled = testing::capture(fails);
    assert_eq!(unhandled.logs.len(), 2);
    assert_eq!(of(&unhandled, "inner").level, Level::Warn);
    assert_eq!(of(&unhandled, "fails").level, Level::Error);
}

#[test]
fn the_level_of_the_error_is_that_of_the_record() {
    #[traced(err(level = "info"))]
    fn known() -> Result<(), Refused> {
        Err(Refused)
    }
    let captured = testing::capture(known);
    assert_eq!(of(&captured, "known").level, Level::Info);
}

#[test]
fn a_client_is_expected_to_fail_and_a_panic_is_not() {
    let captured = testing::capture(|| {
        let _ = client();
        let _ = std::panic::catch_unwind(panics);
    });
    assert_eq!(of(&captured, "client").level, Level::Warn);
    let panic = of(&captured, "panics");
    assert_eq!(panic.level, Level::Error);
    assert_eq!(text(panic, attribute::EXCEPTION_TYPE), "panic");
}

#[test]
fn what_was_said_already_is_not_said_again() {
    #[traced]
    fn says() -> Result<(), Refused> {
        current::add_event(event::EXCEPTION);
        Err(Refused)
    }
    #[traced]
    fn fine() {}

    let captured = testing::capture(|| {
        let _ = says();
        fine();
    });
    let error: Option<&SpanError> = captured.span("says").error.as_ref();
    assert!(error.is_some());
    assert_eq!(captured.logs, []);
}

#[cfg(feature = "llm")]
#[test]
fn a_model_call_that_fails_is_the_event_of_its_operation() {
    #[crate::llm_call(provider = "openai", model = "m", operation = operation)]
    fn asks(operation: &str) -> Result<(), Refused> {
        Err(Refused)
    }
    #[crate::vector_op(system = "qdrant", operation = "search")]
    fn searches() -> Result<(), Refused> {
        Err(Refused)
    }
    let event = |call: &dyn Fn() -> Result<(), Refused>| {
        let captured = testing::capture(|| call().is_err());
        let [record] = &captured.logs[..] else {
            panic!("{:?}", captured.logs)
        };
        assert_eq!(record.level, Level::Warn);
        record.event_name.clone().unwrap_or_default()
    };
    for (operation, name) in [
        ("chat", "gen_ai.client.inference.exception"),
        ("generate_content", "gen_ai.client.inference.exception"),
        ("text_completion", "gen_ai.client.inference.exception"),
        ("embeddings", "gen_ai.client.operation.exception"),
        ("create_agent", "gen_ai.client.operation.exception"),
    ] {
        assert_eq!(event(&|| asks(operation)), name, "{operation}");
    }
    assert_eq!(event(&searches), "db.client.operation.exception");
}
