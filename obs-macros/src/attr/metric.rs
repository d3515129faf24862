//! The input of `counter!`, `gauge!` and `histogram!`: a name, then labels.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Token};

use super::label::Label;
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
    errors.take((|input: ParseStream<'_>| parse_input(metric, input)).parse2(tokens))
}

fn parse_input(metric: Metric, input: ParseStream<'_>) -> syn::Result<MetricInput> {
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
        metric,
        name,
        labels,
    })
}
