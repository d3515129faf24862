//! The rule for features: the macros are the same in every feature set, the runtime is not.

use proc_macro2::Span;

use crate::attr::table::Table;
use crate::errors::Errors;

/// Reports a feature of `obs-runtime` that the macro needs and that is off.
pub(crate) fn check(table: &Table, errors: &mut Errors) {
    let Some(feature) = table.feature.filter(|feature| !is_on(feature)) else {
        return;
    };
    errors.push(
        Span::call_site(),
        format!(
            "`#[{}]` needs the feature `{feature}` of obs-runtime: \
             `obs-runtime = {{ version = \"…\", features = [\"{feature}\"] }}`",
            table.name
        ),
    );
}

/// The features of the runtime that this crate has too, and whether they are on.
const FEATURES: &[(&str, bool)] = &[
    ("cache", cfg!(feature = "cache")),
    ("llm", cfg!(feature = "llm")),
    ("pipeline", cfg!(feature = "pipeline")),
    ("tokio", cfg!(feature = "tokio")),
];

/// Whether the feature is on.
pub(crate) fn is_on(feature: &str) -> bool {
    FEATURES.contains(&(feature, true))
}
