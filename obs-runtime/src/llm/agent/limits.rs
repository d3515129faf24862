//! The limits of one agent, and how far it has come.

use core::task::Waker;
use core::time::Duration;
use std::borrow::Cow;
use std::collections::HashMap;

use super::stop::StopReason;
use crate::clock::Moment;

/// What `#[agent]` says of the limits of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub(crate) max_steps: Option<u64>,
    pub(crate) max_tool_calls: Option<u64>,
    pub(crate) max_same_tool_call: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    /// It is only said that the agent went beyond them.
    pub(crate) only_flags: bool,
}

impl Limits {
    /// No limits.
    pub const fn new() -> Self {
        Self {
            max_steps: None,
            max_tool_calls: None,
            max_same_tool_call: None,
            timeout: None,
            only_flags: false,
        }
    }

    /// `max_steps`: the most model calls.
    #[must_use]
    pub const fn max_steps(mut self, calls: Option<u64>) -> Self {
        self.max_steps = calls;
        self
    }

    /// `max_tool_calls`: the most tool calls.
    #[must_use]
    pub const fn max_tool_calls(mut self, calls: Option<u64>) -> Self {
        self.max_tool_calls = calls;
        self
    }

    /// `max_same_tool_call`: the most calls of one tool with the same arguments.
    #[must_use]
    pub const fn max_same_tool_call(mut self, calls: Option<u64>) -> Self {
        self.max_same_tool_call = calls;
        self
    }

    /// `timeout`: the longest time.
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// `on_stop = "flag"`: limits only say that they were passed.
    #[must_use]
    pub const fn only_flags(mut self) -> Self {
        self.only_flags = true;
        self
    }

    pub(crate) fn are_any(&self) -> bool {
        *self
            != Self {
                only_flags: self.only_flags,
                ..Self::new()
            }
    }
}

/// What an agent wants to begin.
#[derive(Clone, Debug)]
pub enum Step {
    /// A model call.
    Model,
    /// A call of a tool, with what tells its arguments from others where that is known.
    Tool(Cow<'static, str>, Option<u64>),
}

/// How far an agent has come.
#[derive(Debug)]
pub(crate) struct Progress {
    limits: Limits,
    began: Moment,
    steps: u64,
    tool_calls: u64,
    /// How often each tool was called with the same arguments.
    same: HashMap<(Cow<'static, str>, u64), u64>,
    stopped: Option<StopReason>,
    /// Something inside cannot say that the agent is stopped: the agent itself must end.
    must_end: bool,
    has_ended: bool,
    /// The task that works on the agent.
    pub(crate) waker: Option<Waker>,
    /// The calls that wait for the end of the agent.
    parked: Vec<Waker>,
    pub(crate) overruns: u64,
}

/// The most calls of tools that are told apart.
const MOST_SAME: usize = 4_096;

impl Progress {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            began: Moment::now(),
            steps: 0,
            tool_calls: 0,
            same: HashMap::new(),
            stopped: None,
            must_end: false,
            has_ended: false,
            waker: None,
            parked: Vec::new(),
            overruns: 0,
        }
    }

    /// Why the agent may not begin this; it is counted as begun otherwise.
    pub(crate) fn begin(&mut self, step: &Step) -> Option<StopReason> {
        if !self.limits.are_any() {
            return None;
        }
        if let Some(reason) = self.is_stopped() {
            return Some(reason);
        }
        let reason = self.beyond(step)?;
        self.stop(reason)
    }

    /// The limit that the step is beyond.
    fn beyond(&mut self, step: &Step) -> Option<StopReason> {
        match step {
            Step::Model => {
                if let Some(limit) = self.limits.max_steps
                    && self.steps >= limit
                {
                    return Some(StopReason::Steps { limit });
                }
                self.steps += 1;
            }
            Step::Tool(tool, print) => {
                if let Some(limit) = self.limits.max_tool_calls
                    && self.tool_calls >= limit
                {
                    return Some(StopReason::ToolCalls { limit });
                }
                if let (Some(limit), Some(print)) = (self.limits.max_same_tool_call, print) {
                    let same = self.same(tool.clone(), *print);
                    if same >= limit {
                        let tool = tool.clone();
                        return Some(StopReason::Repeated { tool, limit });
                    }
                }
                self.tool_calls += 1;
            }
        }
        None
    }

    /// How often the tool was called with these arguments before; this call is counted.
    fn same(&mut self, tool: Cow<'static, str>, print: u64) -> u64 {
        let key = (tool, print);
        if self.same.len() >= MOST_SAME && !self.same.contains_key(&key) {
            return 0;
        }
        let same = self.same.entry(key).or_default();
        *same += 1;
        *same - 1
    }

    /// Why the agent is stopped, if it is.
    pub(crate) fn is_stopped(&mut self) -> Option<StopReason> {
        if self.stopped.is_none()
            && !self.has_ended
            && let Some(limit) = self.limits.timeout
            && self.began.elapsed() >= limit
        {
            self.stopped = Some(StopReason::Timeout { limit });
        }
        self.stopped.clone().filter(|_| !self.limits.only_flags)
    }

    /// Stops the agent; `None` if it is only said that it should be.
    fn stop(&mut self, reason: StopReason) -> Option<StopReason> {
        let reason = self.stopped.get_or_insert(reason).clone();
        (!self.limits.only_flags).then_some(reason)
    }

    /// Why the agent was stopped, or went beyond its limits.
    pub(crate) fn reason(&self) -> Option<&StopReason> {
        self.stopped.as_ref()
    }

    /// The agent has ended: its time is over for nobody any more.
    /// Returns whom to wake.
    pub(crate) fn ended(&mut self) -> Vec<Waker> {
        self.is_stopped();
        self.has_ended = true;
        let mut wakers = core::mem::take(&mut self.parked);
        wakers.extend(self.waker.take());
        wakers
    }

    /// A call waits for the end of the agent.
    pub(crate) fn park(&mut self, waker: Waker) {
        if !self.parked.iter().any(|parked| parked.will_wake(&waker)) {
            self.parked.push(waker);
        }
    }

    pub(crate) const fn tells_calls_apart(&self) -> bool {
        self.limits.max_same_tool_call.is_some()
    }

    pub(crate) const fn is_asked(&self) -> bool {
        self.must_end
    }

    /// The agent itself must end; returns whom to wake for that.
    pub(crate) fn end(&mut self) -> Option<Waker> {
        self.must_end = true;
        self.waker.clone()
    }

    /// Why the agent must end now, if it must.
    pub(crate) fn must_end(&mut self) -> Option<StopReason> {
        let reason = self.is_stopped()?;
        let timeout = matches!(reason, StopReason::Timeout { .. });
        (self.must_end || timeout).then_some(reason)
    }

    /// How long the agent may go on.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let limit = self.limits.timeout.filter(|_| !self.limits.only_flags)?;
        Some(limit.saturating_sub(self.began.elapsed()))
    }

    pub(crate) fn steps_left(&self) -> Option<u64> {
        Some(self.limits.max_steps?.saturating_sub(self.steps))
    }

    pub(crate) fn tool_calls_left(&self) -> Option<u64> {
        Some(self.limits.max_tool_calls?.saturating_sub(self.tool_calls))
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
