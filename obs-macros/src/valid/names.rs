//! Names: whether a call decides about that of its span, and which ones the parameters bind.

use syn::{Expr, FnArg, Ident};

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
    struct Names(Vec<Ident>);
    impl<'ast> syn::visit::Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
            self.0.push(pat.ident.clone());
            syn::visit::visit_pat_ident(self, pat);
        }
    }
    let mut names = Names(Vec::new());
    for arg in &function.sig.inputs {
        match arg {
            FnArg::Receiver(receiver) => names.0.push(receiver.self_token.into()),
            FnArg::Typed(arg) => syn::visit::Visit::visit_pat(&mut names, &arg.pat),
        }
    }
    names.0
}
