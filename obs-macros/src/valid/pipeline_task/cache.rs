//! The rules for `cache`: what an output is known by, and which outputs can be kept.

use syn::ext::IdentExt as _;
use syn::{Expr, FnArg, Ident, Pat, Signature, Type};

use super::params::Param;
use crate::attr::cache::Cache;
use crate::attr::duration::DurationArg;
use crate::attr::list::Given;
use crate::attr::nearest::nearest;
use crate::errors::Errors;
use crate::valid::feature;

/// How the outputs of a task are kept.
pub(crate) struct Cached {
    pub(crate) at: proc_macro2::Span,
    pub(crate) ttl: DurationArg,
    pub(crate) max: Option<Expr>,
    pub(crate) key: Key,
}

/// What an output is known by.
#[allow(
    clippy::large_enum_variant,
    reason = "few, and gone with the expansion"
)]
pub(crate) enum Key {
    /// All outputs and inputs that the task takes.
    All,
    /// What a closure makes of some of them.
    Of { params: Vec<KeyParam>, body: Expr },
}

/// A parameter of `key`.
pub(crate) struct KeyParam {
    pub(crate) name: Ident,
    /// Which parameter of the function it is.
    pub(crate) position: usize,
    pub(crate) ty: Option<Type>,
}

/// Judges `cache`.
pub(super) fn cache(
    given: Given<Cache>,
    sig: &Signature,
    params: &[Param],
    effects: Option<&Given<&'static str>>,
    errors: &mut Errors,
) -> Option<Cached> {
    let Given { value: cache, at } = given;
    if !feature::is_on("cache") {
        let message = "`cache` needs the feature `cache` of obs-runtime: `obs-runtime = { version = \"…\", features = [\"pipeline\", \"cache\"] }`";
        errors.push(at, message);
        return None;
    }
    if effects.is_some_and(|effects| effects.value == "Once") {
        let message = "an output from the cache leaves the effect of the task out: remove `cache`, or move the effect to a task of its own";
        errors.push(at, message);
    }
    let key = if let Some(closure) = cache.key {
        of(closure.value, sig, params, errors)?
    } else {
        let asks = params.iter().any(|param| match param {
            Param::Lent { ty } => is_context(ty),
            _ => false,
        });
        if asks {
            let message = "what the task asks its `&TaskContext` for is not seen: say what its output is known by, `cache(ttl = …, key = |page| page.sha)`";
            errors.push(at, message);
        }
        Key::All
    };
    Some(Cached {
        at,
        ttl: cache.ttl,
        max: cache.max,
        key,
    })
}

fn is_context(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "TaskContext"))
}

fn of(
    closure: syn::ExprClosure,
    sig: &Signature,
    params: &[Param],
    errors: &mut Errors,
) -> Option<Key> {
    let names: Vec<String> = sig.inputs.iter().map(name_of).collect();
    let mut found = Vec::new();
    for input in &closure.inputs {
        let (pat, ty) = match input {
            Pat::Type(typed) => (&*typed.pat, Some((*typed.ty).clone())),
            pat => (pat, None),
        };
        let Pat::Ident(pat) = pat else {
            let message = "a parameter of `key` has the name of a parameter of the function";
            errors.push_on(pat, message);
            return None;
        };
        let wanted = pat.ident.unraw().to_string();
        let Some(position) = names.iter().position(|name| *name == wanted) else {
            let near = nearest(&wanted, names.iter().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            let message =
                format!("`key` looks at `{wanted}`, which is no parameter of the function{near}");
            errors.push(pat.ident.span(), message);
            return None;
        };
        if matches!(params.get(position), Some(Param::Lent { .. })) {
            let message = "a key is made of outputs and inputs, which are the same in another run";
            errors.push(pat.ident.span(), message);
            return None;
        }
        found.push(KeyParam {
            name: pat.ident.clone(),
            position,
            ty,
        });
    }
    Some(Key::Of {
        params: found,
        body: *closure.body,
    })
}

fn name_of(arg: &FnArg) -> String {
    match arg {
        FnArg::Typed(arg) => match &*arg.pat {
            Pat::Ident(pat) => pat.ident.unraw().to_string(),
            _ => String::new(),
        },
        FnArg::Receiver(_) => String::new(),
    }
}
