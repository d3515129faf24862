//! Where the parameters of a task get their values from.

use syn::ext::IdentExt as _;
use syn::{FnArg, Ident, Pat, Signature, Type};

use crate::attr::nearest::nearest;
use crate::attr::pipeline_task::Dependency;
use crate::errors::Errors;
use crate::shape;

/// Where a parameter's value comes from.
pub(crate) enum Param {
    /// One item of the output of the dependency at this position.
    Item { position: usize, ty: Type },
    /// The output of the dependency at this position, as a reference.
    Shared { position: usize, ty: Type },
    /// The output of the dependency at this position.
    Output { position: usize, ty: Type },
    /// `&T` of the run.
    Lent { ty: Type },
    /// `T` of the run.
    Value { ty: Type },
}

/// Finds the source of each parameter.
pub(super) fn params(
    sig: &Signature,
    dependencies: &[Dependency],
    item: Option<(&Ident, usize)>,
    errors: &mut Errors,
) -> Vec<Param> {
    let mut params = Vec::new();
    let mut takes_item = false;
    for arg in &sig.inputs {
        let FnArg::Typed(arg) = arg else { continue };
        let name = match &*arg.pat {
            Pat::Ident(pat) => Some(pat.ident.unraw()),
            _ => None,
        };
        if let Some((item, position)) = item
            && name.as_ref().is_some_and(|name| *name == item.unraw())
        {
            takes_item = true;
            match shape::plain(&arg.ty) {
                Type::Reference(ty) if ty.mutability.is_none() => params.push(Param::Item {
                    position,
                    ty: Type::Reference(ty.clone()),
                }),
                ty => errors.push_on(ty, "an item stays in its list: take it as `&T`"),
            }
            continue;
        }
        let position = dependencies
            .iter()
            .position(|d| name.as_ref().is_some_and(|n| d.name.unraw() == *n));
        let param = match (position, shape::plain(&arg.ty)) {
            (_, Type::Reference(ty)) if ty.mutability.is_some() => {
                let message = "a task cannot change what others read: take it by value";
                errors.push_on(ty, message);
                continue;
            }
            (Some(position), Type::Reference(ty)) => Param::Shared {
                position,
                ty: Type::Reference(ty.clone()),
            },
            (Some(position), ty) => Param::Output {
                position,
                ty: ty.clone(),
            },
            (None, ty) => match other(ty, name.as_ref(), dependencies, errors) {
                Some(param) => param,
                None => continue,
            },
        };
        params.push(param);
    }
    if let Some((item, _)) = item.filter(|_| !takes_item) {
        let message =
            format!("no parameter is named `{item}`: the function takes its item as `{item}: &T`");
        errors.push(item.span(), message);
    }
    params
}

/// A parameter that has the name of no dependency. A type that is none of ours by name may still
/// be one of ours under another name: the compiler says.
fn other(
    ty: &Type,
    name: Option<&Ident>,
    dependencies: &[Dependency],
    errors: &mut Errors,
) -> Option<Param> {
    let is_ours = match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            ["Input", "Resource", "TaskContext", "EffectKey"]
                .iter()
                .any(|n| last.ident == n)
        }),
        _ => false,
    };
    let names: Vec<String> = dependencies
        .iter()
        .map(|d| d.name.unraw().to_string())
        .collect();
    let wanted = name.map(ToString::to_string).unwrap_or_default();
    let wanted = wanted.trim_start_matches('_');
    if let Some(near) = nearest(wanted, names.iter().map(String::as_str)).filter(|_| !is_ours) {
        let message = format!("no dependency is named `{}`; did you mean `{near}`?", name?);
        errors.push_on(name, message);
        return None;
    }
    Some(match ty {
        Type::Reference(ty) => Param::Lent {
            ty: (*ty.elem).clone(),
        },
        ty => Param::Value { ty: ty.clone() },
    })
}
