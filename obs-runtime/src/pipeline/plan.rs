//! The rules of a graph, as the [driver](crate::pipeline::driver) reads them: who waits for whom,
//! and what holds for each task. Tasks are numbered, each after those that it depends on.

use core::time::Duration;

use crate::pipeline::RetryPolicy;

/// The rules of all tasks.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) tasks: Vec<Rule>,
}

/// The rules of one task.
#[derive(Debug)]
pub(crate) struct Rule {
    /// In the order of the declaration.
    pub(crate) dependencies: Box<[Edge]>,
    pub(crate) dependants: Vec<u32>,
    /// The position of its limit by name.
    pub(crate) limit: Option<u32>,
    pub(crate) retry: RetryPolicy,
    pub(crate) times: Times,
    pub(crate) run_if: RunIf,
    pub(crate) map: Option<MapRule>,
}

/// A task that comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) task: u32,
    /// Whether its output is read, so that there must be one.
    pub(crate) reads: bool,
}

/// The times that a task may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The longest that one attempt may take.
    pub timeout: Option<Duration>,
    /// The longest that the task may take: all attempts, pauses and waits, since its dependencies
    /// have ended.
    pub deadline: Option<Duration>,
    /// The longest that an attempt may wait for a slot.
    pub queue_timeout: Option<Duration>,
}

impl Times {
    /// No limits.
    pub const NONE: Self = Self {
        timeout: None,
        deadline: None,
        queue_timeout: None,
    };

    pub(crate) fn any(&self) -> bool {
        *self != Self::NONE
    }
}

/// Which ends of its dependencies a task waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunIf {
    /// All of them succeeded (the default). One that was skipped by its own rule counts as a
    /// success if the task does not take its output.
    #[default]
    Success,
    /// All of them have ended, however.
    Done,
    /// At least one of them failed, or was skipped because another failed.
    Failed,
    /// At least one of them succeeded, and all have ended.
    AnySuccess,
}

/// The rule of a task that is made once for each item of a dependency's output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapRule {
    /// The most items that work at once.
    pub parallel: Option<u32>,
    /// The most items that there may be.
    pub max: u32,
    /// The items that may fail.
    pub allow_failed: AllowFailed,
}

impl MapRule {
    /// As many items at once as there are, at most 100,000 of them, and none may fail.
    pub const DEFAULT: Self = Self {
        parallel: None,
        max: 100_000,
        allow_failed: AllowFailed::Count(0),
    };

    /// Sets how many items work at once at most; 0 counts as 1.
    #[must_use]
    pub const fn parallel(mut self, parallel: u32) -> Self {
        self.parallel = Some(parallel);
        self
    }

    /// Sets how many items there may be.
    #[must_use]
    pub const fn max(mut self, max: u32) -> Self {
        self.max = max;
        self
    }

    /// Sets how many items may fail.
    #[must_use]
    pub const fn allow_failed(mut self, allow_failed: AllowFailed) -> Self {
        self.allow_failed = allow_failed;
        self
    }
}

/// How many items of a mapped task may fail before the task has failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AllowFailed {
    /// This many.
    Count(u32),
    /// This part of them, from 0 to 1, rounded down.
    Part(f64),
}

impl AllowFailed {
    pub(crate) fn of(self, items: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            // A part that is no number allows nothing.
            Self::Part(part) => (f64::from(items) * part.clamp(0.0, 1.0)) as u32,
        }
    }
}

/// The limits of one run.
#[derive(Clone, Debug)]
pub(crate) struct RunLimits {
    /// How many attempts may run at once.
    pub(crate) parallel: Option<u32>,
    /// The same for each limit by name.
    pub(crate) named: Vec<u32>,
    /// The longest that the run may take.
    pub(crate) deadline: Option<Duration>,
    /// When the run counts as late.
    pub(crate) late: Option<Duration>,
    /// What the random parts of pauses are drawn from.
    pub(crate) seed: u64,
}
