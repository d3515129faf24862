//! What runs inside the span before the body: the fields, and a name that the call decides about.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, ReturnType};

use super::{argument, conventions, lasting, name, rebind, stop};
use crate::ast::Function;
use crate::attr::fields::{FieldKey, FieldValue};
use crate::crate_path;
use crate::hygiene::quote;
use crate::plan::{Plan, Site, SpansArg};
use crate::shape::Shape;

/// How many values the call records: the `N` of the span types.
pub(super) fn value_count(plan: &Plan) -> usize {
    let recorded = plan
        .site
        .fields
        .iter()
        .filter(|field| !matches!(field.value, FieldValue::Const(_)))
        .count();
    recorded + usize::from(needs_slot(plan))
}

/// A future learns that it is recorded from the storage of its values: a name or links without a
/// value take one that stays empty.
pub(super) fn needs_slot(plan: &Plan) -> bool {
    let in_future = matches!(
        plan.shape,
        Shape::Async | Shape::AsyncKept | Shape::InBox(_)
    );
    in_future && plan.records_before_the_body() && !plan.site.has_values()
}

/// `let __obs_parent = …;`, the parent of what begins next: the method of its probe says what becomes
/// of it. Before it stands `let __obs_held = …;` if a parameter is consumed.
pub(super) fn parent(plan: &Plan, function: &Function, method: &str) -> Option<TokenStream> {
    let parent = plan.parent.as_ref()?;
    let value = outside(plan, function, &parent.value);
    let at = at(parent);
    let method = Ident::new(method, at);
    let probe = probe(&plan.site.krate, "parent", parent, &value);
    Some(if parent.consumed().is_some() {
        let asked = quote_spanned!(at=> __obs_held.#method());
        quote!(let __obs_held = #probe; let __obs_parent = #asked;)
    } else {
        let asked = quote_spanned!(at=> #probe.#method());
        quote!(let __obs_parent = #asked;)
    })
}

/// Where the compiler speaks of an expression that names other spans.
fn at(spans: &SpansArg) -> Span {
    Span::mixed_site().located_at(spans.value.span())
}

/// `private::name(value)`, of an expression that names other spans.
fn probe(krate: &TokenStream, name: &str, spans: &SpansArg, value: &TokenStream) -> TokenStream {
    let at = at(spans);
    let probe = crate_path::function(krate, name, at);
    let reference = (!spans.is_consumed).then(|| quote_spanned!(at=> &));
    quote_spanned!(at=> #probe(#reference (#value)))
}

/// `links`, in three parts: what holds the values of consumed parameters, what adds the links, and
/// what holds the rest of these values until the body has ended.
#[derive(Default)]
struct Links {
    before: TokenStream,
    inside: TokenStream,
    after: TokenStream,
}

fn links(plan: &Plan) -> Links {
    let mut parts = Links::default();
    for (index, links) in plan.links.iter().enumerate() {
        let at = at(links);
        let value = links.value.to_token_stream();
        let probe = probe(&plan.site.krate, "links", links, &value);
        let method = Ident::new("__obs_links", at);
        if links.consumed().is_none() {
            parts.inside.extend(quote_spanned!(at=> #probe.#method();));
            continue;
        }
        let held = format_ident!("__obs_held_{index}", span = at);
        parts.before.extend(quote!(let #held = #probe;));
        parts.inside.extend(quote_spanned!(at=> #held.#method();));
        parts.after.extend(quote!(let #held = #held.__obs_rest();));
    }
    parts
}

/// The user's expression before the parameters have the user's names again, if they lost them.
pub(super) fn outside(plan: &Plan, function: &Function, value: &Expr) -> TokenStream {
    let renamed = !matches!(
        plan.shape,
        Shape::Guard { outer: false } | Shape::Block | Shape::InBox(_)
    );
    if renamed {
        rebind::outside(value, function)
    } else {
        value.to_token_stream()
    }
}

/// Whether the guard is changed after it was made.
pub(super) fn changes_guard(plan: &Plan) -> bool {
    plan.records_before_the_body()
}

/// The statements between the parameters and the body of a synchronous call; `guard` is a mutable
/// reference to the guard.
pub(super) fn with_guard(plan: &Plan, function: &Function, guard: &TokenStream) -> Prelude {
    let krate = &plan.site.krate;
    let fields = plan.records_before_the_body().then(|| {
        let links = links(plan);
        let fields = closure(plan, &links.inside);
        let Links { before, after, .. } = links;
        quote!(#before #krate::private::SyncSpan::fields(#guard, #fields); #after)
    });
    let output = &function.sig.output;
    let check = stop::check(plan, output);
    let admission = stop::admission(plan, Some(output), false);
    let Prelude { before, start, .. } = around(plan, fields.as_ref());
    Prelude {
        before: quote!(#check #before),
        admission,
        start,
    }
}

/// The statements between the parameters and the body of a future: evaluated in the first poll.
pub(super) fn in_future(
    function: &Function,
    plan: &Plan,
    output: Option<&ReturnType>,
) -> TokenStream {
    let in_flight = lasting::in_body(function, plan);
    let krate = &plan.site.krate;
    let fields = plan.records_before_the_body().then(|| {
        let count = value_count(plan);
        let links = links(plan);
        let fields = closure(plan, &links.inside);
        let Links { before, after, .. } = links;
        quote!(#before #krate::private::future_fields::<#count>(#fields); #after)
    });
    let Prelude { before, start, .. } = around(plan, fields.as_ref());
    let admission = stop::admission(plan, output, true);
    quote!(#in_flight #before #admission #start)
}

/// The statements between the parameters and the body of a synchronous call.
pub(super) struct Prelude {
    pub(super) before: TokenStream,
    /// Returns if the call may not begin.
    pub(super) admission: Option<TokenStream>,
    /// Begins the measurement.
    pub(super) start: Option<TokenStream>,
}

impl ToTokens for Prelude {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.before.to_tokens(tokens);
        self.admission.to_tokens(tokens);
        self.start.to_tokens(tokens);
    }
}

fn around(plan: &Plan, fields: Option<&TokenStream>) -> Prelude {
    let krate = &plan.site.krate;
    let texts = conventions::bind_texts(plan);
    let start = conventions::begin(plan)
        .map(|begin| quote!(#krate::private::Slot::start(&__obs_start, #begin);));
    Prelude {
        before: quote!(#texts #fields),
        admission: None,
        start,
    }
}

/// The place of the running measurement, outside of the body.
pub(super) fn slot(plan: &Plan) -> Option<TokenStream> {
    let krate = &plan.site.krate;
    plan.measurement.as_ref()?;
    let outer = conventions::bind_outer(plan);
    Some(quote! {
        let __obs_slot = #krate::private::Slot::new();
        let __obs_start = #krate::private::Slot::handle(&__obs_slot);
        #outer
    })
}

/// `|| { …name…; …links…; [values] }`: run once, and only if the call is recorded.
fn closure(plan: &Plan, links: &TokenStream) -> TokenStream {
    let krate = &plan.site.krate;
    let name = name::dynamic(&plan.site.name, krate).map(|name| {
        let span = Span::mixed_site().located_at(name.span());
        let set_name = crate_path::function(krate, "set_name", span);
        quote_spanned!(span=> #set_name(&(#name));)
    });
    let values = values(&plan.site);
    let slot = needs_slot(plan).then(|| quote!(#krate::private::Value::NONE));
    quote!(|| { #name #links [#(#values,)* #slot] })
}

/// All tokens of the user that are evaluated before the body.
pub(super) fn named(plan: &Plan) -> TokenStream {
    let labels = plan.labels.iter().map(|label| &label.value);
    let spans = plan.parent.iter().chain(&plan.links);
    let expressions = spans.map(|spans| &spans.value).chain(labels);
    let mut tokens: TokenStream = expressions.map(Expr::to_token_stream).collect();
    tokens.extend(name::dynamic(&plan.site.name, &plan.site.krate));
    tokens.extend(conventions::bind_texts(plan));
    tokens.extend(conventions::begin(plan));
    tokens.extend(values(&plan.site));
    tokens
}

/// The expressions of the recorded values.
pub(super) fn values(site: &Site) -> impl Iterator<Item = TokenStream> {
    site.fields
        .iter()
        .filter_map(|field| match (&field.key, &field.value) {
            (FieldKey::Text(key), FieldValue::Argument(parameter)) => {
                Some(argument::value(&site.krate, key, parameter))
            }
            (_, value) => self::value(&site.krate, value),
        })
}

fn value(krate: &TokenStream, value: &FieldValue) -> Option<TokenStream> {
    let (value, how) = match value {
        FieldValue::Capture(value) | FieldValue::Named(value) => {
            (value.to_token_stream(), "capture")
        }
        FieldValue::Display(value) => (value.to_token_stream(), "display"),
        FieldValue::Debug(value) => (value.to_token_stream(), "debug"),
        FieldValue::Variable(name) => {
            let variable = Ident::new(name, Span::mixed_site());
            (variable.into_token_stream(), "text_value")
        }
        FieldValue::Attempt => (quote!(#krate::private::pipeline::span_began()), "capture"),
        FieldValue::Argument(_) | FieldValue::Const(_) => return None,
    };
    let span = Span::mixed_site().located_at(value.span());
    let how = crate_path::function(krate, how, span);
    Some(quote_spanned!(span=> #how(&(#value))))
}
