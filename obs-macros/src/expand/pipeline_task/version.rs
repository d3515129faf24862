//! The version of a task: a number that changes with its code.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;

use crate::ast::Function;

/// Returns a hash of the function's signature and body, as the compiler reads them.
///
/// Spaces, line breaks and comments are none of the tokens. A comma at the end of a list, which
/// rustfmt adds and takes away, does not count.
pub(super) fn of(function: &Function) -> u64 {
    let mut tokens = function.sig.to_token_stream();
    function.body.to_tokens(&mut tokens);
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.tokens(tokens);
    hash.0
}

/// FNV-1a, 64 bits: the same in every release of the compiler, as `std`'s hash is not.
struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, kind: u8, text: &str) {
        // The end of each token counts, so that `ab c` is not `a bc`.
        for byte in [kind].into_iter().chain(text.bytes()).chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                // A fragment of a `macro_rules` is what is in it.
                TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                    self.tokens(group.stream());
                }
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        _ => ("[", "]"),
                    };
                    self.bytes(b'g', open);
                    self.tokens(group.stream());
                    self.bytes(b'g', close);
                }
                TokenTree::Ident(ident) => self.bytes(b'i', &ident.to_string()),
                TokenTree::Literal(literal) => self.bytes(b'l', &literal.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ',' && tokens.peek().is_none() => {}
                TokenTree::Punct(punct) => self.bytes(b'p', &punct.as_char().to_string()),
            }
        }
    }
}

#[cfg(test)]
#[path = "version_tests.rs"]
mod tests;
