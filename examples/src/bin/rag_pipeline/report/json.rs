//! The shape of `--json`: what scripts rely on.

use obs_runtime::TaskResult;
use obs_runtime::llm::{LlmTotals, ModelTotals};
use serde::Serialize;

use super::Memory;

#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) pipeline: &'a str,
    pub(super) run_id: &'a str,
    pub(super) trace_id: Option<String>,
    pub(super) state: &'a str,
    pub(super) duration_seconds: f64,
    pub(super) records: u64,
    pub(super) tasks: Vec<Task<'a>>,
    pub(super) llm: Llm<'a>,
    pub(super) answer: Option<&'a str>,
    pub(super) sources: &'a [String],
    pub(super) score: Option<f64>,
    pub(super) dropped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repeat: Option<&'a Memory>,
}

#[derive(Serialize)]
pub(super) struct Task<'a> {
    name: &'a str,
    state: &'a str,
    attempts: u32,
    duration_seconds: f64,
    records: u64,
}

impl<'a> From<&'a TaskResult> for Task<'a> {
    fn from(task: &'a TaskResult) -> Self {
        Self {
            name: &task.name,
            state: task.state.as_str(),
            attempts: task.attempts,
            duration_seconds: task.duration.as_secs_f64(),
            records: task.records.unwrap_or(0),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Llm<'a> {
    #[serde(flatten)]
    all: Sums,
    by_model: std::collections::BTreeMap<&'a str, Sums>,
}

#[derive(Serialize)]
struct Sums {
    calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: f64,
    cost_complete: bool,
}

impl<'a> From<&'a LlmTotals> for Llm<'a> {
    fn from(totals: &'a LlmTotals) -> Self {
        let sums = |m: &ModelTotals| Sums {
            calls: m.calls,
            input_tokens: m.usage.input_tokens,
            output_tokens: m.usage.output_tokens,
            cost_usd: m.cost.as_f64(),
            cost_complete: m.cost_complete,
        };
        Self {
            all: Sums {
                calls: totals.calls,
                input_tokens: totals.usage.input_tokens,
                output_tokens: totals.usage.output_tokens,
                cost_usd: totals.cost.as_f64(),
                cost_complete: totals.cost_complete,
            },
            by_model: totals
                .by_model
                .iter()
                .map(|m| (m.model.as_str(), sums(m)))
                .collect(),
        }
    }
}
