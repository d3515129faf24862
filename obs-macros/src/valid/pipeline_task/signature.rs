//! The rules for the signature of a task or handler, and for the output of a task.

use syn::visit::{self, Visit};
use syn::{FnArg, ReturnType, Signature, Type};

use crate::errors::Errors;
use crate::shape;

/// The runtime can call the function without knowing anything of its caller.
pub(crate) fn check(this: &str, sig: &Signature, errors: &mut Errors) {
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

/// The output has a type with a name, and does not borrow from the call.
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
