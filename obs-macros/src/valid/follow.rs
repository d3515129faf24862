//! The rules for the argument `stream`: the call lasts until the stream that it gives has ended.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ReturnType;

use crate::ast::Function;
use crate::attr::list::Given;
use crate::attr::table::Table;
use crate::errors::Errors;
use crate::plan::Follow;
use crate::shape;

/// Judges `stream` for a macro whose closures must know whether they see items: it is there where
/// the return type names a stream, and nowhere where the type is certainly none.
pub(crate) fn decided(
    stream: Option<&Given<bool>>,
    table: &Table,
    function: &Function,
    errors: &mut Errors,
) -> Follow {
    if let Some(follow) = asked(stream, function, errors) {
        return follow;
    }
    if let ReturnType::Type(_, ty) = &function.sig.output
        && names_stream(&ty.to_token_stream())
    {
        let message = format!(
            "the returned type names a stream: `#[{}(stream, …)]` follows it to its end; \
             `stream = false` measures the call alone",
            table.name
        );
        errors.push_on(ty, message);
    }
    Follow::Call
}

/// Judges `stream` or `stream = false`, if it is there.
pub(crate) fn asked(
    stream: Option<&Given<bool>>,
    function: &Function,
    errors: &mut Errors,
) -> Option<Follow> {
    let stream = stream?;
    if !stream.value {
        return Some(Follow::Call);
    }
    let ty = match &function.sig.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    let plain = ty.map(shape::plain);
    let names_one = ty.is_some_and(|ty| names_stream(&ty.to_token_stream()));
    if !names_one && (shape::is_never(plain) || shape::is_inert(plain)) {
        let message = "`stream` needs a function that returns a stream, or a `Result` of one";
        errors.push(stream.at, message);
        return Some(Follow::Call);
    }
    Some(Follow::Asked)
}

/// Whether a type names a stream.
fn names_stream(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word.to_string().ends_with("Stream"),
        TokenTree::Group(group) => names_stream(&group.stream()),
        _ => false,
    })
}
