use core::fmt;

use super::*;

/// An error with a cause, whose text may hold that of the cause.
#[derive(Debug)]
struct Link(&'static str, Option<Box<Link>>);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Link {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn link(text: &'static str, cause: Link) -> Link {
    Link(text, Some(Box::new(cause)))
}

#[test]
fn causes_follow_the_error() {
    let refused = || Link("connection refused", None);
    let error = link("cannot load", link("cannot connect", refused()));
    let text = WithCauses::of(&error).text;
    assert_eq!(text, "cannot load: cannot connect: connection refused");
    // One that writes its source itself, and one that passes the text on.
    let error = link(
        "no index: connection refused",
        link("connection refused", refused()),
    );
    let text = WithCauses::of(&error).text;
    assert_eq!(text, "no index: connection refused");
}

fn starts(error: &WithCauses) -> Vec<usize> {
    error.chain.iter().map(|words| words.start).collect()
}

/// An error that is its own cause.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static N: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);
        let n = N.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        write!(f, "{n}{}", "x".repeat(400))
    }
}

impl Error for Endless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Self)
    }
}

#[test]
fn an_endless_chain_ends() {
    let text = WithCauses::of(&Endless).text;
    assert_eq!(text.chars().count(), CHARS + 1);
    assert!(text.ends_with('…'));
}

#[test]
fn the_begin_of_each_cause_is_known() {
    let inner = || Link("connection refused", None);
    let error = link("cannot load", link("cannot connect", inner()));
    assert_eq!(starts(&WithCauses::of(&error)), [0, 13, 29]);
    let error = link("no index: connection refused", inner());
    assert_eq!(starts(&WithCauses::of(&error)), [0, 10]);
    // What holds an error may say more than the error.
    let held = WithCauses::new(&"HTTP 503: no answer", Some(&link("no answer", inner())));
    assert_eq!(held.text, "HTTP 503: no answer: connection refused");
    assert_eq!(starts(&held), [0, 10, 21]);
}

#[test]
fn backtraces_are_no_part_of_the_text() {
    let split = |debug: &str| split_backtrace(debug);
    let some = |text: &str, frames: &str| (text.to_owned(), Some(frames.to_owned()));
    let debug =
        "no index\n\nCaused by:\n    refused\n\nStack backtrace:\n   0: main\n      at x.rs:1\n";
    let text = "no index\n\nCaused by:\n    refused";
    assert_eq!(split(debug), some(text, "   0: main\n      at x.rs:1"));
    assert_eq!(split("no index"), ("no index".to_owned(), None));
    // bug: what a structure writes behind the backtrace of its field went with it, unmasked.
    let debug = "Outer { inner: no\n\nStack backtrace:\n   0: main\n, password: 3 }";
    assert_eq!(
        split(debug),
        some("Outer { inner: no, password: 3 }", "   0: main")
    );
    let debug = "Stack backtrace:\nnot asked for";
    assert_eq!(split(debug), (debug.to_owned(), None));
}
