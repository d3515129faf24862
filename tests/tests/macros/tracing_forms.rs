//! The rarer spellings that `#[tracing::instrument]` takes: keys that are expressions or keywords, `Self`, constants.
//! The usual ones are in `from_tracing`.

#![allow(
    clippy::clone_on_copy,
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    unused_variables,
    reason = "code as people write it"
)]

use obs_runtime::testing::capture;
use obs_runtime::traced as instrument;

const SHELF: &str = "shelf.of";
/// What generated code must not take for its own.
const KEY: &str = "key";
const TARGET: &str = "stock::audit";

struct Keys;

impl Keys {
    const ROW: &'static str = "row.number";
}

const fn key_of(is_long: bool) -> &'static str {
    if is_long { "a.long.key" } else { "k" }
}

#[test]
fn keys_may_be_any_constant_in_braces() {
    #[instrument(fields(
        {SHELF} = "a", { Keys::ROW } = 2, {key_of(true)} = true, {"braced"} = 1.5, {KEY} = n,
    ))]
    fn count(n: u8) {}
    let captured = capture(|| count(4));
    captured.assert_tree("count shelf.of=a row.number=2 a.long.key=true braced=1.5 key=4");
}

#[test]
fn keys_may_be_keywords() {
    #[instrument(skip(kind), fields(item.impl.type = kind, fn = 1, match, struct.self = kind.len()))]
    fn sort(kind: &str) {
        obs_runtime::current::record("match", "late");
    }
    capture(|| sort("box")).assert_tree("sort item.impl.type=box fn=1 struct.self=3 match=late");
}

#[derive(Clone, Copy, Debug)]
struct Shelf {
    rows: u32,
}

trait Count {
    fn count(&self, extra: u32) -> u32;
}

impl Shelf {
    fn rows(self) -> u32 {
        self.rows
    }

    #[instrument(skip(self), fields(Self = std::any::type_name::<Self>(), self.rows))]
    fn named(&self) {}

    #[instrument(target = TARGET, level = "debug", skip_all)]
    async fn audited(self, note: String) -> Self {
        self
    }
}

impl Count for Shelf {
    #[instrument(fields(rows = self.rows(), again = Self::clone(self).rows(), more = %extra + 5))]
    fn count(&self, extra: u32) -> u32 {
        self.rows + extra
    }
}

#[test]
fn values_may_call_methods_of_self() {
    let captured = capture(|| {
        let shelf = Shelf { rows: 3 };
        shelf.named();
        assert_eq!(shelf.count(1), 4);
    });
    let named = captured.span("named");
    let of_self = obs_tests::cases::text_of(named.attribute("Self"));
    assert!(of_self.ends_with("tracing_forms::Shelf"), "{of_self}");
    assert_eq!(named.attribute("self.rows"), Some(&3.into()));
    let count = captured.span("count");
    assert_eq!(count.attribute("rows"), Some(&3.into()));
    assert_eq!(count.attribute("again"), Some(&3.into()));
    assert_eq!(count.attribute("more"), Some(&"6".into()));
}

#[tokio::test]
async fn targets_may_be_constants() {
    let audited = obs_runtime::registry::callsites()
        .find(|site| site.function() == "audited" && site.file() == file!())
        .unwrap();
    assert_eq!(audited.target(), TARGET);
    let shelf = Shelf { rows: 1 };
    assert_eq!(shelf.audited(String::new()).await.rows, 1);
}

#[test]
fn the_form_of_a_value_may_stand_behind_its_level() {
    #[instrument(ret(level = "warn", Debug), err(level = "info", Display))]
    fn parse(text: &str) -> Result<Option<u8>, std::num::ParseIntError> {
        text.parse().map(Some)
    }
    #[instrument(err, ret)]
    fn both(text: &str) -> Result<u8, std::num::ParseIntError> {
        text.parse()
    }
    let captured = capture(|| {
        let _ = (parse("1"), both("x"));
    });
    assert_eq!(
        captured.span("parse").attribute("return"),
        Some(&"Some(1)".into())
    );
    let error = captured.span("both").error.clone().unwrap();
    assert_eq!(
        error.message.as_deref(),
        Some("invalid digit found in string")
    );
}

#[test]
fn parameters_of_every_pattern_are_recorded_by_args() {
    struct Pair(u8, u8);
    struct Named {
        left: u8,
        right: u8,
    }
    #[instrument(args)]
    fn tuple((a, b): (u8, u8)) {}
    #[instrument(args)]
    fn nested((a, (b, ..)): (u8, (u8, u8, u8))) {}
    #[instrument(args)]
    fn struct_of_tuple(Pair(a, b): Pair) {}
    #[instrument(args)]
    fn struct_of_names(Named { left: a, right }: Named) {}
    #[instrument(args)]
    fn reference(&a: &u8, [b, ..]: [u8; 2]) {}
    let captured = capture(|| {
        tuple((1, 2));
        nested((1, (2, 3, 4)));
        struct_of_tuple(Pair(1, 2));
        struct_of_names(Named { left: 1, right: 2 });
        reference(&1, [2, 3]);
    });
    captured.assert_tree(
        "tuple a=1 b=2\nnested a=1 b=2\nstruct_of_tuple a=1 b=2\nstruct_of_names a=1 right=2\n\
         reference a=1 b=2",
    );
}
