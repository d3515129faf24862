//! The rules for `map`, `when` and `run_if`: they name dependencies, and need outputs.

use syn::ext::IdentExt as _;
use syn::{Expr, Ident, Pat, Type};

use super::params::Param;
use crate::attr::list::Given;
use crate::attr::nearest::nearest;
use crate::attr::pipeline_task::{Dependency, Map};
use crate::errors::Errors;

/// `map(…)`, and the position of the dependency that has the items.
pub(crate) struct Mapped {
    pub(crate) map: Map,
    pub(crate) source: usize,
}

/// `when = |a, b| …`: the outputs that it looks at, and what it says.
pub(crate) struct When {
    pub(crate) params: Vec<WhenParam>,
    pub(crate) body: Expr,
}

/// A parameter of `when`.
pub(crate) struct WhenParam {
    pub(crate) name: Ident,
    pub(crate) position: usize,
    pub(crate) ty: Option<Type>,
}

/// Finds the dependency of this name.
fn position(name: &Ident, what: &str, given: &[Dependency], errors: &mut Errors) -> Option<usize> {
    let wanted = name.unraw();
    let found = given.iter().position(|d| d.name.unraw() == wanted);
    if found.is_none() {
        let names: Vec<String> = given.iter().map(|d| d.name.unraw().to_string()).collect();
        let near = nearest(&wanted.to_string(), names.iter().map(String::as_str));
        let remedy = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add `depends_on({wanted})`"),
        };
        errors.push(
            name.span(),
            format!("{what} `{wanted}`, which is no dependency; {remedy}"),
        );
    }
    found
}

pub(super) fn map(
    map: Given<Map>,
    dependencies: &[Dependency],
    errors: &mut Errors,
) -> Option<Mapped> {
    let map = map.value;
    let source = position(
        &map.source,
        "`map` takes its items from",
        dependencies,
        errors,
    )?;
    Some(Mapped { map, source })
}

pub(super) fn when(
    when: Given<syn::ExprClosure>,
    dependencies: &[Dependency],
    errors: &mut Errors,
) -> Option<When> {
    let closure = when.value;
    if closure.inputs.is_empty() {
        let message = "`when` looks at outputs of dependencies: `when = |load| !load.is_empty()`";
        errors.push(when.at, message);
        return None;
    }
    let mut params = Vec::new();
    for input in &closure.inputs {
        let (pat, ty) = match input {
            Pat::Type(typed) => (&*typed.pat, Some((*typed.ty).clone())),
            pat => (pat, None),
        };
        let Pat::Ident(pat) = pat else {
            let message = "a parameter of `when` has the name of a dependency";
            errors.push_on(pat, message);
            return None;
        };
        let name = pat.ident.clone();
        let position = position(&name, "`when` looks at", dependencies, errors)?;
        params.push(WhenParam { name, position, ty });
    }
    Some(When {
        params,
        body: *closure.body,
    })
}

/// A task that also runs when a dependency has no output cannot take it.
pub(super) fn check_run_if(
    run_if: Option<&Given<&'static str>>,
    dependencies: &[Dependency],
    params: &[Param],
    when: Option<&When>,
    errors: &mut Errors,
) {
    let Some(run_if) = run_if else { return };
    if dependencies.is_empty() {
        let message = "`run_if` is about dependencies: name them with `depends_on(…)`";
        errors.push(run_if.at, message);
    }
    if run_if.value == "Success" {
        return;
    }
    let taken = params.iter().find_map(|param| match param {
        Param::Shared { position, .. }
        | Param::Output { position, .. }
        | Param::Item { position, .. } => Some(*position),
        Param::Lent { .. } | Param::Value { .. } => None,
    });
    let looked_at = when.and_then(|when| Some(when.params.first()?.position));
    if let Some(position) = taken.or(looked_at) {
        let name = dependencies[position].name.unraw();
        let message = format!(
            "with this `run_if` there may be no output of `{name}`: ask for it with `&TaskContext`, `context.output::<T>(\"{name}\")`"
        );
        errors.push(run_if.at, message);
    }
}
