//! What a span says of a failure: its causes, its type, and who records it.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use obs_runtime::testing::{Captured, capture};
use obs_runtime::{Span, span, traced};

/// An error with a source that its own text does not repeat.
#[derive(Debug)]
struct Failed<E>(&'static str, E);

impl<E> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<E: Error + 'static> Error for Failed<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.1)
    }
}

fn refused() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused")
}

fn message<R>(captured: &Captured<R>, span: &str) -> String {
    let span = captured.span(span);
    let error = span.error.as_ref().expect("it failed");
    error.message.clone().expect("it has a text")
}

// bug: "connection refused" was nowhere: only the outermost text was recorded.
#[test]
fn causes_are_part_of_the_message() {
    #[traced]
    fn by_source() -> Result<(), Failed<Failed<std::io::Error>>> {
        Err(Failed("no answer", Failed("no connection", refused())))
    }
    #[traced]
    fn boxed() -> Result<(), Box<dyn Error>> {
        Err(Failed("no answer", refused()).into())
    }
    #[traced]
    fn boxed_send() -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(Failed("no answer", refused()).into())
    }
    #[traced]
    fn any() -> anyhow::Result<()> {
        Err(anyhow::Error::new(refused()).context("no answer"))
    }
    #[traced]
    fn report() -> Result<(), eyre::Report> {
        Err(eyre::Report::new(refused()).wrap_err("no answer"))
    }
    let captured = capture(|| {
        let _ = (by_source(), boxed(), boxed_send(), any(), report());
    });
    let all = "no answer: no connection: connection refused";
    assert_eq!(message(&captured, "by_source"), all);
    for span in ["boxed", "boxed_send", "any", "report"] {
        assert_eq!(
            message(&captured, span),
            "no answer: connection refused",
            "{span}"
        );
    }
}

#[test]
fn secrets_of_causes_are_masked() {
    #[traced]
    fn load() -> Result<(), Failed<std::io::Error>> {
        let cause = std::io::Error::other("denied, password=hunter2-and-more");
        Err(Failed("no rows", cause))
    }
    let captured = capture(load);
    assert_eq!(message(&captured, "load"), "no rows: denied, password=***");
}

/// Returns the names of the spans that record an exception, in the order of their ends.
fn exceptions<R>(captured: &Captured<R>) -> Vec<&str> {
    let failed = captured.spans.iter();
    let failed = failed.filter(|span| span.error.as_ref().is_some_and(|e| e.exception));
    failed.map(|span| &*span.name).collect()
}

// bug: one failure that `?` converted four times was four exceptions.
#[test]
fn a_failure_that_is_converted_is_one_exception() {
    #[derive(Debug)]
    struct Outer(Failed<std::io::Error>);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.0.source()
        }
    }
    #[traced]
    fn connect() -> Result<(), std::io::Error> {
        Err(refused())
    }
    #[traced]
    fn ask() -> Result<(), Failed<std::io::Error>> {
        connect().map_err(|error| Failed("no answer", error))
    }
    #[traced]
    fn transparent() -> Result<(), Outer> {
        ask().map_err(Outer)
    }
    #[traced]
    fn handle() -> anyhow::Result<()> {
        Ok(transparent()?)
    }
    let captured = capture(handle);
    assert_eq!(exceptions(&captured), ["connect"]);
}

#[test]
fn another_failure_is_another_exception() {
    #[traced]
    fn connect() -> Result<(), std::io::Error> {
        Err(refused())
    }
    #[traced]
    fn fall_back() -> Result<(), String> {
        let _ = connect();
        Err("no copy either".to_owned())
    }
    let captured = capture(fall_back);
    assert_eq!(exceptions(&captured), ["connect", "fall_back"]);
}

// bug: the text of a panic was in no signal.
#[test]
fn a_panic_says_what_it_said() {
    #[traced]
    fn inner() {
        let rows: Vec<u8> = Vec::new();
        assert!(!rows.is_empty(), "no rows, password={}", "hunter2-and-more");
    }
    #[traced]
    async fn outer() {
        inner();
    }
    let captured = capture(|| {
        let outer = AssertUnwindSafe(|| futures_executor::block_on(outer()));
        catch_unwind(outer).unwrap_err();
        let span: Span = span!("by hand");
        let held = AssertUnwindSafe(move || {
            let _held = span;
            panic!("dropped");
        });
        catch_unwind(held).unwrap_err();
    });
    for (span, text) in [
        ("inner", "no rows, password=***"),
        ("outer", "no rows, password=***"),
        ("by hand", "dropped"),
    ] {
        assert_eq!(message(&captured, span), text, "{span}");
        let error = captured.span(span).error.as_ref();
        assert_eq!(error.map(|e| &*e.kind), Some("panic"), "{span}");
    }
    assert_eq!(exceptions(&captured), ["inner", "by hand"]);
}

// bug: `err(Debug)` of an error with a backtrace put the backtrace into the message.
#[test]
fn a_backtrace_is_no_part_of_the_message() {
    struct Traced;
    impl fmt::Debug for Traced {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no rows\n\nStack backtrace:\n   0: main\n")
        }
    }
    #[traced(err(Debug))]
    fn load() -> Result<(), Traced> {
        Err(Traced)
    }
    let captured = capture(load);
    assert_eq!(message(&captured, "load"), "no rows");
}
