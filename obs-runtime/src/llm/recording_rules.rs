//! Metrics of model calls under the names that they had before release 0.1.0 of the conventions, for dashboards that
//! were made for other libraries.

use std::fmt::Write as _;

use crate::exporter::prometheus::series_name;
use crate::semconv::{MetricDef, former, metric};

/// A histogram of today, the name that it had, and the label that it had more.
type Mapping = (
    &'static MetricDef,
    &'static str,
    Option<(&'static str, &'static str)>,
);

/// All of them. Where several have one former name, a label tells their series apart.
const MAPPINGS: [Mapping; 6] = [
    (
        &metric::GEN_AI_INFERENCE_DURATION,
        former::OPERATION_DURATION,
        None,
    ),
    (
        &metric::GEN_AI_EMBEDDINGS_DURATION,
        former::OPERATION_DURATION,
        None,
    ),
    (
        &metric::GEN_AI_INFERENCE_TIME_TO_FIRST_CHUNK,
        former::TIME_TO_FIRST_CHUNK,
        None,
    ),
    (
        &metric::GEN_AI_INFERENCE_INPUT_TOKENS,
        former::TOKEN_USAGE,
        Some((former::TOKEN_TYPE, "input")),
    ),
    (
        &metric::GEN_AI_EMBEDDINGS_INPUT_TOKENS,
        former::TOKEN_USAGE,
        Some((former::TOKEN_TYPE, "input")),
    ),
    (
        &metric::GEN_AI_INFERENCE_OUTPUT_TOKENS,
        former::TOKEN_USAGE,
        Some((former::TOKEN_TYPE, "output")),
    ),
];

/// Returns recording rules for Prometheus that give metrics of model calls the names which they had before release 0.1.0
/// of the conventions.
///
/// Dashboards that were made for the instrumentation libraries of Python ask for `gen_ai_client_operation_duration_seconds`
/// and `gen_ai_client_token_usage`. obs sends no number under two names, so Prometheus makes the former ones: of the
/// names that obs has in Prometheus by default. The text is a file for `rule_files`.
///
/// ```
/// let rules = obs_runtime::llm::recording_rules();
/// assert!(rules.contains("record: gen_ai_client_token_usage_bucket"));
/// // std::fs::write("rules/gen_ai_former_names.yml", rules)?;
/// ```
pub fn recording_rules() -> String {
    let mut rules = String::from("groups:\n- name: gen_ai_former_names\n  rules:\n");
    for (today, name, label) in MAPPINGS {
        let former = series_name(name, today.unit);
        let today = series_name(today.name, today.unit);
        for part in ["bucket", "sum", "count"] {
            // Writing to a `String` cannot fail.
            let _ = write!(
                rules,
                "  - record: {former}_{part}\n    expr: {today}_{part}\n"
            );
            if let Some((key, value)) = label {
                let key = series_name(key, "");
                let _ = write!(rules, "    labels:\n      {key}: {value}\n");
            }
        }
    }
    rules
}
