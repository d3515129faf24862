//! The macros return tokens whatever they are given: a panic would take the user's item away.

use proc_macro2::{LineColumn, Span, TokenStream, TokenTree};

use crate::macros;

const ITEMS: &[&str] = &[
    "",
    ";",
    "fn",
    "fn f",
    "fn f()",
    "fn f();",
    "fn f() {",
    "fn f() { let x = ; x. }",
    "fn f() { match { } } }",
    "pub(in a::b) async unsafe extern \"C\" fn f<'a, T: ?Sized>(self: &'a Self, _: T) -> ! { loop {} }",
    "const fn f() {}",
    "impl<T> X for T { fn a(&self) {} const B: u8 = 1; type C = u8; }",
    "impl { fn }",
    "struct S { a: u8 }",
    "trait T { fn a(); }",
    "extern \"C\" { fn a(); }",
    "macro_rules! x { () => {} }",
    "let x = 1;",
    "#[a] #![b] fn f() { #![c] }",
    "fn f((a, b): (u8, u8), [c, ..]: [u8; 3], S { d, .. }: S, mut e: u8) -> impl Sized { a }",
    "fn f() -> Pin<Box<dyn Future<Output = u8>>> { Box::pin }",
    "fn f() -> Pin<Box<dyn Future<Output = u8>>> { ::pin(x) }",
    "fn f() -> Pin<Box<dyn Future<Output = u8>>> { a; Box::pin(async move { 1 }, ) }",
    "fn f() -> impl Future { async {} }",
    "async fn f(#[cfg(a)] x: u8, ..., y: u8) {}",
    "#[label] #[label()] #[label(rename_all)] enum E { #[label(name = a, =)] A, B(), C {}, D = 1, _E, r#F }",
    "union U { a: u8 }",
];

const ARGUMENTS: &[&str] = &[
    "",
    ",",
    "=",
    "name",
    "name =",
    "name = \"\"",
    "name = \"a\", name = a",
    "name = format!(\"{x}\"), fields(a, %b, ?c, d = e, \"f\" = 1, {G} = 2, self.h), ret, ok_if = |x| x",
    "fields(",
    "fields()",
    "fields(a = )",
    "fields({} = 1)",
    "fields(allow, redact x, allow %y)",
    "fields[a]",
    "fields = a",
    "err(level = \"x\"), ret(,), skip(1), skip_all = 2, crate = \"not a path\"",
    "err(Debug), error_if = f, root, metrics = false, level = A::B, kind = \"server\", target = \"t\"",
    "crate = ::a::b, parent = None, links = [], labels(a = 1, b, c.d = e)",
    "provider = p, model = m, operation = o, usage = |u| u",
    "provider = \"p\", model = \"m\", stream",
    "provider = p, model = m, stream, token = |c| c, stall = \"1s\"",
    "provider = p, model = m, token = 1, stall = T::LIMIT",
    "system = \"s\", operation = \"o\", collection = c, count = 1, dimensions = |d| d",
    "service = \"s\", setup = f, flavor = \"current_thread\", worker_threads = 1, signals = false",
    "pipeline = \"p\", depends_on(a, b = c::d), retries = 3, timeout = \"1s\"",
    "\"text\"",
    "args, skip(a, self), fields(b, c = Empty, %d)",
    "args(a), skip_all = 1",
    "\"text\", level = 7, ret(level = 1, Debug), ret(level), err(level = A::WARN)",
    "1 2 3",
    "|a| a",
    "r#name = \"x\", r#fn = 1",
];

// case: 134
#[test]
fn no_input_makes_a_macro_panic() {
    let parse = |text: &str| text.parse::<TokenStream>().ok();
    for item in ITEMS.iter().filter_map(|text| parse(text)) {
        macros::label(item);
    }
    for arguments in ARGUMENTS.iter().filter_map(|text| parse(text)) {
        macros::span(arguments.clone());
        macros::histogram(arguments.clone());
        for item in ITEMS.iter().filter_map(|text| parse(text)) {
            macros::traced(arguments.clone(), item.clone());
            macros::llm_call(arguments.clone(), item.clone());
            macros::vector_op(arguments.clone(), item.clone());
            macros::main(arguments.clone(), item.clone());
            macros::pipeline_task(arguments.clone(), item.clone());
            macros::on_failure(arguments.clone(), item.clone());
        }
    }
}

// case: 131
#[test]
fn an_item_with_an_error_stays_as_it_was() {
    let item: TokenStream = "pub fn f(a: u8) -> u8 { a }".parse().expect("tokens");
    let expanded = macros::traced("nmae = 1".parse().expect("tokens"), item.clone());
    let expanded = expanded.to_string();
    assert!(expanded.starts_with(&item.to_string()), "{expanded}");
    assert!(expanded.contains("compile_error"), "{expanded}");
}

// case: 132
#[test]
fn half_typed_code_reaches_the_compiler() {
    let item: TokenStream = "fn f() { let x = ; x. }".parse().expect("tokens");
    let expanded = macros::traced(TokenStream::new(), item).to_string();
    assert!(expanded.contains("let x = ; x ."), "{expanded}");
    assert!(!expanded.contains("compile_error"), "{expanded}");
}

// case: 144
#[test]
fn the_same_input_gives_the_same_tokens() {
    let arguments = "name = x, fields(a, b = 1, %c), links = d, ret, err(Debug), target = \"t\"";
    let item = "#[inline] async fn f<'a, T>(a: &'a T, (b, c): (u8, u8), x: &str, d: u8) -> R { a }";
    let expand = || {
        let arguments = arguments.parse().expect("tokens");
        macros::traced(arguments, item.parse().expect("tokens")).to_string()
    };
    let first = expand();
    assert!(!first.contains("compile_error"), "{first}");
    for _ in 0..20 {
        assert_eq!(expand(), first);
    }
}

// case: 133
#[test]
fn every_token_of_the_body_stays_where_the_user_wrote_it() {
    /// Token and place; of groups the delimiters.
    fn places(tokens: TokenStream, out: &mut Vec<(String, LineColumn, LineColumn)>) {
        for tree in tokens {
            let mut note = |text: String, span: Span| out.push((text, span.start(), span.end()));
            match tree {
                TokenTree::Group(group) => {
                    note(format!("{:?} open", group.delimiter()), group.span_open());
                    note(format!("{:?} close", group.delimiter()), group.span_close());
                    places(group.stream(), out);
                }
                tree => note(tree.to_string(), tree.span()),
            }
        }
    }
    for item in [
        "fn f(n: u8) { let x = [n, 1]; call(x, |y| { y }); }",
        "fn f(text: String) -> R<u8> { if text.is_empty() { return Err(E); } Ok(text.len()) }",
        "async fn f(n: u8) -> R<u8> { let x = go(n).await?; match x { Some((a, _)) => Ok(a), None => Err(E) } }",
        "fn f<'a>(n: &'a u8) -> Pin<Box<dyn Future<Output = u8> + 'a>> { log(n); Box::pin(async move { *n }) }",
        "fn f(n: u8) -> impl Stream<Item = u8> { iter([n, { n }]) }",
        "#[track_caller] fn f(n: u8) -> R<u8> { Ok(n) }",
    ] {
        let item: TokenStream = item.parse().expect("tokens");
        let Some(TokenTree::Group(body)) = item.clone().into_iter().last() else {
            panic!("a function ends with its body")
        };
        let (mut given, mut found) = (Vec::new(), Vec::new());
        places(TokenTree::Group(body).into(), &mut given);
        places(macros::traced(TokenStream::new(), item.clone()), &mut found);
        for token in given {
            let same = found.iter().filter(|other| **other == token).count();
            // Braces of ours may lie where the body's are, beside them; the rest is there once.
            let ours = usize::from(token.0.starts_with("Brace"));
            assert!(
                (1..=1 + ours).contains(&same),
                "{token:?} {same} times of {item}"
            );
        }
    }
}

// case: 53
#[test]
fn documentation_and_attributes_stay_as_they_are() {
    let attributes = "#[doc = \"Text.\"] #[inline] #[doc = \"More.\"] #[must_use]";
    let item = format!("{attributes} pub fn f() -> R {{ 1 }}");
    let expanded = macros::traced(TokenStream::new(), item.parse().expect("tokens")).to_string();
    let attributes: TokenStream = attributes.parse().expect("tokens");
    assert!(expanded.starts_with(&attributes.to_string()), "{expanded}");
    assert_eq!(expanded.matches("doc =").count(), 2, "{expanded}");
}

// case: 147
#[test]
fn an_expansion_stays_small() {
    fn count(tokens: TokenStream) -> usize {
        let size = |tree| match tree {
            TokenTree::Group(group) => 2 + count(group.stream()),
            _ => 1,
        };
        tokens.into_iter().map(size).sum()
    }
    for (item, most) in [
        ("fn f() {}", 175),
        ("fn f(a: u8) -> Result<u8, E> { Ok(a) }", 275),
        ("async fn f(a: u8) -> Result<u8, E> { Ok(a) }", 275),
    ] {
        let expanded = macros::traced(TokenStream::new(), item.parse().expect("tokens"));
        let found = count(expanded);
        assert!(found <= most, "{found} tokens of at most {most} for {item}");
    }
}

// case: 146
#[test]
fn the_runtime_asks_for_exactly_this_version() {
    let manifest = include_str!("../../obs-runtime/Cargo.toml");
    let wanted = concat!("version = \"=", env!("CARGO_PKG_VERSION"), "\"");
    let line = manifest
        .lines()
        .find(|line| line.starts_with("obs-runtime-macros"));
    assert!(line.is_some_and(|line| line.contains(wanted)), "{line:?}");
}
