//! Names: whether a call decides about that of its span, and which ones the parameters bind.

use syn::visit::{self, Visit};
use syn::{Expr, FnArg, Ident, Pat, PatIdent};

use crate::ast::Function;
use crate::attr::expr::plain;

/// Whether the name is decided by each call: not a literal, `concat!` or a constant's path.
pub(crate) fn is_dynamic(name: &Expr, function: &Function) -> bool {
    match plain(name) {
        Expr::Lit(_) => false,
        Expr::Macro(mac) => !["concat", "stringify"].iter().any(|constant| {
            mac.mac
                .path
                .segments
                .last()
                .is_some_and(|s| s.ident == constant)
        }),
        Expr::Path(path) => {
            let segments = &path.path.segments;
            let generic = |ident: &Ident| {
                function
                    .sig
                    .generics
                    .const_params()
                    .any(|p| p.ident == *ident)
            };
            match segments.first() {
                _ if path.qself.is_some() => true,
                Some(first) if first.ident == "Self" || first.ident == "self" => true,
                Some(only) if segments.len() == 1 => {
                    generic(&only.ident) || parameters(function).contains(&only.ident)
                }
                _ => false,
            }
        }
        _ => true,
    }
}

/// Every name that the parameters bind.
pub(crate) fn parameters(function: &Function) -> Vec<Ident> {
    let names = function.sig.inputs.iter().flat_map(|arg| match arg {
        FnArg::Receiver(receiver) => vec![receiver.self_token.into()],
        FnArg::Typed(arg) => bound(&arg.pat),
    });
    names.collect()
}

/// Every name that a pattern binds.
pub(super) fn bound(pattern: &Pat) -> Vec<Ident> {
    struct Names(Vec<Ident>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
            self.0.push(pat.ident.clone());
            visit::visit_pat_ident(self, pat);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_pat(pattern);
    names.0
}
