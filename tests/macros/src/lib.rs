//! Attribute macros of somebody else, as their users' functions meet them above and below ours.

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};

/// The item as it is; arguments are not looked at. What the compiler says of a function under it, it should say of
/// one under `#[traced]`.
#[proc_macro_attribute]
pub fn identity(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Puts the tokens of the argument in front of the body's statements, as loggers do.
#[proc_macro_attribute]
pub fn before(statements: TokenStream, item: TokenStream) -> TokenStream {
    with_body(item, |body| {
        let mut tokens = statements.clone();
        tokens.extend(body.stream());
        Group::new(Delimiter::Brace, tokens)
    })
}

/// Puts the body into a block of the macro's own, and parses nothing.
#[proc_macro_attribute]
pub fn braces(_: TokenStream, item: TokenStream) -> TokenStream {
    with_body(item, |body| {
        Group::new(Delimiter::Brace, TokenTree::Group(body).into())
    })
}

/// Hands the item on inside an invisible group, as `macro_rules` do with fragments.
#[proc_macro_attribute]
pub fn fragment(_: TokenStream, item: TokenStream) -> TokenStream {
    TokenTree::Group(Group::new(Delimiter::None, item)).into()
}

/// Puts another attribute of the language below those that are there.
#[proc_macro_attribute]
pub fn inlined(_: TokenStream, item: TokenStream) -> TokenStream {
    let name = TokenTree::Ident(Ident::new("inline", Span::call_site()));
    let mut tokens: TokenStream = [
        TokenTree::Punct(Punct::new('#', Spacing::Alone)),
        TokenTree::Group(Group::new(Delimiter::Bracket, name.into())),
    ]
    .into_iter()
    .collect();
    tokens.extend(item);
    tokens
}

/// Changes the last group in braces of an item.
fn with_body(item: TokenStream, change: impl FnOnce(Group) -> Group) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = trees.pop() {
        trees.push(TokenTree::Group(change(body)));
    }
    trees.into_iter().collect()
}
