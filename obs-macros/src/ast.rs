//! The annotated item: a function with its body as raw tokens, or an impl block.
//!
//! The body is never parsed, so code that is half typed reaches the compiler (and the editor)
//! as it stands.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{Attribute, Signature, Token, Visibility};

use crate::hygiene::quote;

/// A function with a body.
pub(crate) struct Function {
    /// Attributes below ours, then the inner ones of the body, as outer ones.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

/// A function's body: the user's braces and what is in them.
pub(crate) struct Body {
    pub(crate) braces: Group,
    /// Whether a `macro_rules` passed it as one fragment (`$body:block`).
    pub(crate) is_fragment: bool,
}

/// What an attribute of ours was put on.
pub(crate) enum Item {
    Function(Box<Function>),
    Impl(Box<syn::ItemImpl>),
    /// A declaration, `fn f();`.
    NoBody(Box<Signature>),
    /// Something else; where it says what it is, and its name for messages.
    Other(Span, String),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        ahead.parse::<Option<Token![default]>>()?;
        if ahead.peek(Token![impl]) || ahead.peek(Token![unsafe]) && ahead.peek2(Token![impl]) {
            return Ok(Self::Impl(Box::new(input.parse()?)));
        }
        if !starts_function(&ahead) {
            let first: TokenTree = ahead.parse()?;
            input.parse::<TokenStream>()?;
            return Ok(Self::Other(first.span(), first.to_string()));
        }
        parse_function(input)
    }
}

/// Whether `const async unsafe extern "C" fn`, or any part of it, comes next.
fn starts_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    for _ in 0..6 {
        if ahead.peek(Token![fn]) {
            return true;
        }
        let keyword = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern])
            || ahead.peek(syn::LitStr);
        if !keyword || ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    false
}

fn parse_function(input: ParseStream<'_>) -> syn::Result<Item> {
    let mut attrs = input.call(Attribute::parse_outer)?;
    if is_fragment(&input.fork().parse()?) {
        // Clippy does not ask this of what a `macro_rules` made, but takes the function that we
        // make for the user's own, because its first token is.
        let allow = quote!(#[allow(clippy::must_use_candidate)]);
        attrs.extend(Attribute::parse_outer.parse2(allow)?);
    }
    let vis = input.parse()?;
    let sig: Signature = input.parse()?;
    if input.peek(Token![;]) {
        input.parse::<TokenStream>()?;
        return Ok(Item::NoBody(Box::new(sig)));
    }
    let Some((braces, is_fragment)) = braces(input.parse()?) else {
        return Err(syn::Error::new(
            sig.fn_token.span,
            "expected a function with a body",
        ));
    };
    input.parse::<TokenStream>()?;
    let braces = hoist_inner_attributes(braces, &mut attrs)?;
    let body = Body {
        braces,
        is_fragment,
    };
    Ok(Item::Function(Box::new(Function {
        attrs,
        vis,
        sig,
        body,
    })))
}

/// Whether a `macro_rules` passed it as one fragment (`$vis:vis`, `$function:item`).
fn is_fragment(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::None)
}

/// The brace group, out of the invisible groups of `macro_rules`.
fn braces(tree: TokenTree) -> Option<(Group, bool)> {
    let TokenTree::Group(mut group) = tree else {
        return None;
    };
    let mut is_fragment = false;
    while group.delimiter() == Delimiter::None {
        is_fragment = true;
        group = match group.stream().into_iter().next() {
            Some(TokenTree::Group(inner)) => inner,
            _ => return None,
        };
    }
    (group.delimiter() == Delimiter::Brace).then_some((group, is_fragment))
}

/// `#![allow(…)]` may only stand at the very start of a body, where our code would come first.
fn hoist_inner_attributes(braces: Group, attrs: &mut Vec<Attribute>) -> syn::Result<Group> {
    let mut start = braces.stream().into_iter();
    let hash = matches!(start.next(), Some(TokenTree::Punct(p)) if p.as_char() == '#');
    let bang = matches!(start.next(), Some(TokenTree::Punct(p)) if p.as_char() == '!');
    if !hash || !bang {
        return Ok(braces);
    }
    let split = |input: ParseStream<'_>| {
        let inner = input.call(Attribute::parse_inner)?;
        Ok((inner, input.parse::<TokenStream>()?))
    };
    let (inner, rest) = split.parse2(braces.stream())?;
    attrs.extend(inner.into_iter().map(|mut attr| {
        attr.style = syn::AttrStyle::Outer;
        attr
    }));
    Ok(with_content(&braces, rest))
}

/// The same delimiters around other tokens.
pub(crate) fn with_content(group: &Group, content: TokenStream) -> Group {
    let mut new = Group::new(group.delimiter(), content);
    new.set_span(group.span());
    new
}

/// Whether a name stands anywhere in the tokens.
pub(crate) fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == *name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}

impl Body {
    /// Whether the body may use a variable: by its name, or in a text that names it (`"{name}"`).
    pub(crate) fn may_use(&self, name: &Ident) -> bool {
        fn may_use(tokens: TokenStream, name: &Ident, text: &str) -> bool {
            tokens.into_iter().any(|tree| match tree {
                TokenTree::Ident(word) => word == *name,
                TokenTree::Literal(literal) => literal.to_string().contains(text),
                TokenTree::Group(group) => may_use(group.stream(), name, text),
                TokenTree::Punct(_) => false,
            })
        }
        may_use(self.braces.stream(), name, &name.to_string())
    }

    /// Whether the body may hold items of its own (`use`, `fn`, …): a guess that errs to yes.
    pub(crate) fn may_have_items(&self) -> bool {
        const KEYWORDS: &[&str] = &[
            "fn",
            "struct",
            "enum",
            "union",
            "use",
            "const",
            "static",
            "impl",
            "trait",
            "mod",
            "type",
            "extern",
            "macro_rules",
        ];
        self.braces.stream().into_iter().any(
            |tree| matches!(tree, TokenTree::Ident(word) if KEYWORDS.iter().any(|k| word == k)),
        )
    }
}

impl ToTokens for Body {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append(self.braces.clone());
    }
}
