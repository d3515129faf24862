//! `counter!`, `gauge!` and `histogram!`: a static that finds the series, bound by each call.

use proc_macro2::{Ident, Span, TokenStream};

use super::labels;
use crate::attr::metric::{Metric, MetricInput};
use crate::hygiene::quote;

/// An expression that gives the handle.
pub(crate) fn expand(input: &MetricInput) -> TokenStream {
    let MetricInput { krate, name, .. } = input;
    let bound = Ident::new(handle(input.metric), Span::mixed_site());
    let (mut all, mut varying) = (Vec::new(), Vec::new());
    for label in &input.labels {
        let key = &label.key;
        let constant = if let Some(text) = label.constant() {
            quote!(::core::option::Option::Some(#text))
        } else {
            varying.push(labels::among(label, krate));
            quote!(::core::option::Option::None)
        };
        all.push(quote!((#key, #constant)));
    }
    let count = varying.len();
    let site = quote!(#krate::private::MetricSite);
    // The statement of its own drops what the labels' expressions hold, a lock say, before the
    // arguments of the method that follows are evaluated.
    quote! {
        #site::bind(
            {
                static __OBS_METRIC: #site<#krate::private::#bound, #count> =
                    #site::new(#name, &[#(#all),*]);
                &__OBS_METRIC
            },
            { let __obs_labels = [#(#varying),*]; __obs_labels },
        )
    }
}

/// The type of the handle.
fn handle(metric: Metric) -> &'static str {
    match metric {
        Metric::Counter => "BoundCounter",
        Metric::Gauge => "BoundGauge",
        Metric::Histogram => "BoundHistogram",
    }
}
