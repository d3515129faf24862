use super::{Shape, choose};
use crate::ast::{Function, Item};

fn function(code: &str) -> Function {
    match syn::parse_str(code).expect("a function") {
        Item::Function(function) => *function,
        _ => panic!("not a function: {code}"),
    }
}

fn shape(code: &str) -> String {
    let name = match choose(&function(code), false) {
        Shape::Guard { outer: false } => INNER,
        Shape::Guard { outer: true } => OUTER,
        Shape::Block => "Block",
        Shape::InBox(_) => "InBox",
        Shape::Closure => "Closure",
        Shape::FutureClosure => "FutureClosure",
        Shape::Async => "Async",
        Shape::AsyncKept => "AsyncKept",
    };
    name.to_owned()
}

const INNER: &str = "Guard inside";
const OUTER: &str = "Guard outside";

#[test]
fn inert_types_get_the_guard() {
    for returned in [
        "",
        "-> ()",
        "-> !",
        "-> &str",
        "-> *const u8",
        "-> (u8, Result<u8, ()>)",
        "-> [u8; 3]",
        "-> u64",
        "-> String",
        "-> Vec<u8>",
        "-> Option<T>",
        "-> impl Iterator<Item = u8>",
        "-> std::string::String",
        "-> fn() -> u8",
    ] {
        assert_eq!(
            shape(&format!("fn f() {returned} {{ g() }}")),
            INNER,
            "{returned}"
        );
    }
}

#[test]
fn any_other_type_gets_the_closure() {
    for returned in [
        "-> Result<u8, E>",
        "-> T",
        "-> Self",
        "-> io::Result<()>",
        "-> Mine",
        "-> Box<dyn Future<Output = u8>>",
        "-> impl MyStream<Item = u8>",
        "-> impl MyFuture",
    ] {
        let expected = "Closure";
        assert_eq!(
            shape(&format!("fn f() {returned} {{ g() }}")),
            expected,
            "{returned}"
        );
    }
}

#[test]
fn arguments_that_may_drop_need_outer_braces() {
    assert_eq!(shape("fn f(a: &str, b: u8, c: *const u8) {}"), INNER);
    assert_eq!(shape("fn f(&mut self, a: &mut T) {}"), INNER);
    assert_eq!(shape("fn f(a: String) {}"), OUTER);
    assert_eq!(shape("fn f((a, b): (u8, u8)) {}"), OUTER);
    assert_eq!(shape("fn f(_: u8) {}"), OUTER);
}

#[test]
fn items_in_the_body_need_outer_braces() {
    assert_eq!(shape("fn f() { use a::*; g() }"), OUTER);
    assert_eq!(shape("fn f() { if a { use b::*; } }"), INNER);
}

#[test]
fn a_value_that_is_asked_for_needs_the_closure() {
    assert!(matches!(
        choose(&function("fn f() -> u8 { 1 }"), true),
        Shape::Closure
    ));
    assert!(matches!(
        choose(&function("fn f() -> ! { loop {} }"), true),
        Shape::Guard { .. }
    ));
}

#[test]
fn track_caller_gets_no_closure() {
    assert_eq!(
        shape("#[track_caller] fn f() -> Result<u8, E> { g() }"),
        "Block"
    );
    assert_eq!(shape("#[track_caller] fn f() -> u8 { g() }"), INNER);
}

#[test]
fn a_tail_box_is_wrapped_inside() {
    let in_box = [
        "fn f() -> Pin<Box<dyn Future<Output = u8> + Send>> { Box::pin(async move { g()? }) }",
        "fn f() -> BoxFuture<'_, u8> { let a = 1; ::std::boxed::Box::pin(g(a)) }",
        "fn f() -> BoxFuture<'_, u8> { if a { b(); } std::boxed::Box::pin(async { 1 },) }",
    ];
    for code in in_box {
        assert_eq!(shape(code), "InBox", "{code}");
    }
}

#[test]
fn a_box_that_may_not_be_reached_gets_the_closure() {
    let closure = [
        "fn f() -> BoxFuture<'_, u8> { if a { return b(); } Box::pin(async { 1 }) }",
        "fn f() -> BoxFuture<'_, u8> { bail!(); Box::pin(async { 1 }) }",
        "fn f() -> BoxFuture<'_, u8> { return Box::pin(async { 1 }) }",
        "fn f() -> BoxFuture<'_, u8> { return ::std::boxed::Box::pin(async { 1 }) }",
        "fn f() -> BoxFuture<'_, u8> { let a = Box::pin(async { 1 }); a }",
        "fn f() -> BoxFuture<'_, u8> { let b = 1; a(b) + Box::pin(g()) }",
        "fn f() -> BoxFuture<'_, u8> { Box::pin(g()?) }",
        "fn f() -> Pin<Box<dyn Stream<Item = u8>>> { Box::pin(g()) }",
        "fn f() -> Pin<Box<dyn Stream<Item = Pin<Box<dyn Future<Output = u8>>>>>> { Box::pin(g()) }",
    ];
    for code in closure {
        assert_eq!(shape(code), "Closure", "{code}");
    }
}

#[test]
fn returned_futures_are_wrapped_when_the_bounds_allow() {
    assert_eq!(
        shape("fn f() -> impl Future<Output = u8> + Send + '_ { g() }"),
        "FutureClosure"
    );
    assert_eq!(
        shape("fn f() -> impl Future<Output = u8> + Clone { g() }"),
        "Closure"
    );
}

#[test]
fn async_is_dropped_unless_a_macro_below_wants_it() {
    assert_eq!(shape("async fn f() {}"), "Async");
    assert_eq!(
        shape("#[inline] #[doc = \"x\"] #[clippy::a] async fn f() {}"),
        "Async"
    );
    assert_eq!(shape("#[tokio::test] async fn f() {}"), "AsyncKept");
}
