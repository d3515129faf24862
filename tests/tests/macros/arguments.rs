//! Arguments of the attribute, as values in what is recorded. Misuse: ui/traced_arguments.rs.

#![allow(
    clippy::all,
    clippy::pedantic,
    unused_variables,
    reason = "the code that users write is what is tested"
)]

use std::cell::Cell;

use obs_runtime::testing::{Captured, capture};
use obs_runtime::{AttributeValue, Level, span, traced};
use obs_tests::cases::{block_on, ended, note, notes, tree, yield_now};

fn site(function: &str) -> &'static obs_runtime::registry::Callsite {
    let here = |site: &&obs_runtime::registry::Callsite| site.file() == file!();
    let mut found = obs_runtime::registry::callsites()
        .filter(here)
        .filter(|site| site.function() == function);
    let only = found.next().unwrap();
    assert!(found.next().is_none(), "{function}");
    only
}

fn attributes<R>(captured: &Captured<R>, name: &str) -> Vec<(String, AttributeValue)> {
    let list = &captured.span(name).attributes;
    list.iter()
        .map(|(key, value)| (key.to_string(), value.clone()))
        .collect()
}

fn pairs<const N: usize>(pairs: [(&str, AttributeValue); N]) -> Vec<(String, AttributeValue)> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

// case: 99
#[test]
fn no_arguments_empty_ones_and_any_order() {
    #[traced()]
    fn empty() {}
    #[traced(name = "trailing")]
    fn trailing() {}
    #[traced(target = "t", parent = None, name = "first", level = "warn")]
    fn target_first() {}
    #[traced(level = "warn", name = "second", parent = None, target = "t")]
    fn target_last() {}
    let captured = capture(|| {
        empty();
        trailing();
        target_first();
        target_last();
    });
    assert_eq!(
        ended(&captured),
        ["empty ok", "trailing ok", "first ok", "second ok"]
    );
    for function in ["target_first", "target_last"] {
        let site = site(function);
        assert_eq!(
            (site.target(), site.level(), site.is_root()),
            ("t", Level::Warn, true)
        );
    }
}

mod names {
    pub(super) const NAME: &str = "of a constant";
}

struct Named {
    label: &'static str,
}

impl Named {
    const NAME: &'static str = "associated";
    #[traced(name = Self::NAME)]
    fn associated(&self) {}
    #[traced(name = self.label)]
    fn field(&self) {}
    #[traced(skip(self))]
    fn skips_self(&self) {}
}

// case: 100
#[test]
fn names_of_every_form() {
    #[traced(name = "literal \"quoted\" {not_a_format}")]
    fn literal() {}
    #[traced(name = names::NAME)]
    fn constant() {}
    #[traced(name = concat!("a", "-", 1))]
    fn concatenated() {}
    #[traced(name = format!("load {}", table.to_uppercase()))]
    async fn dynamic(table: &str) {
        yield_now().await;
    }
    let captured = capture(|| {
        literal();
        constant();
        concatenated();
        block_on(dynamic("t"));
        Named { label: "x" }.associated();
        Named { label: "by field" }.field();
    });
    let expected = [
        "literal \"quoted\" {not_a_format} ok",
        "of a constant ok",
        "a-1 ok",
        "load T ok",
        "associated ok",
        "by field ok",
    ];
    assert_eq!(ended(&captured), expected);
    assert_eq!(site("constant").name(), "of a constant");
    assert_eq!(site("dynamic").name(), "dynamic");
}

trait Greets {
    fn greet(&self);
}

impl<T> Greets for Vec<T> {
    #[traced]
    fn greet(&self) {}
}

// case: 101, 104 (the type of a method is not in its name: the module and the line tell them apart)
#[test]
fn the_default_name_is_the_functions() {
    mod module {
        #[obs_runtime::traced]
        pub(super) fn inner_module() {}
    }
    let captured = capture(|| {
        #[traced]
        fn in_closure<T>(_: T) -> Result<(), T> {
            Ok(())
        }
        let _ = in_closure(1);
        let _ = in_closure("a");
        vec![1].greet();
        module::inner_module();
    });
    let expected = [
        "in_closure ok",
        "in_closure ok",
        "greet ok",
        "inner_module ok",
    ];
    assert_eq!(ended(&captured), expected);
    assert_eq!(captured.spans[0].module, module_path!());
    assert_eq!(
        captured.spans[3].module,
        concat!(module_path!(), "::module")
    );
    assert_eq!(site("greet").target(), module_path!());
}

mod levels {
    use obs_runtime::Level;
    pub(super) const LEVEL: Level = Level::Error;
}

// case: 102 (what is below the level: runtime/level.rs)
#[test]
fn levels_in_any_case_and_by_path() {
    #[traced(level = "WARN")]
    fn upper() {}
    #[traced(level = "Trace")]
    fn mixed() {}
    #[traced(level = Level::Debug)]
    fn variant() {}
    #[traced(level = levels::LEVEL)]
    async fn constant_level() {}
    #[traced]
    fn default_level() {}
    upper();
    mixed();
    variant();
    default_level();
    drop(constant_level());
    let levels = [
        "upper",
        "mixed",
        "variant",
        "constant_level",
        "default_level",
    ]
    .map(|name| site(name).level());
    let expected = [
        Level::Warn,
        Level::Trace,
        Level::Debug,
        Level::Error,
        Level::Info,
    ];
    assert_eq!(levels, expected);
}

// case: 105
#[test]
fn parents_links_and_roots() {
    #[traced(parent = parent)]
    fn adopted(parent: &obs_runtime::Span) {}
    #[traced(parent = None)]
    async fn orphan() {}
    #[traced(root)]
    fn root() {}
    #[traced(follows_from = [first, second])]
    fn follows(first: &obs_runtime::Span, second: &obs_runtime::Span) {}
    #[traced]
    fn caller(other: &obs_runtime::Span) {
        adopted(other);
        block_on(orphan());
        root();
    }
    let captured = capture(|| {
        let (first, second) = (span!("first"), span!("second"));
        caller(&first);
        follows(&first, &second);
        [first.context(), second.context()].map(|context| context.unwrap().span_id())
    });
    let expected = [
        "adopted < first",
        "orphan < -",
        "root < -",
        "caller < -",
        "follows < -",
    ];
    assert_eq!(tree(&captured)[..5], expected);
    let trace = |name| captured.span(name).trace_id;
    assert!(trace("root") != trace("caller") && trace("orphan") != trace("caller"));
    assert_eq!(trace("adopted"), trace("first"));
    let links: Vec<_> = captured
        .span("follows")
        .links
        .iter()
        .map(|l| l.context.span_id())
        .collect();
    assert_eq!(links, captured.value);
}

// case: 106, 107
#[test]
fn nothing_of_the_arguments_is_recorded_unless_named() {
    #[traced]
    fn plain(secret: &str, _megabytes: Vec<u8>) {}
    #[traced(skip(secret, _, _hidden, a, self_), fields(b))]
    fn skipped(secret: &str, _: u8, _hidden: u8, (a, b): (u8, u8), self_: u8) {}
    #[traced(skip_all, fields(n))]
    async fn all(n: u8, secret: String) {}
    let captured = capture(|| {
        plain("secret", vec![0; 9]);
        skipped("secret", 1, 2, (3, 4), 5);
        block_on(all(1, "secret".to_owned()));
        Named { label: "" }.skips_self();
    });
    assert_eq!(attributes(&captured, "plain"), []);
    assert_eq!(attributes(&captured, "skipped"), pairs([("b", 4.into())]));
    assert_eq!(attributes(&captured, "all"), pairs([("n", 1.into())]));
    assert_eq!(attributes(&captured, "skips_self"), []);
}

const KEY: &str = "constant.key";

#[derive(Debug)]
struct Inner {
    id: u8,
    name: String,
}

impl Inner {
    #[traced(fields(self.id, %self.name, name.len = self.name.len(), ?self, limit = Self::LIMIT))]
    fn of_self(&self) {}
    const LIMIT: u8 = 9;
}

// case: 108
#[test]
fn fields_of_every_form() {
    #[traced(fields(
        plain, %shown, ?debugged, renamed = plain, a.b.c = 1, "quoted key" = true, type = "keyword",
        r#fn, {KEY} = 2.5, negative = -1, none = None::<u8>, some = Some(3), inner.id, text = owned,
    ))]
    fn forms(
        plain: u8,
        shown: f32,
        debugged: Option<u8>,
        r#fn: bool,
        inner: &Inner,
        owned: String,
    ) {
        drop(owned);
    }
    let inner = Inner {
        id: 7,
        name: "n".to_owned(),
    };
    let captured = capture(|| {
        forms(1, 0.5, None, true, &inner, "owned".to_owned());
        inner.of_self();
    });
    let found = attributes(&captured, "forms");
    // In the order in which they are written, constants too.
    let expected = pairs([
        ("plain", 1.into()),
        ("shown", "0.5".into()),
        ("debugged", "None".into()),
        ("renamed", 1.into()),
        ("a.b.c", 1.into()),
        ("quoted key", true.into()),
        ("type", "keyword".into()),
        ("fn", true.into()),
        (KEY, 2.5.into()),
        ("negative", (-1).into()),
        ("some", 3.into()),
        ("inner.id", 7.into()),
        ("text", "owned".into()),
    ]);
    assert_eq!(found, expected);
    let of_self = captured.span("of_self");
    assert_eq!(of_self.attribute("self.id"), Some(&7.into()));
    assert_eq!(of_self.attribute("self.name"), Some(&"n".into()));
    assert_eq!(of_self.attribute("name.len"), Some(&1.into()));
}

#[test]
fn attributes_come_as_they_are_written_and_a_late_value_in_its_place() {
    #[traced(fields(a, kind = "const", later = 1, b = a + 1, last = true))]
    fn of_function(a: u8) {
        obs_runtime::current::record("other", "late");
        obs_runtime::current::record("later", 9);
    }
    let captured = capture(|| {
        of_function(1);
        let a = 1;
        drop(span!("of_span", a, kind = "const", b = a + 1, redact token = a));
    });
    captured.assert_tree(
        "of_function a=1 kind=const later=9 b=2 last=true other=late\n\
         of_span a=1 kind=const b=2 token=***",
    );
}

impl Inner {
    #[traced(fields(limit = Self::LIMIT + self.id, sum = { let a = self.id; a + 1 }))]
    async fn of_types(self) -> Self {
        self
    }
}

// case: 109, 110
#[test]
fn field_expressions_run_once_before_the_body_and_only_borrow() {
    thread_local! { static RUNS: Cell<u8> = const { Cell::new(0) }; }
    fn count<T>(value: T) -> T {
        RUNS.set(RUNS.get() + 1);
        note("field");
        value
    }
    #[traced(fields(
        len = count(list.len()),
        parsed = "7".parse::<u8>().unwrap_or(0),
        pair = (1, 2).0,
        block = { let n = list.len(); n * 2 },
        applied = (|n: usize| n + 1)(list.len()),
        n = "replaced",
    ))]
    fn sync(list: Vec<u8>, n: u8) -> Result<Vec<u8>, String> {
        note("body");
        let _ = n;
        Ok(list)
    }
    #[traced(fields(len = count(list.len())))]
    async fn future(list: Vec<u8>) -> Vec<u8> {
        note("body");
        list
    }
    notes();
    let _ = sync(vec![], 0);
    assert_eq!((RUNS.get(), notes()), (0, vec!["body".to_owned()]));
    let captured = capture(|| {
        assert_eq!(sync(vec![1], 0), Ok(vec![1]));
        assert_eq!(block_on(future(vec![1, 2])), [1, 2]);
        let inner = Inner {
            id: 1,
            name: String::new(),
        };
        assert_eq!(block_on(inner.of_types()).id, 1);
    });
    assert_eq!(notes(), ["field", "body", "field", "body"]);
    let mut found = attributes(&captured, "sync");
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = pairs([
        ("applied", 2.into()),
        ("block", 2.into()),
        ("len", 1.into()),
        ("n", "replaced".into()),
        ("pair", 1.into()),
        ("parsed", 7.into()),
    ]);
    assert_eq!(found, expected);
    assert_eq!(
        attributes(&captured, "of_types"),
        pairs([("limit", 10.into()), ("sum", 2.into())])
    );
}

// case: 111
#[test]
fn texts_are_no_format_strings() {
    #[traced(fields(open = "{", escaped = "{{n}}", text = format!("{n}{{}}"), "key {}" = n))]
    fn braces(n: u8) {}
    let captured = capture(|| braces(1));
    let span = captured.span("braces");
    let text = |key| span.attribute(key).cloned();
    assert_eq!(text("open"), Some("{".into()));
    assert_eq!(text("escaped"), Some("{{n}}".into()));
    assert_eq!(text("text"), Some("1{}".into()));
    assert_eq!(text("key {}"), Some(1.into()));
}
