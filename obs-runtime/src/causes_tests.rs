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
    let text = WithCauses(&error).to_string();
    assert_eq!(text, "cannot load: cannot connect: connection refused");
    // One that writes its source itself, and one that passes the text on.
    let error = link(
        "no index: connection refused",
        link("connection refused", refused()),
    );
    let text = WithCauses(&error).to_string();
    assert_eq!(text, "no index: connection refused");
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
    let text = WithCauses(&Endless).to_string();
    assert_eq!(text.chars().count(), CHARS + 1);
    assert!(text.ends_with('…'));
}

#[test]
fn backtraces_are_no_part_of_the_text() {
    let debug = "no index\n\nCaused by:\n    refused\n\nStack backtrace:\n   0: main\n";
    let expected = ("no index\n\nCaused by:\n    refused", Some("   0: main"));
    assert_eq!(split_backtrace(debug), expected);
    assert_eq!(split_backtrace("no index"), ("no index", None));
}
