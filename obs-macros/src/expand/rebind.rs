//! Parameters: renamed by hygiene, and bound again inside the span.
//!
//! This is how rustc itself lowers an `async fn`, and it keeps drop order, `_` and patterns those
//! of the plain function. If macros stand below, the names stay plain, because the arguments of
//! those macros may use them.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, FnArg, Pat};

use crate::ast::{Function, mentions, with_content};
use crate::hygiene::quote;
use crate::plan::Plan;
use crate::shape;

/// The signature's parameters under hygienic names, and the `let`s that give the user's back.
pub(super) struct Rebound {
    pub(super) inputs: syn::punctuated::Punctuated<FnArg, syn::Token![,]>,
    pub(super) lets: TokenStream,
    /// `let _ = &self;`: a closure captures it whole, and first.
    pub(super) receiver: TokenStream,
}

pub(super) fn rebind(function: &Function, plan: &Plan) -> Rebound {
    let keep_names = shape::has_macros_below(function);
    let krate = &plan.site.krate;
    let labels = plan.labels.iter().map(|label| &label.value);
    let outside: TokenStream = plan
        .parent
        .iter()
        .map(|parent| &parent.value)
        .chain(labels)
        .map(ToTokens::to_token_stream)
        .collect();
    let mut lets = TokenStream::new();
    let mut receiver = TokenStream::new();
    let mut inputs = function.sig.inputs.clone();
    for (index, arg) in inputs.iter_mut().enumerate() {
        let arg = match arg {
            FnArg::Receiver(this) => {
                let this = &this.self_token;
                receiver = quote!(let _ = &#this;);
                continue;
            }
            FnArg::Typed(arg) => arg,
        };
        let (cfgs, others): (Vec<Attribute>, Vec<Attribute>) = arg
            .attrs
            .drain(..)
            .partition(|attr| attr.path().is_ident("cfg"));
        let pat = &arg.pat;
        let span = Span::mixed_site().located_at(pat.span());
        let name = match &**pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                let name = if keep_names {
                    pat.ident.clone()
                } else {
                    hygienic(&pat.ident)
                };
                // A call, because clippy takes `let _x = x;` for a statement without effect.
                let value = if pat.ident.to_string().starts_with('_') {
                    quote!(#krate::private::arg(#name))
                } else {
                    quote!(#name)
                };
                let user = &pat.ident;
                if plan.consumed() != Some(user) {
                    lets.extend(quote!(#(#cfgs)* #(#others)* let #pat = #value;));
                }
                let unused = !user.to_string().starts_with('_') && plan.consumed() != Some(user);
                if unused && mentions(&outside, user) {
                    // `parent` or `labels` used it, under its other name.
                    lets.extend(quote!(#(#cfgs)* let _ = &#user;));
                }
                name
            }
            pat => {
                let name = format_ident!("__arg{}", index, span = span);
                lets.extend(quote! {
                    #(#cfgs)* let #name = #name;
                    #(#cfgs)* #(#others)* let #pat = #name;
                });
                name
            }
        };
        arg.pat = ident_pattern(name);
        arg.attrs = cfgs;
    }
    Rebound {
        inputs,
        lets,
        receiver,
    }
}

/// The user's expression where only the hygienic names of the parameters are in scope.
pub(super) fn outside(expr: &Expr, function: &Function) -> TokenStream {
    if shape::has_macros_below(function) {
        return expr.to_token_stream();
    }
    let names: Vec<&Ident> = function
        .sig
        .inputs
        .iter()
        .filter_map(|arg| match arg {
            FnArg::Typed(arg) => match &*arg.pat {
                Pat::Ident(pat) => Some(&pat.ident),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        })
        .collect();
    respan(expr.to_token_stream(), &names)
}

/// The user's name with our hygiene: there it must not be one of our own names.
fn hygienic(name: &Ident) -> Ident {
    let span = Span::mixed_site().located_at(name.span());
    let text = name.to_string();
    if text.starts_with("__obs_") || text.starts_with("__arg") {
        return format_ident!("user{}", name, span = span);
    }
    let mut name = name.clone();
    name.set_span(span);
    name
}

fn respan(tokens: TokenStream, names: &[&Ident]) -> TokenStream {
    let respan_one = |tree| match tree {
        TokenTree::Ident(word) if names.contains(&&word) => TokenTree::Ident(hygienic(&word)),
        TokenTree::Group(group) => {
            TokenTree::Group(with_content(&group, respan(group.stream(), names)))
        }
        other => other,
    };
    tokens.into_iter().map(respan_one).collect()
}

/// Marks bindings in the async block of another macro as used.
///
/// The other macro may bind a parameter anew (`let id = id;`) that our arguments name. They used
/// the binding before it, so the new one would count as unused.
pub(super) fn mark_used(statements: TokenStream, named: &TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = statements.into_iter().collect();
    let mut marked = TokenStream::new();
    let mut start = 0;
    for (at, tree) in trees.iter().enumerate() {
        let ends = match tree {
            TokenTree::Punct(p) => p.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
            _ => false,
        };
        marked.extend([tree.clone()]);
        if !ends {
            continue;
        }
        if let Some(name) = bound_anew(&trees[start..=at])
            && mentions(named, name)
        {
            marked.extend(quote!(let _ = &#name;));
        }
        start = at + 1;
    }
    marked
}

/// `name` of `let name = name;` and `let mut name = name;`.
fn bound_anew(statement: &[TokenTree]) -> Option<&Ident> {
    let word = |tree: &TokenTree, text: &str| matches!(tree, TokenTree::Ident(i) if i == text);
    let (head, rest) = statement.split_last_chunk::<4>()?;
    let is_let = match head {
        [one] => word(one, "let"),
        [one, two] => word(one, "let") && word(two, "mut"),
        _ => false,
    };
    match rest {
        [
            TokenTree::Ident(name),
            TokenTree::Punct(p),
            TokenTree::Ident(same),
            _,
        ] if is_let && p.as_char() == '=' && name == same => Some(name),
        _ => None,
    }
}

fn ident_pattern(ident: Ident) -> Box<Pat> {
    Box::new(Pat::Ident(syn::PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident,
        subpat: None,
    }))
}
