//! The rules for `counter!`, `gauge!` and `histogram!`.

use syn::Expr;

use super::labels::{self, is_word};
use crate::attr::expr::{as_text, plain};
use crate::attr::metric::{Metric, MetricInput};
use crate::errors::Errors;

/// Judges a metric; the input is its own model.
pub(crate) fn metric(input: MetricInput, errors: &mut Errors) -> MetricInput {
    check_name(&input.name, errors);
    let reserved: &[&str] = match input.metric {
        Metric::Histogram => &["le"],
        Metric::Counter | Metric::Gauge => &[],
    };
    labels::check(&input.labels, reserved, errors);
    input
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
