//! The input of `counter!`, `gauge!` and `histogram!`: a name, then labels.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Token};

use super::label::Label;
use crate::crate_path;
use crate::errors::Errors;

/// Which macro it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    Counter,
    Gauge,
    Histogram,
}

impl Metric {
    /// The macro's name, without `!`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// `"name", key = value, …`
pub(crate) struct MetricInput {
    /// The path of the library.
    pub(crate) krate: TokenStream,
    pub(crate) metric: Metric,
    pub(crate) name: Expr,
    pub(crate) labels: Vec<Label>,
}

/// Parses all that stands between the parentheses of the macro.
pub(crate) fn parse(
    metric: Metric,
    tokens: TokenStream,
    errors: &mut Errors,
) -> Option<MetricInput> {
    let (krate, tokens) = crate_path::take(tokens);
    errors.take((|input: ParseStream<'_>| parse_input(metric, krate, input)).parse2(tokens))
}

fn parse_input(
    metric: Metric,
    krate: TokenStream,
    input: ParseStream<'_>,
) -> syn::Result<MetricInput> {
    if input.is_empty() {
        let this = metric.name();
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
    Ok(MetricInput {
        krate,
        metric,
        name,
        labels,
    })
}
