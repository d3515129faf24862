//! `counter!("name", label = value)`, `gauge!` and `histogram!`.

use proc_macro2::{Ident, Span, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Token};

use crate::attr::{as_text, plain};
use crate::crate_path;
use crate::errors::Errors;
use crate::hygiene::quote;
use crate::valid::labels::{self, Label, is_word};
use crate::valid::span::errors_as_expression;

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

pub(crate) fn expand(metric: Metric, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = errors.take((|input: ParseStream<'_>| parse(metric, input)).parse2(tokens));
    let Some((name, labels)) = parsed else {
        return errors_as_expression(errors);
    };
    check_name(&name, &mut errors);
    let reserved: &[&str] = match metric {
        Metric::Histogram => &["le"],
        Metric::Counter | Metric::Gauge => &[],
    };
    labels::check(&labels, reserved, &mut errors);
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
            labels.push(input.parse()?);
        }
    }
    Ok((name, labels))
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

fn generate(metric: Metric, name: &Expr, labels: &[Label]) -> TokenStream {
    let krate = crate_path::resolve(None);
    let bound = Ident::new(metric.names().1, Span::mixed_site());
    let (mut all, mut varying) = (Vec::new(), Vec::new());
    for label in labels {
        let key = &label.key;
        let constant = if let Some(text) = label.constant() {
            quote!(::core::option::Option::Some(#text))
        } else {
            varying.push(label.among(&krate));
            quote!(::core::option::Option::None)
        };
        all.push(quote!((#key, #constant)));
    }
    let count = varying.len();
    let site = quote!(#krate::private::MetricSite);
    quote! {
        #site::bind(
            {
                static __OBS_METRIC: #site<#krate::private::#bound, #count> =
                    #site::new(#name, &[#(#all),*]);
                &__OBS_METRIC
            },
            [#(#varying),*],
        )
    }
}
