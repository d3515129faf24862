//! What an expression is, as far as its syntax says: a literal or a path.
//!
//! A `macro_rules` of the user may have put invisible groups around an expression. Every question
//! here looks through them.

use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Lit, LitStr};

/// The expression without groups that a `macro_rules` put around it.
pub(crate) fn plain(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => plain(&group.expr),
        other => other,
    }
}

/// Whether it can be called, as far as its syntax says: a pair or a number cannot.
pub(crate) fn may_be_called(expr: &Expr) -> bool {
    match expr {
        Expr::Group(group) => may_be_called(&group.expr),
        Expr::Paren(paren) => may_be_called(&paren.expr),
        other => !matches!(
            other,
            Expr::Array(_)
                | Expr::Binary(_)
                | Expr::Lit(_)
                | Expr::Range(_)
                | Expr::Repeat(_)
                | Expr::Struct(_)
                | Expr::Tuple(_)
        ),
    }
}

/// The text of a string literal.
pub(crate) fn as_text(expr: &Expr) -> Option<&LitStr> {
    match plain(expr) {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text),
        _ => None,
    }
}

/// The value of `true` or `false`.
pub(crate) fn as_bool(expr: &Expr) -> Option<bool> {
    match plain(expr) {
        Expr::Lit(ExprLit {
            lit: Lit::Bool(value),
            ..
        }) => Some(value.value),
        _ => None,
    }
}

/// The number of an integer literal.
pub(crate) fn as_number(expr: &Expr) -> Option<u64> {
    match plain(expr) {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse().ok(),
        _ => None,
    }
}

/// A path, written as such or inside a string.
pub(crate) fn as_path(expr: &Expr) -> Option<syn::Path> {
    match plain(expr) {
        Expr::Path(path) if path.qself.is_none() => Some(path.path.clone()),
        other => {
            let text = as_text(other)?;
            let mut path: syn::Path = text.parse().ok()?;
            for segment in &mut path.segments {
                segment.ident.set_span(other.span());
            }
            Some(path)
        }
    }
}
