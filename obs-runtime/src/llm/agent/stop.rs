//! What an agent may do, and how it is told that it has done enough.

use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use crate::llm::frame::Frame;

/// Why an agent was stopped.
///
/// ```
/// use obs_runtime::llm::StopReason;
/// assert_eq!(StopReason::Steps { limit: 12 }.as_str(), "steps");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// It has made as many model calls as `max_steps` says, and wanted another one.
    Steps {
        /// The value of `max_steps`.
        limit: u64,
    },
    /// It has made as many tool calls as `max_tool_calls` says, and wanted another one.
    ToolCalls {
        /// The value of `max_tool_calls`.
        limit: u64,
    },
    /// It has called a tool with the same arguments as often as `max_same_tool_call` says, and wanted to do so again.
    Repeated {
        /// The tool.
        tool: Cow<'static, str>,
        /// The value of `max_same_tool_call`.
        limit: u64,
    },
    /// It has worked for as long as `timeout` says.
    Timeout {
        /// The value of `timeout`.
        limit: Duration,
    },
}

impl StopReason {
    /// Returns the word for it, as metrics and attributes have it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Steps { .. } => "steps",
            Self::ToolCalls { .. } => "tool_calls",
            Self::Repeated { .. } => "repeated",
            Self::Timeout { .. } => "timeout",
        }
    }
}

/// What the agent had done, and by which limit that was enough.
impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |count: &u64| if *count == 1 { "" } else { "s" };
        match self {
            Self::Steps { limit } => {
                write!(f, "after {limit} model call{} (`max_steps`)", s(limit))
            }
            Self::ToolCalls { limit } => {
                write!(f, "after {limit} tool call{} (`max_tool_calls`)", s(limit))
            }
            Self::Repeated { tool, limit } => write!(
                f,
                "after {limit} call{} of the tool `{tool}` with the same arguments (`max_same_tool_call`)",
                s(limit)
            ),
            Self::Timeout { limit } => write!(f, "after {limit:?} (`timeout`)"),
        }
    }
}

/// An agent was stopped by a limit that [`#[agent]`](macro@crate::agent) declares.
///
/// It is what the agent returns, and what its model calls and tool calls return once it is stopped, where their errors
/// can be made from it.
///
/// ```
/// use obs_runtime::llm::{AgentStopped, Usage};
/// use obs_runtime::{agent, llm_call, testing};
///
/// #[llm_call(provider = "openai", model = "gpt-4o-mini", usage = |_| Usage::new(10, 5))]
/// fn ask() -> Result<String, AgentStopped> {
///     Ok("ask me again".to_owned())
/// }
///
/// #[agent(max_steps = 3)]
/// fn endless() -> Result<String, AgentStopped> {
///     loop {
///         ask()?;
///     }
/// }
///
/// let captured = testing::capture(endless);
/// let stopped = captured.value.unwrap_err();
/// assert_eq!(stopped.to_string(), "the agent `endless` was stopped after 3 model calls (`max_steps`)");
/// assert_eq!(stopped.frame().own().model_calls, 3);
/// ```
#[derive(Clone, Debug)]
pub struct AgentStopped(
    // It is a part of the errors of programs, which are not to grow by it.
    Box<Stopped>,
);

#[derive(Clone, Debug)]
struct Stopped {
    frame: Frame,
    reason: StopReason,
}

/// The `error.type` of what was stopped.
pub(crate) const AGENT_STOPPED: &str = "agent_stopped";

impl AgentStopped {
    pub(crate) fn new(frame: Frame, reason: StopReason) -> Self {
        Self(Box::new(Stopped { frame, reason }))
    }

    /// Returns the name of the agent.
    pub fn agent(&self) -> &str {
        self.0.frame.name()
    }

    /// Returns why it was stopped.
    pub fn reason(&self) -> &StopReason {
        &self.0.reason
    }

    /// Returns what it has used.
    pub fn frame(&self) -> &Frame {
        &self.0.frame
    }
}

impl fmt::Display for AgentStopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the agent `{}` was stopped {}",
            self.agent(),
            self.0.reason
        )
    }
}

impl Error for AgentStopped {}

impl From<AgentStopped> for String {
    fn from(stopped: AgentStopped) -> Self {
        stopped.to_string()
    }
}
