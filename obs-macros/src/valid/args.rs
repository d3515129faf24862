//! The rule for `args`: which parameters are recorded, as `#[tracing::instrument]` records them.

use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, Ident, Pat, Type};

use super::names;
use crate::ast::Function;
use crate::attr::fields::{Argument, Field, FieldKey, FieldValue};
use crate::attr::shared::Args;
use crate::shape;

/// A field for each name that the parameters bind; none without `args` or `skip(name, …)`.
///
/// What `skip` names is left out, and so is what `fields` says anything about.
pub(super) fn fields(args: &Args, function: &Function) -> Vec<Field> {
    if !args.parameters.recorded || args.parameters.skip_all {
        return Vec::new();
    }
    let is_said = |name: &str| {
        let is_name = |key: &FieldKey| matches!(key, FieldKey::Text(key) if key == name);
        args.fields.iter().any(|field| is_name(&field.key))
            || args.declared.keys.iter().any(is_name)
    };
    let mut fields = Vec::new();
    for parameter in &function.sig.inputs {
        for argument in arguments(parameter) {
            let name = argument.name.unraw().to_string();
            if is_said(&name) || args.parameters.skip.iter().any(|skip| skip.unraw() == name) {
                continue;
            }
            let span = argument.name.span();
            let value = FieldValue::Argument(argument);
            fields.push(Field::own(FieldKey::Text(name), value, span));
        }
    }
    fields
}

fn arguments(parameter: &FnArg) -> Vec<Argument> {
    let argument = |name: Ident, attrs: &[Attribute], is_primitive: bool| Argument {
        name,
        cfgs: attrs
            .iter()
            .filter(|attr| attr.path().is_ident("cfg"))
            .cloned()
            .collect(),
        is_primitive,
    };
    match parameter {
        FnArg::Receiver(this) => {
            let name = Ident::new("self", this.self_token.span());
            vec![argument(name, &this.attrs, false)]
        }
        FnArg::Typed(parameter) => {
            let is_primitive =
                matches!(*parameter.pat, Pat::Ident(_)) && is_primitive(&parameter.ty);
            let names = names::bound(&parameter.pat).into_iter();
            names
                .map(|name| argument(name, &parameter.attrs, is_primitive))
                .collect()
        }
    }
}

/// Whether the type is certainly recorded as a value. It is a guess by the name that spares the
/// compiler the question; the type decides.
fn is_primitive(ty: &Type) -> bool {
    const PRIMITIVES: &[&str] = &[
        "bool", "str", "String", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32",
        "i64", "i128", "isize", "f32", "f64",
    ];
    match shape::plain(ty) {
        Type::Reference(reference) => is_primitive(&reference.elem),
        Type::Path(path) => path
            .path
            .get_ident()
            .is_some_and(|name| PRIMITIVES.iter().any(|primitive| name == primitive)),
        _ => false,
    }
}
