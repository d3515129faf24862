//! The macros' sources as a library, and what must hold for whatever they are given; and the same of the [`redaction`].

#![allow(dead_code, unused_imports, missing_docs)]

extern crate proc_macro;

#[cfg(fuzzing)]
pub mod redaction;

#[path = "../../obs-macros/src"]
mod sources {
    pub(crate) mod ast;
    pub(crate) mod attr;
    pub(crate) mod crate_path;
    pub(crate) mod driver;
    pub(crate) mod errors;
    pub(crate) mod expand;
    pub(crate) mod fallback;
    pub(crate) mod hygiene;
    pub(crate) mod macros;
    pub(crate) mod plan;
    pub(crate) mod shape;
    pub(crate) mod valid;
}

// The sources name each other from the root.
use sources::{
    ast, attr, crate_path, driver, errors, expand, fallback, hygiene, macros, plan, shape, valid,
};

use proc_macro2::{TokenStream, TokenTree};

/// Deeper nesting overflows any parser's stack, the compiler's first.
const DEEPEST: usize = 48;

/// The first byte chooses the macro; the text behind it is its arguments, and after a line break the item.
pub fn run(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    if depth(text) > DEEPEST {
        return;
    }
    let (arguments, item) = text.split_once('\n').unwrap_or((text, "fn f() {}"));
    let (Ok(arguments), Ok(item)) = (
        arguments.parse::<TokenStream>(),
        item.parse::<TokenStream>(),
    ) else {
        return;
    };
    let is_valid = syn::parse2::<syn::File>(item.clone()).is_ok();
    let given = item.to_string();
    let expanded = match choice % 10 {
        0 => {
            macros::span(arguments);
            return;
        }
        1 => {
            macros::counter(arguments);
            return;
        }
        2 => {
            macros::label(item);
            return;
        }
        3 => macros::llm_call(arguments, item),
        4 => macros::vector_op(arguments, item),
        5 => macros::main(arguments, item),
        6 => macros::pipeline_task(arguments, item),
        7 => macros::on_failure(arguments, item),
        _ => macros::traced(arguments, item),
    };
    if mentions(&expanded, "compile_error") {
        // An error stands beside the item, never in its place.
        assert!(
            expanded.to_string().contains(&given),
            "the item is gone: {expanded}"
        );
    } else if is_valid {
        if let Err(error) = syn::parse2::<syn::File>(expanded.clone()) {
            panic!("no Rust code: {error}\n{expanded}");
        }
    }
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            // `<` nests in types, `&`, `*` and `!` in expressions; they have no closing sign to wait for.
            b'(' | b'[' | b'{' | b'<' | b'&' | b'*' | b'!' | b'-' | b'|' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn mentions(tokens: &TokenStream, word: &str) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions(&group.stream(), word),
        _ => false,
    })
}
