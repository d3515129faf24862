//! The states of runs and tasks, and why a task was skipped.

use core::fmt;
use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::words::words;

words! {
    /// The state of a run.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum RunState {
        /// The run has not ended: only what a handler with `#[on_late]` is given has this state.
        Running => "running",
        /// No task failed, and the run came to its end.
        Succeeded => "succeeded",
        /// At least one task failed, timed out or panicked.
        Failed => "failed",
        /// The run was cancelled before every task had finished.
        Cancelled => "cancelled",
        /// The run's deadline passed before every task had finished.
        TimedOut => "timed_out",
    }
}

impl RunState {
    /// Returns whether nothing follows after it.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Running)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

words! {
    /// The state of a task, or of one item of a task that is mapped.
    ///
    /// No task leaves a state in which it has ended: see [`is_terminal`](Self::is_terminal).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum TaskState {
        /// It waits for its dependencies, or for a slot.
        Scheduled => "scheduled",
        /// An attempt runs.
        Running => "running",
        /// An attempt has failed, and the pause before the next one lasts.
        Retrying => "retrying",
        /// An attempt succeeded.
        Succeeded => "succeeded",
        /// The last attempt returned an error.
        Failed => "failed",
        /// It never ran: [`SkipReason`] says why.
        Skipped => "skipped",
        /// The run was cancelled before it had finished.
        Cancelled => "cancelled",
        /// The last attempt, or the task as a whole, took longer than it may.
        TimedOut => "timed_out",
        /// Its output was known already, and its function was not called. The look-up counts as its
        /// attempt.
        Cached => "cached",
        /// An attempt panicked.
        Panicked => "panicked",
        /// Whatever ran the attempt is gone, and nobody knows how it ended.
        Crashed => "crashed",
    }
}

impl TaskState {
    /// Returns whether the task has ended.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Running | Self::Retrying)
    }

    /// Returns whether it has ended without its output, and not because something else had.
    pub const fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Failed | Self::TimedOut | Self::Panicked | Self::Crashed
        )
    }

    /// Returns whether it has ended with its output.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Succeeded | Self::Cached)
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How far the items of a mapped task are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemProgress {
    /// How many there are.
    pub total: u32,
    /// How many of them run, or wait for another attempt.
    pub running: u32,
    /// How many have ended, in whatever state.
    pub ended: u32,
    /// How many of those failed, timed out, panicked or crashed.
    pub failed: u32,
}

/// The reason why a task was skipped.
///
/// It is serialized as an object: `{"reason": "upstream_failed", "task": "load"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// Its own rule said so: `run_if` or `when`.
    Condition,
    /// This task failed, and it needs that one to succeed, by itself or through others.
    UpstreamFailed(Cow<'static, str>),
    /// This task was skipped by its own rule, and the output that would have come of it is missing.
    UpstreamSkipped(Cow<'static, str>),
    /// The run, or the task whose item it is, had ended before it could begin.
    NotReached,
}

impl SkipReason {
    /// Returns the word for it, as it is stored.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::UpstreamFailed(_) => "upstream_failed",
            Self::UpstreamSkipped(_) => "upstream_skipped",
            Self::NotReached => "not_reached",
        }
    }

    /// Returns the task because of which it was skipped.
    pub fn task(&self) -> Option<&str> {
        match self {
            Self::UpstreamFailed(task) | Self::UpstreamSkipped(task) => Some(task),
            Self::Condition | Self::NotReached => None,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition => f.write_str("its condition does not hold"),
            Self::UpstreamFailed(task) => write!(f, "`{task}` failed"),
            Self::UpstreamSkipped(task) => write!(f, "`{task}` was skipped"),
            Self::NotReached => f.write_str("not reached"),
        }
    }
}

impl Serialize for SkipReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;

        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("reason", self.as_str())?;
        if let Some(task) = self.task() {
            map.serialize_entry("task", task)?;
        }
        map.end()
    }
}
