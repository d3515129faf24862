//! The rules for a task's function: its signature, its output, and where its parameters come from.

use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{FnArg, Ident, Pat, ReturnType, Signature, Type};

use super::{Dependency, Param};
use crate::attr::table::nearest;
use crate::errors::Errors;
use crate::shape;

/// A function that the runtime can call without knowing anything of its caller.
pub(crate) fn check_signature(this: &str, sig: &Signature, errors: &mut Errors) {
    if let Some(generic) = sig.generics.params.first() {
        let message = format!(
            "`#[{this}]` cannot be put on a generic function: there is no caller that would choose the types"
        );
        errors.push_on(generic, message);
    }
    if let syn::Safety::Unsafe(word) = &sig.safety {
        let message = format!("`#[{this}]` cannot be put on an `unsafe fn`: a run calls it");
        errors.push(word.span, message);
    }
    for arg in &sig.inputs {
        match arg {
            FnArg::Receiver(receiver) => {
                let message = format!(
                    "`#[{this}]` goes on a free function: there is no `self` in a run; take `Resource<T>`"
                );
                errors.push_on(receiver, message);
            }
            FnArg::Typed(arg) if matches!(shape::plain(&arg.ty), Type::ImplTrait(_)) => {
                let message = "this parameter needs a type of its own: no caller chooses one";
                errors.push_on(&arg.ty, message);
            }
            FnArg::Typed(_) => {}
        }
    }
}

/// The output has a name and lives on.
pub(crate) fn check_output(output: &ReturnType, errors: &mut Errors) {
    struct Parts<'a>(&'a mut Errors);
    impl<'ast> Visit<'ast> for Parts<'_> {
        fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
            let message =
                "the output of a task needs a type with a name: dependants are checked against it";
            self.0.push_on(ty, message);
        }

        fn visit_type_reference(&mut self, ty: &'ast syn::TypeReference) {
            let is_static = |l: &syn::Lifetime| l.ident == "static";
            if !ty.lifetime.as_ref().is_some_and(is_static) {
                let message = "the output of a task outlives the call: return owned data";
                self.0.push_on(ty, message);
            }
            visit::visit_type_reference(self, ty);
        }

        // References inside `fn(&T)` and `dyn Fn(&T)` are no references to anything of the call.
        fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments(
            &mut self,
            _: &'ast syn::ParenthesizedGenericArguments,
        ) {
        }
    }
    if let ReturnType::Type(_, ty) = output {
        Parts(errors).visit_type(ty);
    }
}

pub(super) fn params(
    sig: &Signature,
    dependencies: &[Dependency],
    errors: &mut Errors,
) -> Vec<Param> {
    let mut params = Vec::new();
    for arg in &sig.inputs {
        let FnArg::Typed(arg) = arg else { continue };
        let name = match &*arg.pat {
            Pat::Ident(pat) => Some(pat.ident.unraw()),
            _ => None,
        };
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
            ["Input", "Resource", "TaskContext"]
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
