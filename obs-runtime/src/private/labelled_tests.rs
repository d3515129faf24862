//! Callsites by label values.

use super::*;
use crate::callsite::{CallsiteSpec, Source};
use crate::metrics::Label;
use crate::private::label;
use crate::testing;

static SITE: Callsite = Callsite::new(CallsiteSpec::new(
    "load",
    &Source {
        module: "ls",
        file: file!(),
    },
    line!(),
));

/// Opens the gate.
fn while_recording<R>(f: impl FnOnce() -> R) -> R {
    testing::capture(f).value
}

fn of<L: Label, const N: usize>(
    site: &'static LabelledSite<N>,
    values: [L; N],
) -> &'static Callsite {
    site.of_call(|| values.map(|value| label(&value)))
}

#[test]
fn equal_values_have_one_callsite_whatever_their_order_of_coming() {
    static LABELLED: LabelledSite<2> = LabelledSite::new(&SITE, ["a", "b"]);
    while_recording(|| {
        let first = of(&LABELLED, ["x", "y"]);
        let other = of(&LABELLED, ["y", "x"]);
        assert_eq!(first.labels(), [("a", "x"), ("b", "y")]);
        assert_eq!(other.labels(), [("a", "y"), ("b", "x")]);
        assert!(core::ptr::eq(first, of(&LABELLED, ["x", "y"])));
        assert_ne!(first.id(), other.id());
        assert_eq!((first.function(), first.line()), ("load", SITE.line()));
    });
}

#[test]
fn an_empty_value_is_no_label() {
    static LABELLED: LabelledSite<2> = LabelledSite::new(&SITE, ["a", "b"]);
    while_recording(|| assert_eq!(of(&LABELLED, ["", "y"]).labels(), [("b", "y")]));
}

#[test]
fn combinations_above_the_limit_share_one_callsite() {
    static LABELLED: LabelledSite<1> = LabelledSite::new(&SITE, ["key"]);
    let values: Vec<&'static str> = (0..MAX_SERIES + 10)
        .map(|n| &*n.to_string().leak())
        .collect();
    while_recording(|| {
        for value in &values[..MAX_SERIES] {
            assert_eq!(of(&LABELLED, [*value]).labels(), [("key", *value)]);
        }
        for value in &values[MAX_SERIES..] {
            assert_eq!(of(&LABELLED, [*value]).labels(), OVERFLOW);
        }
        // What is known stays.
        assert_eq!(of(&LABELLED, [values[7]]).labels(), [("key", "7")]);
    });
}

#[test]
fn threads_that_come_at_once_get_the_same_callsite() {
    static LABELLED: LabelledSite<1> = LabelledSite::new(&SITE, ["key"]);
    let values: Vec<&'static str> = (0..200).map(|n| &*n.to_string().leak()).collect();
    let found = while_recording(|| {
        let all = || values.iter().map(|value| of(&LABELLED, [*value]).id());
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| all().collect())).collect();
            let found = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            found.collect::<Result<Vec<Vec<u32>>, _>>()
        })
    });
    let found = found.expect("no thread panics");
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
}
