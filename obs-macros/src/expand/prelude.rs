//! What runs inside the span before the body: the fields, and a name that the call decides.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use crate::attr::FieldValue;
use crate::shape::Shape;
use crate::valid::Plan;

/// How many values the call records: the `N` of the span types.
pub(super) fn value_count(plan: &Plan) -> usize {
    let recorded = plan
        .fields
        .iter()
        .filter(|field| !matches!(field.value, FieldValue::Const(_)))
        .count();
    recorded + usize::from(needs_slot(plan))
}

fn has_values(plan: &Plan) -> bool {
    plan.fields
        .iter()
        .any(|field| !matches!(field.value, FieldValue::Const(_)))
}

/// A future learns that it is recorded from the storage of its values: a name without a value
/// takes one that stays empty.
pub(super) fn needs_slot(plan: &Plan) -> bool {
    let in_future = matches!(
        plan.shape,
        Shape::Async | Shape::AsyncKept | Shape::InBox(_)
    );
    in_future && plan.dynamic_name.is_some() && !has_values(plan)
}

/// Whether anything runs before the body.
pub(super) fn is_empty(plan: &Plan) -> bool {
    plan.dynamic_name.is_none() && !has_values(plan)
}

/// `|| { …name…; [values] }`: run once, and only if the call is recorded.
pub(super) fn closure(plan: &Plan) -> TokenStream {
    let krate = &plan.krate;
    let name = plan.dynamic_name.as_ref().map(|name| {
        let span = Span::mixed_site().located_at(name.span());
        quote_spanned!(span=> #krate::private::set_name(&(#name));)
    });
    let values = plan
        .fields
        .iter()
        .filter_map(|field| value(krate, &field.value));
    let slot = needs_slot(plan).then(|| quote!(#krate::private::Value::NONE));
    quote!(|| { #name [#(#values,)* #slot] })
}

fn value(krate: &TokenStream, value: &FieldValue) -> Option<TokenStream> {
    let (value, how) = match value {
        FieldValue::Capture(value) => (value, quote!(capture)),
        FieldValue::Display(value) => (value, quote!(display)),
        FieldValue::Debug(value) => (value, quote!(debug)),
        FieldValue::Const(_) => return None,
    };
    let span = Span::mixed_site().located_at(value.span());
    Some(quote_spanned!(span=> #krate::private::#how(&(#value))))
}
