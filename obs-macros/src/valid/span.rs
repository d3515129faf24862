//! The rules for `span!`.

use syn::{Expr, LitStr};

use super::fields;
use crate::attr::expr::{as_text, plain};
use crate::attr::span::SpanInput;
use crate::errors::Errors;
use crate::plan::{Name, Site};

/// A span that is no function.
pub(crate) struct SpanCall {
    pub(crate) site: Site,
    pub(crate) name: Expr,
    /// What stands where a function's name would.
    pub(crate) function: String,
}

/// Judges `span!`.
pub(crate) fn span(mut input: SpanInput, errors: &mut Errors) -> SpanCall {
    let declared = fields::judge(&mut input.fields, None, errors);
    let name = if is_constant(&input.name) {
        Name::Constant(input.name.clone())
    } else {
        Name::Dynamic(input.name.clone())
    };
    SpanCall {
        site: Site {
            krate: input.krate,
            construct: "Span",
            fields: input.fields,
            declared,
            name,
            ..Site::default()
        },
        function: as_text(&input.name).map_or_else(|| "span".to_owned(), LitStr::value),
        name: input.name,
    }
}

/// Whether the name is certainly a constant.
fn is_constant(name: &Expr) -> bool {
    match plain(name) {
        Expr::Lit(_) => true,
        // A local variable looks like a constant here, but is not written like one.
        Expr::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident.to_string().chars().all(|c| !c.is_lowercase())),
        Expr::Macro(mac) => mac.mac.path.is_ident("concat"),
        _ => false,
    }
}
