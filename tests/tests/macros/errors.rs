//! How loud an error is, and which of the spans that it leaves records it.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use obs_runtime::testing::{Captured, capture, capture_async};
use obs_runtime::{
    Level, current,
    trace::{Outcome, SpanError},
    traced,
};
use obs_tests::cases::{block_on, yield_now};

fn error<'a, R>(captured: &'a Captured<R>, name: &str) -> &'a SpanError {
    let span = captured.span(name);
    assert_eq!(span.outcome, Outcome::Error, "{name}");
    span.error.as_ref().expect("the span failed")
}

/// The spans that record the error as an exception.
fn exceptions<R>(captured: &Captured<R>) -> Vec<&str> {
    let spans = captured.spans.iter();
    let recorded = spans.filter(|span| span.error.as_ref().is_some_and(|error| error.exception));
    recorded.map(|span| &*span.name).collect()
}

mod level {
    use super::*;

    const QUIET: Level = Level::Info;

    #[traced(err(level = "warn"))]
    pub(super) fn sync() -> Result<(), String> {
        Err("warned".to_owned())
    }
    #[traced(err(Debug, level = "DEBUG"))]
    pub(super) async fn debug() -> Result<(), String> {
        yield_now().await;
        Err("debugged".to_owned())
    }
    #[traced(err(level = QUIET, expected = 1), ret)]
    pub(super) fn constant(n: u8) -> Result<u8, u8> {
        Err(n)
    }
    #[traced(err(level = "trace"), error_if = |n| *n > 3)]
    pub(super) fn judged(n: u8) -> impl Stream<Item = u8> {
        stream::iter([n])
    }
    #[traced]
    pub(super) fn unsaid() -> Result<(), String> {
        Err("loud".to_owned())
    }
}

#[tokio::test]
async fn the_level_of_an_error_is_that_of_its_exception() {
    let captured = capture_async(async {
        level::sync().unwrap_err();
        level::debug().await.unwrap_err();
        level::constant(2).unwrap_err();
        level::judged(4).count().await;
        level::unsaid().unwrap_err();
    })
    .await;
    assert_eq!(error(&captured, "sync").level, Some(Level::Warn));
    assert_eq!(error(&captured, "sync").message.as_deref(), Some("warned"));
    let debug = error(&captured, "debug");
    assert_eq!(
        (debug.level, debug.message.as_deref()),
        (Some(Level::Debug), Some("\"debugged\""))
    );
    assert_eq!(error(&captured, "constant").level, Some(Level::Info));
    assert_eq!(error(&captured, "judged").level, Some(Level::Trace));
    assert_eq!(error(&captured, "unsaid").level, None);
    let expected = capture(|| level::constant(1));
    assert_eq!(expected.span("constant").outcome, Outcome::Ok);
}

mod passed {
    use super::*;

    pub(super) struct Mute;

    #[traced]
    pub(super) fn outer() -> Result<(), String> {
        Ok(middle()?)
    }
    #[traced]
    pub(super) fn middle() -> Result<(), String> {
        inner("lost")
    }
    #[traced]
    pub(super) fn inner(text: &str) -> Result<(), String> {
        Err(text.to_owned())
    }
    #[traced]
    pub(super) async fn later() -> Result<(), String> {
        yield_now().await;
        let result = latest().await;
        yield_now().await;
        result
    }
    #[traced]
    pub(super) async fn latest() -> Result<(), String> {
        yield_now().await;
        inner("late")
    }
    #[traced]
    pub(super) fn converted() -> Result<(), Box<dyn std::error::Error>> {
        Ok(inner("lost")?)
    }
    #[traced]
    pub(super) fn another() -> Result<(), String> {
        inner("first").unwrap_err();
        Err("second".to_owned())
    }
    #[traced]
    pub(super) fn mute() -> Result<(), Mute> {
        mute_inner()
    }
    #[traced]
    pub(super) fn mute_inner() -> Result<(), Mute> {
        Err(Mute)
    }
    #[traced]
    pub(super) fn siblings() -> Result<(), String> {
        inner("same").unwrap_err();
        inner("same")
    }
    #[traced]
    pub(super) fn items() -> impl Stream<Item = Result<u8, String>> {
        stream::iter([0]).map(|_| inner("item").map(|()| 0))
    }
    #[traced]
    pub(super) fn expected() -> Result<(), String> {
        quiet()
    }
    #[traced(err(expected = _))]
    pub(super) fn quiet() -> Result<(), String> {
        Err("known".to_owned())
    }
    #[traced]
    pub(super) fn loud() -> Result<(), String> {
        whisper()
    }
    #[traced(err = false)]
    pub(super) fn whisper() -> Result<(), String> {
        current::set_error("gone", "by hand");
        Err("lost".to_owned())
    }
}

#[test]
fn an_error_is_an_exception_of_the_innermost_span_alone() {
    let captured = capture(passed::outer);
    assert_eq!(exceptions(&captured), ["inner"]);
    for name in ["inner", "middle", "outer"] {
        let error = error(&captured, name);
        assert!(error.kind.ends_with("String"), "{}", error.kind);
        assert_eq!(error.message.as_deref(), Some("lost"));
    }
    assert_eq!(
        exceptions(&capture(|| block_on(passed::later()))),
        ["inner"]
    );
    assert_eq!(
        exceptions(&capture(|| drop(passed::mute()))),
        ["mute_inner"]
    );
    let captured = capture(|| block_on(passed::items().collect::<Vec<_>>()));
    assert_eq!(exceptions(&captured), ["inner"]);
    // Its text says that it is the same failure, whatever its type is now.
    let captured = capture(|| drop(passed::converted()));
    assert_eq!(exceptions(&captured), ["inner"]);
}

#[test]
fn another_error_is_an_exception_of_its_own() {
    assert_eq!(exceptions(&capture(passed::another)), ["inner", "another"]);
    // Two spans that failed beside each other.
    assert_eq!(exceptions(&capture(passed::siblings)), ["inner", "inner"]);
    // The child does not count it as an error, or records another.
    assert_eq!(exceptions(&capture(passed::expected)), ["expected"]);
    assert_eq!(exceptions(&capture(passed::loud)), ["whisper", "loud"]);
}

#[test]
fn an_error_that_is_kept_for_later_is_recorded_again() {
    #[traced]
    fn first() -> Result<(), String> {
        passed::inner("kept")
    }
    #[traced]
    fn second(result: Result<(), String>) -> Result<(), String> {
        result
    }
    let captured = capture(|| second(first()));
    assert_eq!(exceptions(&captured), ["inner", "second"]);
}
