use super::*;
use crate::ast::Item;

fn version(text: &str) -> u64 {
    match syn::parse_str(text).unwrap() {
        Item::Function(function) => of(&function),
        _ => panic!("no function: {text}"),
    }
}

#[test]
fn formatting_and_comments_change_nothing() {
    let plain = version("fn add(a: u32, b: u32) -> u32 { sum(a, b) }");
    for same in [
        "fn add(\n    a: u32,\n    b: u32,\n) -> u32 {\n    sum(\n        a,\n        b,\n    )\n}",
        "fn add(a:u32,b:u32)->u32{/* sums */sum(a,b) // so it is\n}",
        "#[inline] pub fn add(a: u32, b: u32) -> u32 { sum(a, b) }",
    ] {
        assert_eq!(version(same), plain, "{same}");
    }
    // For all time: what was stored by another build is compared with it.
    assert_eq!(version("fn nothing() {}"), 0xb643_229a_9894_13e7);
}

#[test]
fn code_changes_it() {
    let plain = version("fn add(a: u32) -> u32 { a + 1 }");
    for other in [
        "fn add(a: u32) -> u32 { a + 2 }",
        "fn add(a: u32) -> u32 { a - 1 }",
        "fn add(a: u64) -> u32 { a + 1 }",
        "fn add(b: u32) -> u32 { b + 1 }",
        "async fn add(a: u32) -> u32 { a + 1 }",
        "fn add(a: u32) -> u32 { { a + 1 } }",
        "fn add(a: u32) -> u32 { \"a + 1\" }",
    ] {
        assert_ne!(version(other), plain, "{other}");
    }
}
