//! The shape of an expansion: how the body of a function is wrapped, chosen from its signature.
//!
//! A shape is as close to the plain function as the signature allows. DESIGN.md, "Expansion", says
//! why there are several. The questions about types that the choice needs are here too, because the
//! rules and the expansion ask them as well.

use proc_macro2::{Group, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::{GenericArgument, Pat, PathArguments, ReturnType, Type, TypeParamBound};

use crate::ast::Function;

/// How the body is wrapped.
pub(crate) enum Shape {
    /// A guard in front of the user's statements: nothing of the value is looked at.
    Guard {
        /// Our braces around the user's: arguments are dropped inside the span.
        outer: bool,
    },
    /// `let v = { body };`: for `#[track_caller]`, which a closure would break.
    Block,
    /// The future in a tail `Box::pin(future)` is wrapped where it is.
    InBox(InBox),
    /// The body in a closure, its value looked at by type.
    Closure,
    /// As `Closure`, for `-> impl Future<…>`: the future is wrapped.
    FutureClosure,
    /// `async fn` as `fn -> impl Future`.
    Async,
    /// `async fn` that stays one, for the macros below.
    AsyncKept,
}

/// A body that ends in `Box::pin(future)`.
pub(crate) struct InBox {
    /// Statements before, and the path `Box::pin`.
    pub(crate) before: TokenStream,
    /// `(future)`
    pub(crate) call: Group,
}

/// Chooses the shape. `needs_value` says that an argument looks at the returned value.
pub(crate) fn choose(function: &Function, needs_value: bool) -> Shape {
    let sig = &function.sig;
    if sig.asyncness.is_some() {
        return if has_macros_below(function) {
            Shape::AsyncKept
        } else {
            Shape::Async
        };
    }
    let returned = returned(&sig.output);
    if is_never(returned) || (is_inert(returned) && !needs_value) {
        let outer = function.body.is_fragment
            || function.body.may_have_items()
            || sig.inputs.iter().any(may_drop);
        return Shape::Guard { outer };
    }
    if function
        .attrs
        .iter()
        .any(|a| a.path().is_ident("track_caller"))
    {
        return Shape::Block;
    }
    if names_future(returned)
        && let Some(in_box) = boxed_tail(&function.body.braces)
    {
        return Shape::InBox(in_box);
    }
    if is_impl_future(returned) {
        Shape::FutureClosure
    } else {
        Shape::Closure
    }
}

/// Whether attributes of other macros are below ours, which expand after it.
pub(crate) fn has_macros_below(function: &Function) -> bool {
    !function.attrs.iter().all(is_builtin)
}

pub(crate) fn returned(output: &ReturnType) -> Option<&Type> {
    match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(plain(ty)),
    }
}

/// The type without parentheses and invisible groups.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        other => other,
    }
}

pub(crate) fn is_never(returned: Option<&Type>) -> bool {
    matches!(returned, Some(Type::Never(_)))
}

/// The last segment of a type's path.
pub(crate) fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// Whether the type is certainly no `Result`, future or stream.
pub(crate) fn is_inert(returned: Option<&Type>) -> bool {
    const INERT: &[&str] = &[
        "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32",
        "i64", "i128", "isize", "f32", "f64", "String", "Vec", "Option", "HashMap", "HashSet",
        "BTreeMap", "BTreeSet", "VecDeque", "Duration", "Instant", "PathBuf",
    ];
    match returned {
        None
        | Some(
            Type::Reference(_) | Type::Ptr(_) | Type::Tuple(_) | Type::Array(_) | Type::FnPtr(_),
        ) => true,
        Some(Type::ImplTrait(opaque)) => !opaque.bounds.iter().any(is_async_bound),
        Some(ty) => last_segment(ty).is_some_and(|last| INERT.iter().any(|i| last.ident == i)),
    }
}

/// Whether the type's last name is `Result`, as an alias may be called too.
pub(crate) fn is_named_result(ty: &Type) -> bool {
    last_segment(plain(ty)).is_some_and(|last| last.ident == "Result")
}

fn bound_name(bound: &TypeParamBound) -> Option<String> {
    match bound {
        TypeParamBound::Trait(bound) => Some(bound.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

fn is_async_bound(bound: &TypeParamBound) -> bool {
    bound_name(bound).is_some_and(|name| name.ends_with("Future") || name.ends_with("Stream"))
}

/// `impl Future<…>` with no bound that our wrapper could not meet.
fn is_impl_future(returned: Option<&Type>) -> bool {
    is_impl_of(returned, &["Future"])
}

/// `impl Stream<…>` with no bound that our wrapper could not meet.
pub(crate) fn is_impl_stream(returned: Option<&Type>) -> bool {
    is_impl_of(returned, &["Stream", "TryStream", "FusedStream"])
}

/// `impl …` with one of the traits, and beside them auto traits alone.
fn is_impl_of(returned: Option<&Type>, traits: &[&str]) -> bool {
    let Some(Type::ImplTrait(opaque)) = returned else {
        return false;
    };
    let names: Vec<String> = opaque.bounds.iter().filter_map(bound_name).collect();
    let is_one = |name: &String| traits.contains(&&**name);
    names.iter().any(is_one)
        && names
            .iter()
            .all(|name| is_one(name) || matches!(&**name, "Send" | "Sync" | "Unpin"))
}

/// `X` of `impl Future<Output = X>`.
pub(crate) fn future_output(output: &ReturnType) -> Option<&Type> {
    match returned(output) {
        Some(Type::ImplTrait(opaque)) => assigned(&opaque.bounds, "Output"),
        _ => None,
    }
}

/// `X` of `Trait<name = X>` among the bounds.
pub(crate) fn assigned<'a>(
    bounds: &'a Punctuated<TypeParamBound, syn::Token![+]>,
    name: &str,
) -> Option<&'a Type> {
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let PathArguments::AngleBracketed(args) = &bound.path.segments.last()?.arguments else {
            return None;
        };
        args.args.iter().find_map(|arg| match arg {
            GenericArgument::AssocType(assoc) if assoc.ident == name => Some(&assoc.ty),
            _ => None,
        })
    })
}

/// `Pin<Box<dyn Future<…>>>` or one of the names it goes by.
fn names_future(returned: Option<&Type>) -> bool {
    let Some(last) = returned.and_then(last_segment) else {
        return false;
    };
    match last.ident.to_string().as_str() {
        "BoxFuture" | "LocalBoxFuture" => true,
        "Pin" => pinned(last).as_deref() == Some("Future"),
        _ => false,
    }
}

/// `Future` or `Stream`, whichever `Pin<…>` names first: the outer one.
pub(crate) fn pinned(pin: &syn::PathSegment) -> Option<String> {
    let mut first = None;
    any_word(
        &quote::ToTokens::to_token_stream(&pin.arguments),
        &mut |word| {
            if first.is_none() && (word == "Future" || word == "Stream") {
                first = Some(word.to_string());
            }
        },
    );
    first
}

/// Whether a word stands anywhere in the type.
pub(crate) fn names(ty: &Type, name: &str) -> bool {
    let mut found = false;
    any_word(&quote::ToTokens::to_token_stream(ty), &mut |word| {
        found |= word == name;
    });
    found
}

fn any_word(tokens: &TokenStream, see: &mut impl FnMut(&proc_macro2::Ident)) {
    for tree in tokens.clone() {
        match tree {
            TokenTree::Ident(word) => see(&word),
            TokenTree::Group(group) => any_word(&group.stream(), see),
            _ => {}
        }
    }
}

/// The tail `Box::pin(…)` of a body that reaches it on every path.
fn boxed_tail(braces: &Group) -> Option<InBox> {
    let mut trees: Vec<TokenTree> = braces.stream().into_iter().collect();
    let Some(TokenTree::Group(call)) = trees.pop() else {
        return None;
    };
    if call.delimiter() != proc_macro2::Delimiter::Parenthesis {
        return None;
    }
    let path_start = path_before(&trees)?;
    let starts_statement = match trees[..path_start].last() {
        None => true,
        Some(TokenTree::Punct(p)) => p.as_char() == ';',
        Some(TokenTree::Group(group)) => group.delimiter() == proc_macro2::Delimiter::Brace,
        Some(_) => false,
    };
    let statements: TokenStream = trees[..path_start].iter().cloned().collect();
    let future = call.stream();
    let leaves_early =
        may_leave(&statements) || (async_block(&future).is_none() && may_leave(&future));
    if !starts_statement || leaves_early {
        return None;
    }
    let before = trees.into_iter().collect();
    Some(InBox { before, call })
}

/// Where a path that ends in `Box::pin` starts, if the tokens end in one.
fn path_before(trees: &[TokenTree]) -> Option<usize> {
    let colons = |at: usize| {
        let colon = |i: usize| matches!(&trees[i], TokenTree::Punct(p) if p.as_char() == ':');
        at >= 2 && colon(at - 1) && colon(at - 2)
    };
    let word = |at: usize| match at.checked_sub(1).map(|i| &trees[i]) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    };
    let mut at = trees.len();
    if word(at)? != "pin" || !colons(at - 1) || word(at - 3)? != "Box" {
        return None;
    }
    at -= 4;
    while colons(at) {
        at -= 2;
        // `return ::std::…` does not come here: `return` is no part of a path.
        if word(at).is_some_and(|w| w != "return") {
            at -= 1;
        }
    }
    Some(at)
}

/// Whether the tokens may leave the function: `return`, `?`, or a macro that could do either.
fn may_leave(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Punct(p) => matches!(p.as_char(), '?' | '!'),
        TokenTree::Group(group) => may_leave(&group.stream()),
        TokenTree::Literal(_) => false,
    })
}

/// `async move { … }` and nothing else: what stands before the braces, and the braces.
pub(crate) fn async_block(tokens: &TokenStream) -> Option<(TokenStream, Group)> {
    let mut trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    if matches!(trees.last(), Some(TokenTree::Punct(p)) if p.as_char() == ',') {
        trees.pop();
    }
    let words: Vec<String> = trees.iter().map(ToString::to_string).collect();
    let is_block = match words.as_slice() {
        [a, _] => a == "async",
        [a, m, _] => a == "async" && m == "move",
        _ => false,
    };
    match trees.pop() {
        Some(TokenTree::Group(group))
            if is_block && group.delimiter() == proc_macro2::Delimiter::Brace =>
        {
            Some((trees.into_iter().collect(), group))
        }
        _ => None,
    }
}

/// Whether the tokens are `async move { … }` and nothing else.
pub(crate) fn is_async_move(tokens: &TokenStream) -> bool {
    async_block(tokens).is_some_and(|(head, _)| head.into_iter().count() == 2)
}

/// Whether dropping the argument may run code, or its pattern takes it apart.
fn may_drop(arg: &syn::FnArg) -> bool {
    const PLAIN: &[&str] = &[
        "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64",
        "i128", "isize", "f32", "f64",
    ];
    let syn::FnArg::Typed(arg) = arg else {
        return false;
    };
    if !matches!(*arg.pat, Pat::Ident(_)) {
        return true;
    }
    match plain(&arg.ty) {
        Type::Reference(_) | Type::Ptr(_) => false,
        ty => !last_segment(ty).is_some_and(|last| PLAIN.iter().any(|p| last.ident == p)),
    }
}

/// Whether the compiler itself handles the attribute: it does not care about `async`.
fn is_builtin(attr: &syn::Attribute) -> bool {
    const BUILTIN: &[&str] = &[
        "doc",
        "inline",
        "cold",
        "must_use",
        "deprecated",
        "cfg",
        "cfg_attr",
        "allow",
        "warn",
        "deny",
        "forbid",
        "expect",
        "target_feature",
        "no_mangle",
        "export_name",
        "link_section",
        "track_caller",
        "unsafe",
        "automatically_derived",
        "rustfmt",
        "clippy",
        "diagnostic",
        "coverage",
    ];
    attr.path()
        .segments
        .first()
        .is_some_and(|first| BUILTIN.iter().any(|b| first.ident == b))
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
