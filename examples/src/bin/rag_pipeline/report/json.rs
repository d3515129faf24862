//! The shape of `--json`: what scripts rely on.

use obs_runtime::pipeline::{RunState, TaskResult, TaskState};
use obs_runtime::trace::TraceId;
use serde::Serialize;
use serde_json::Value;

use crate::runs::Memory;

#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) pipeline: &'a str,
    pub(super) run_id: &'a str,
    pub(super) trace_id: Option<TraceId>,
    pub(super) state: RunState,
    pub(super) duration_seconds: f64,
    pub(super) records: u64,
    pub(super) tasks: Vec<Task<'a>>,
    /// As obs writes it: calls, tokens and cost, together and by model.
    pub(super) llm: Value,
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
    state: TaskState,
    attempts: u32,
    duration_seconds: f64,
    records: u64,
}

impl<'a> From<&'a TaskResult> for Task<'a> {
    fn from(task: &'a TaskResult) -> Self {
        Self {
            name: &task.name,
            state: task.state,
            attempts: task.attempts,
            duration_seconds: task.duration.as_secs_f64(),
            records: task.records.unwrap_or(0),
        }
    }
}
