//! How far a workflow has come, and what was decided on the way.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

/// Checkpoints and events that are kept of one workflow, each.
const MOST: usize = 1_024;

/// A moment of a workflow that was noted. It is shown as `search.start`, `search.end`, or by its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The step, as its span is named, or what was noted.
    pub name: Cow<'static, str>,
    /// Whether a step began or ended there.
    pub phase: Phase,
    /// The time since the workflow began.
    pub at: Duration,
}

/// What a checkpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// A step began.
    Start,
    /// A step ended, however.
    End,
    /// The workflow came by.
    Passed,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Start => ".start",
            Phase::End => ".end",
            Phase::Passed => "",
        };
        write!(f, "{}{phase}", self.name)
    }
}

/// What a step decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepEvent {
    /// A router chose a route.
    Routed {
        /// The router.
        step: Arc<str>,
        /// The route.
        route: Arc<str>,
        /// Why it was this one.
        reason: super::RouteReason,
    },
    /// A step took too long and was ended.
    TimedOut {
        /// The step.
        step: Arc<str>,
        /// How long it may take, with the grace period.
        limit: Duration,
        /// Whether another step ran in its place.
        had_fallback: bool,
    },
    /// A step took longer than it may, but ended in the grace period.
    Late {
        /// The step.
        step: Arc<str>,
        /// How long it may take.
        limit: Duration,
    },
    /// A step failed and was repeated.
    Retried {
        /// The step.
        step: Arc<str>,
        /// Which attempt began, from 2.
        attempt: u32,
        /// The pause before it.
        pause: Duration,
    },
    /// A step failed, and another ran in its place.
    FellBack {
        /// The step that failed.
        step: Arc<str>,
    },
    /// A cache was asked.
    #[cfg(feature = "cache")]
    Looked {
        /// The step whose value was asked for.
        step: Arc<str>,
        /// What became of it.
        lookup: crate::cache::Lookup,
    },
}

/// What is kept of a workflow.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) checkpoints: Vec<Checkpoint>,
    pub(super) events: Vec<StepEvent>,
    pub(super) left_out: usize,
}

impl Log {
    pub(super) fn pass(&mut self, checkpoint: Checkpoint) {
        if self.checkpoints.len() < MOST {
            self.checkpoints.push(checkpoint);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn note(&mut self, event: StepEvent) {
        if self.events.len() < MOST {
            self.events.push(event);
        } else {
            self.left_out += 1;
        }
    }
}
