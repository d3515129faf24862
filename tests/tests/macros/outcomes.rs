//! Arguments of the attribute about errors and values; the path of the library.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::fmt;

use obs_runtime::testing::capture;
use obs_runtime::{AttributeValue, traced};
use obs_tests::cases::{block_on, ended, message};

#[derive(Debug)]
struct Shown;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("by display")
    }
}

// case: 112, 113
#[test]
fn errors_as_text() {
    type Alias = Result<(), Shown>;
    #[traced]
    fn default() -> Alias {
        Err(Shown)
    }
    #[traced(err(Debug))]
    async fn debug() -> Alias {
        Err(Shown)
    }
    #[traced(err(Display))]
    fn display() -> Alias {
        Err(Shown)
    }
    #[traced(err = false)]
    fn off() -> Alias {
        Err(Shown)
    }
    #[traced]
    fn boxed() -> Result<(), Box<dyn std::error::Error>> {
        Err("in a box")?;
        Ok(())
    }
    #[traced]
    fn not_an_error() -> Result<(), (u8, &'static str)> {
        Err((1, "tuple"))
    }
    let captured = capture(|| {
        assert!(default().is_err() && block_on(debug()).is_err() && display().is_err());
        assert!(off().is_err() && boxed().is_err() && not_an_error().is_err());
    });
    let found: Vec<_> = captured
        .spans
        .iter()
        .map(|s| (s.outcome.as_str(), message(s)))
        .collect();
    let expected = [
        ("error", Some("by display")),
        ("error", Some("Shown")),
        ("error", Some("by display")),
        ("ok", None),
        ("error", Some("in a box")),
        ("error", Some("(1, \"tuple\")")),
    ];
    assert_eq!(found, expected);
    let kind = &captured.spans[0].error.as_ref().unwrap().kind;
    assert!(kind.ends_with("::Shown"), "{kind}");
}

// case: 114
#[test]
fn the_returned_value_is_the_ok_value() {
    #[traced(ret)]
    fn debug(n: u8) -> Result<Option<u8>, u8> {
        if n == 0 { Err(n) } else { Ok(Some(n)) }
    }
    #[traced(ret(Display), err(Debug))]
    async fn display() -> Result<Shown, u8> {
        Ok(Shown)
    }
    #[traced(ret)]
    fn whole() -> (u8, Shown) {
        (1, Shown)
    }
    let captured = capture(|| {
        let _ = (debug(0), debug(1));
        let _ = (block_on(display()), whole());
    });
    let texts = captured
        .spans
        .iter()
        .map(|span| span.attribute("return").cloned());
    let expected = [
        None,
        Some("Some(1)".into()),
        Some("by display".into()),
        Some("(1, Shown)".into()),
    ];
    assert_eq!(texts.collect::<Vec<Option<AttributeValue>>>(), expected);
}

// case: 117 (a wrong value: ui/traced_arguments.rs)
#[test]
fn the_path_of_the_library() {
    mod facade {
        pub(super) use ::obs_runtime as observed;
    }
    #[facade::observed::traced(crate = facade::observed, fields(n))]
    fn by_path(n: u8) -> Result<u8, u8> {
        Ok(n)
    }
    #[facade::observed::traced(crate = "facade::observed")]
    async fn by_text() -> u8 {
        1
    }
    let captured = capture(|| (by_path(1), block_on(by_text())));
    assert_eq!(ended(&captured), ["by_path ok", "by_text ok"]);
}
