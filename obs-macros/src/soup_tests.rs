//! Any tokens, valid or not: `scripts/fuzz` looks further, these run in the gate.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use proptest::prelude::*;

use crate::macros;

/// Words of the grammar, of Rust, and some that are neither.
const WORDS: &[&str] = &[
    "name",
    "kind",
    "level",
    "target",
    "fields",
    "args",
    "parent",
    "root",
    "links",
    "follows_from",
    "err",
    "ret",
    "ok_if",
    "error_if",
    "expected",
    "metrics",
    "skip",
    "skip_all",
    "krate",
    "labels",
    "provider",
    "model",
    "operation",
    "usage",
    "system",
    "count",
    "pipeline",
    "depends_on",
    "retries",
    "timeout",
    "service",
    "allow",
    "redact",
    "Debug",
    "Display",
    "fn",
    "async",
    "unsafe",
    "extern",
    "const",
    "impl",
    "pub",
    "mut",
    "ref",
    "self",
    "Self",
    "where",
    "dyn",
    "Future",
    "Output",
    "Stream",
    "Item",
    "Result",
    "Box",
    "Pin",
    "pin",
    "move",
    "return",
    "u8",
    "str",
    "a",
    "_",
    "enum",
    "struct",
    "trait",
    "macro_rules",
    "in",
    "for",
    "if",
    "true",
    "crate",
    "super",
];

const SIGNS: &str = "=,;:<>&%?|!#+-*/.@'$~^";

fn leaf() -> impl Strategy<Value = Vec<TokenTree>> {
    let word = prop::sample::select(WORDS);
    prop_oneof![
        4 => word.clone().prop_map(|word| vec![Ident::new(word, Span::call_site()).into()]),
        4 => prop::sample::select(SIGNS.chars().collect::<Vec<_>>()).prop_map(|sign| {
            vec![match sign {
                // A lifetime needs its word.
                '\'' => Punct::new(',', Spacing::Alone),
                sign => Punct::new(sign, Spacing::Alone),
            }
            .into()]
        }),
        // `::`, `->`, `=>`, `..`: signs that belong together.
        2 => prop::sample::select(&["::", "->", "=>", "..", "&&", "||"][..]).prop_map(|signs| {
            let last = signs.len() - 1;
            let sign = |(at, sign)| {
                Punct::new(sign, if at == last { Spacing::Alone } else { Spacing::Joint }).into()
            };
            signs.chars().enumerate().map(sign).collect()
        }),
        1 => "[a-z]{0,3}".prop_map(|text| vec![Literal::string(&text).into()]),
        1 => any::<u32>().prop_map(|n| vec![Literal::u32_unsuffixed(n).into()]),
        1 => Just(vec![Punct::new('\'', Spacing::Joint).into(), Ident::new("a", Span::call_site()).into()]),
    ]
}

fn tokens(most: usize) -> impl Strategy<Value = TokenStream> {
    let tree = leaf().prop_recursive(4, 40, 6, |inner| {
        let delimiter = prop::sample::select(
            &[
                Delimiter::Parenthesis,
                Delimiter::Bracket,
                Delimiter::Brace,
                Delimiter::None,
            ][..],
        );
        (delimiter, prop::collection::vec(inner, 0..6)).prop_map(|(delimiter, content)| {
            vec![Group::new(delimiter, content.into_iter().flatten().collect()).into()]
        })
    });
    prop::collection::vec(tree, 0..most).prop_map(|trees| trees.into_iter().flatten().collect())
}

/// A function whose parts are soup: deeper into the expansion than soup alone comes.
fn function() -> impl Strategy<Value = TokenStream> {
    (any::<bool>(), tokens(3), tokens(6), tokens(8)).prop_map(|(is_async, attribute, ty, body)| {
        let is_async = is_async.then(|| quote::quote!(async));
        quote::quote!(#[#attribute] #is_async fn f<'a>(&self, n: u8, (a, b): (u8, u8)) -> #ty { #body })
    })
}

fn all(arguments: &TokenStream, item: &TokenStream) -> Vec<TokenStream> {
    let (a, i) = (|| arguments.clone(), || item.clone());
    vec![
        macros::traced(a(), i()),
        macros::llm_call(a(), i()),
        macros::vector_op(a(), i()),
        macros::main(a(), i()),
        macros::pipeline_task(a(), i()),
        macros::on_failure(a(), i()),
    ]
}

/// The words of the tokens in their order.
fn words(tokens: &TokenStream) -> Vec<String> {
    let words = |tree| match tree {
        TokenTree::Group(group) => words(&group.stream()),
        tree => vec![tree.to_string()],
    };
    tokens.clone().into_iter().flat_map(words).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        // The same cases in each run.
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    // case: 134
    #[test]
    fn no_arguments_make_a_macro_panic(arguments in tokens(12), item in function()) {
        for expanded in all(&arguments, &item) {
            // 131: with an error the item stays as it was.
            let (expanded, item) = (words(&expanded), words(&item));
            if expanded.iter().any(|word| word == "compile_error") {
                prop_assert!(expanded.windows(item.len()).any(|part| part == item), "{:?}", expanded);
            }
        }
        macros::span(arguments.clone());
        macros::gauge(arguments);
    }

    // case: 134
    #[test]
    fn no_item_makes_a_macro_panic(arguments in tokens(4), item in tokens(24)) {
        all(&arguments, &item);
        macros::label(item);
    }
}
