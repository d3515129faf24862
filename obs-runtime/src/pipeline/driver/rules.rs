//! What the rules of a task say: whether it runs, and whether and when it is repeated.

use super::{Driver, Skip, Time, Unit};
use crate::pipeline::plan::RunIf;
use crate::pipeline::state::TaskState;
use crate::retry::Hint;

/// How a dependency ended, as its dependant sees it.
enum Before {
    /// It may run as far as this one is concerned.
    Good,
    /// It was left out by a rule, with its output: that of this task.
    Missing(u32),
    /// It failed, or was left out because this one had.
    Bad(u32),
    NotReached,
}

impl Driver {
    /// Judges a task whose dependencies have all ended.
    pub(super) fn may_run(&self, task: u32) -> Result<(), Skip> {
        let rule = self.rule(task);
        let (mut good, mut bad, mut missing, mut unreached) = (0, None, None, false);
        for edge in &rule.dependencies {
            match self.before(edge.task) {
                Before::Good => good += 1,
                // Whoever only comes after it has what it waited for.
                Before::Missing(_) if !edge.reads && rule.run_if == RunIf::Success => good += 1,
                Before::Missing(which) => missing = missing.or(Some(which)),
                Before::Bad(which) => bad = bad.or(Some(which)),
                Before::NotReached => unreached = true,
            }
        }
        let blocked = match (bad, missing) {
            (Some(which), _) => Some(Skip::UpstreamFailed(which)),
            (None, Some(which)) => Some(Skip::UpstreamSkipped(which)),
            (None, None) => unreached.then_some(Skip::NotReached),
        };
        match rule.run_if {
            RunIf::Success => blocked.map_or(Ok(()), Err),
            RunIf::Done => Ok(()),
            RunIf::Failed if bad.is_some() => Ok(()),
            RunIf::Failed => Err(Skip::Condition),
            RunIf::AnySuccess if good > 0 => Ok(()),
            RunIf::AnySuccess => Err(blocked.unwrap_or(Skip::Condition)),
        }
    }

    fn before(&self, task: u32) -> Before {
        let ended = &self.tasks[task as usize];
        match (ended.slot.state, ended.skip) {
            (state, _) if state.is_success() => Before::Good,
            (TaskState::Skipped, Some(Skip::Condition)) => Before::Missing(task),
            (TaskState::Skipped, Some(Skip::UpstreamSkipped(which))) => Before::Missing(which),
            (TaskState::Skipped, Some(Skip::UpstreamFailed(which))) => Before::Bad(which),
            (TaskState::Skipped, _) => Before::NotReached,
            _ => Before::Bad(task),
        }
    }

    /// Returns when the next attempt of a unit may begin whose last one failed, if there is one.
    pub(super) fn next_attempt(&self, unit: Unit, hint: Hint) -> Option<Time> {
        let task = &self.tasks[unit.task as usize];
        let slot = self.slot(unit)?;
        let retry = &self.rule(unit.task).retry;
        let is_doomed = unit.item_number().is_some() && task.fan.as_ref()?.is_doomed();
        if self.halted.is_some() || is_doomed {
            return None;
        }
        let elapsed = self.now.since(slot.began.unwrap_or(self.now));
        let random = self.random(unit, slot.attempts);
        let pause = retry.next(slot.attempts, elapsed, hint, random)?;
        let at = self.now.after(pause);
        // A pause that outlasts its task is of no use to anybody.
        let outlasts = |deadline: Time| deadline != Time::NEVER && at >= deadline;
        // One without an end has no attempt after it.
        let ends = at != Time::NEVER && !outlasts(task.deadline) && !outlasts(self.deadline);
        ends.then_some(at)
    }

    /// A number from 0 to 1, the same for the same attempt of the same run.
    fn random(&self, unit: Unit, attempt: u32) -> f64 {
        let which = u64::from(unit.task) << 32 | u64::from(unit.item_number().unwrap_or(u32::MAX));
        let mut bits = self.seed ^ which.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The mixer of splitmix64, twice: attempts of one task are neighbours.
        for add in [u64::from(attempt), 0] {
            bits = bits.wrapping_add(add).wrapping_add(0x9e37_79b9_7f4a_7c15);
            bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            bits ^= bits >> 31;
        }
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}
