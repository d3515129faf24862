//! `counter!("name", label = value)`, `gauge!` and `histogram!`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Expr, Lit, LitStr, Token};

use crate::attr::{as_text, plain};
use crate::crate_path;
use crate::errors::Errors;
use crate::hygiene::quote;
use crate::span::errors_as_expression;

/// Which macro.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    Counter,
    Gauge,
    Histogram,
}

impl Metric {
    /// The macro's name, and the handle's type.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Counter => ("counter", "BoundCounter"),
            Self::Gauge => ("gauge", "BoundGauge"),
            Self::Histogram => ("histogram", "BoundHistogram"),
        }
    }
}

/// `key = value`
struct Label {
    key: String,
    span: Span,
    value: Expr,
}

pub(crate) fn expand(metric: Metric, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = errors.take((|input: ParseStream<'_>| parse(metric, input)).parse2(tokens));
    let Some((name, labels)) = parsed else {
        return errors_as_expression(errors);
    };
    check_name(&name, &mut errors);
    check_labels(metric, &labels, &mut errors);
    if !errors.is_empty() {
        return errors_as_expression(errors);
    }
    generate(metric, &name, &labels)
}

fn parse(metric: Metric, input: ParseStream<'_>) -> syn::Result<(Expr, Vec<Label>)> {
    if input.is_empty() {
        let (this, _) = metric.names();
        let message = format!("a metric needs a name: `{this}!(\"name\", label = value)`");
        return Err(syn::Error::new(Span::call_site(), message));
    }
    let name = input.parse()?;
    let mut labels = Vec::new();
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if !input.is_empty() {
            labels.push(parse_label(input)?);
        }
    }
    Ok((name, labels))
}

fn parse_label(input: ParseStream<'_>) -> syn::Result<Label> {
    let span = input.span();
    let (key, variable) = if input.peek(LitStr) {
        (input.parse::<LitStr>()?.value(), None)
    } else if input.peek(syn::Ident::peek_any) {
        let first = Ident::parse_any(input)?;
        let mut key = first.unraw().to_string();
        let mut variable = Some(first);
        while input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            key = format!("{key}.{}", Ident::parse_any(input)?.unraw());
            variable = None;
        }
        (key, variable)
    } else {
        return Err(input.error("expected a label: `key = value` or `\"quoted key\" = value`"));
    };
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        let value = input.parse()?;
        return Ok(Label { key, span, value });
    }
    let Some(variable) = variable else {
        let message = format!("the label `{key}` needs a value: `… = value`");
        return Err(syn::Error::new(span, message));
    };
    let value = syn::parse2(quote!(#variable))?;
    Ok(Label { key, span, value })
}

/// OpenTelemetry metrics API, "Instrument name syntax". The runtime checks constants.
fn check_name(name: &Expr, errors: &mut Errors) {
    let Some(text) = as_text(name) else {
        if let Expr::Lit(_) | Expr::Assign(_) = plain(name) {
            errors.push_on(name, "the name of a metric is a string, and comes first");
        } else if let Expr::Macro(mac) = plain(name)
            && mac.mac.path.is_ident("format")
        {
            let message =
                "the name of a metric is constant: what differs from call to call is a label";
            errors.push_on(name, message);
        }
        return;
    };
    let value = text.value();
    if !value.starts_with(|c: char| c.is_ascii_alphabetic())
        || !is_word(&value)
        || value.len() > 255
    {
        let message = "a metric name starts with a letter, goes on with letters, digits, `_`, `.`, `-` and `/`, \
                       and has at most 255 characters";
        errors.push(text.span(), message);
    }
}

fn check_labels(metric: Metric, labels: &[Label], errors: &mut Errors) {
    // Prometheus knows letters, digits and `_` only.
    let same = |key: &str| key.replace(['.', '-', '/'], "_");
    for (i, Label { key, span, .. }) in labels.iter().enumerate() {
        let starts = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || !is_word(key) || key.len() > 255 {
            let message = format!(
                "label {key:?} is not valid: a label starts with a letter or `_` and goes on with letters, \
                 digits, `_`, `.`, `-` and `/`"
            );
            errors.push(*span, message);
        } else if key.starts_with("__")
            || key == "otel.metric.overflow"
            || (key == "le" && metric == Metric::Histogram)
        {
            errors.push(
                *span,
                format!("the label `{key}` is reserved: choose another name"),
            );
        }
        if let Some(other) = labels[..i]
            .iter()
            .find(|other| same(&other.key) == same(key))
        {
            errors.push(
                *span,
                if other.key == *key {
                    format!("the label `{key}` is given twice")
                } else {
                    format!(
                        "the labels `{}` and `{key}` are the same in Prometheus: rename one",
                        other.key
                    )
                },
            );
        }
    }
}

fn is_word(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'))
}

fn generate(metric: Metric, name: &Expr, labels: &[Label]) -> TokenStream {
    let krate = crate_path::resolve(None);
    let bound = Ident::new(metric.names().1, Span::mixed_site());
    let keys = labels.iter().map(|label| &label.key);
    let count = labels.len();
    let values = labels.iter().map(|label| value(&krate, &label.value));
    let site = quote!(#krate::private::MetricSite);
    quote! {
        #site::bind(
            {
                static __OBS_METRIC: #site<#krate::private::#bound, #count> = #site::new(#name, [#(#keys),*]);
                &__OBS_METRIC
            },
            [#(#values),*],
        )
    }
}

fn value(krate: &TokenStream, value: &Expr) -> TokenStream {
    let constant = match plain(value) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            Lit::Bool(truth) => Some(truth.value.to_string()),
            _ => None,
        },
        _ => None,
    };
    if let Some(text) = constant {
        return quote!(#krate::private::constant_label(&[#text]));
    }
    let span = Span::mixed_site().located_at(value.span());
    let krate = crate_path::at(krate, span);
    quote_spanned!(span=> #krate::private::label(&(#value)))
}
