//! What was used in a frame.

use core::fmt;
use core::ops::AddAssign;
use core::time::Duration;

use serde::Serialize;

use crate::llm::price::Cost;
use crate::llm::record::CallRecord;
use crate::llm::usage::Usage;
use crate::serialize;

/// What model calls and tool calls used together, as a [`Frame`](crate::llm::Frame) has it.
///
/// Durations are summed over calls, so those of calls that ran side by side may be longer than the time
/// that passed. They are serialized in seconds.
///
/// ```
/// use obs_runtime::llm::Spent;
/// assert_eq!(Spent::default().to_string(), "0 model calls, 0 tool calls, 0 input and 0 output tokens, $0.00");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Spent {
    /// Model calls that have ended, failed ones among them.
    pub model_calls: u64,
    /// Model calls that ended in an error, a panic or a cancellation.
    pub failed_model_calls: u64,
    /// Attempts of model calls, of which each may have been billed.
    pub attempts: u64,
    /// Tool calls that have ended, failed ones among them.
    pub tool_calls: u64,
    /// Tool calls that ended in an error, a panic or a cancellation.
    pub failed_tool_calls: u64,
    /// Tokens of all model calls that reported them.
    pub usage: Usage,
    /// What all model calls cost: exactly, or between two ends.
    pub cost: Cost,
    /// How long model calls took.
    #[serde(rename = "in_model_s", serialize_with = "serialize::seconds")]
    pub in_model: Duration,
    /// How long tool calls took.
    #[serde(rename = "in_tools_s", serialize_with = "serialize::seconds")]
    pub in_tools: Duration,
}

impl Default for Spent {
    fn default() -> Self {
        Self {
            model_calls: 0,
            failed_model_calls: 0,
            attempts: 0,
            tool_calls: 0,
            failed_tool_calls: 0,
            usage: Usage::default(),
            cost: Cost::ZERO,
            in_model: Duration::ZERO,
            in_tools: Duration::ZERO,
        }
    }
}

impl Spent {
    /// What one model call used.
    pub(crate) fn of_call(call: &CallRecord) -> Self {
        Self {
            model_calls: 1,
            failed_model_calls: u64::from(call.failed()),
            attempts: call.attempt_count,
            usage: call.usage.unwrap_or_default(),
            cost: call.cost,
            in_model: call.duration.unwrap_or_default(),
            ..Self::default()
        }
    }

    /// What one tool call used.
    pub(crate) fn of_tool(failed: bool, duration: Duration) -> Self {
        Self {
            tool_calls: 1,
            failed_tool_calls: u64::from(failed),
            in_tools: duration,
            ..Self::default()
        }
    }
}

impl AddAssign<&Self> for Spent {
    fn add_assign(&mut self, other: &Self) {
        self.model_calls += other.model_calls;
        self.failed_model_calls += other.failed_model_calls;
        self.attempts += other.attempts;
        self.tool_calls += other.tool_calls;
        self.failed_tool_calls += other.failed_tool_calls;
        self.usage = self.usage.plus(other.usage);
        self.cost += other.cost;
        self.in_model = self.in_model.saturating_add(other.in_model);
        self.in_tools = self.in_tools.saturating_add(other.in_tools);
    }
}

/// One line, in which a cost that is not exact has both ends, and the reasons.
impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = |count: u64| if count == 1 { "call" } else { "calls" };
        write!(
            f,
            "{} model {}, {} tool {}, {} input and {} output tokens, {}",
            self.model_calls,
            calls(self.model_calls),
            self.tool_calls,
            calls(self.tool_calls),
            self.usage.input_tokens().unwrap_or(0),
            self.usage.output_tokens().unwrap_or(0),
            self.cost
        )
    }
}
