//! Pauses, stops, and work that goes on although its attempt was given up.

use super::timers::Due;
use super::{Cause, Command, Driver, Skip, Time, Unit, Why, stopped};
use crate::pipeline::state::TaskState;

/// Work that goes on although nobody waits for it. It has its permits still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) unit: Unit,
    pub(super) attempt: u32,
    /// When its timeout has passed once more: then others may have its permits.
    until: Time,
}

impl Driver {
    /// Lets a unit pause until then.
    pub(super) fn pause(&mut self, unit: Unit, at: Time, out: &mut Vec<Command>) {
        let now = self.now;
        let Some(slot) = self.slot_mut(unit) else {
            return;
        };
        let attempts = slot.attempts;
        let is_item = unit.item_number().is_some();
        if at <= now {
            self.item_pauses(unit);
            self.again(unit, out);
            return;
        }
        slot.state = TaskState::Retrying;
        self.pausing += 1;
        self.timers.set(at, Due::Retry, unit, attempts);
        self.item_pauses(unit);
        if is_item {
            self.release_items(unit.task, out);
        }
    }

    /// A unit whose pause is over waits for its next attempt.
    pub(super) fn again(&mut self, unit: Unit, out: &mut Vec<Command>) {
        if let Some(slot) = self.slot_mut(unit) {
            slot.state = TaskState::Scheduled;
        }
        match unit.item_number() {
            None => self.line_up(unit, out),
            Some(item) => {
                if let Some(fan) = &mut self.tasks[unit.task as usize].fan {
                    fan.due.push_back(item);
                }
                self.release_items(unit.task, out);
            }
        }
    }

    /// Has the attempt of a unit stopped, or ends it if none runs.
    pub(super) fn stop_unit(&mut self, unit: Unit, why: Why, out: &mut Vec<Command>) {
        let Some(slot) = self.slot(unit).copied() else {
            return;
        };
        match slot.state {
            TaskState::Running => self.stop(unit, slot.attempts, why, out),
            state if state.is_terminal() => {}
            _ if why == Why::RunDeadline && slot.attempts == 0 => {
                let cause = Cause::Skipped(Skip::NotReached);
                self.finish(unit, TaskState::Skipped, cause, out);
            }
            _ => self.finish(unit, stopped(why), Cause::Stopped(why), out),
        }
    }

    pub(super) fn is_mapped(&self, unit: Unit) -> bool {
        let rule = self.plan.tasks.get(unit.task as usize);
        unit.item_number().is_none() && rule.is_some_and(|rule| rule.map.is_some())
    }

    /// Has an attempt stopped. What stops it for good replaces its timeout.
    pub(super) fn stop(&mut self, unit: Unit, attempt: u32, why: Why, out: &mut Vec<Command>) {
        let Some(slot) = self.slot_mut(unit).filter(|slot| slot.runs(attempt)) else {
            return;
        };
        let before = slot.stopping;
        if before.is_none() || before == Some(Why::Timeout) {
            slot.stopping = Some(why);
        }
        if before.is_none() {
            out.push(Command::Stop { unit, attempt, why });
        }
    }

    /// Nothing begins any more, and what runs is stopped.
    pub(super) fn halt(&mut self, why: Why, out: &mut Vec<Command>) -> bool {
        if self.halted.is_some() || self.is_over() {
            return false;
        }
        self.halted = Some(why);
        self.ready.clear();
        for task in 0..self.tasks.len() as u32 {
            self.stop_task(task, why, out);
        }
        true
    }

    /// Work goes on that nobody waits for any more.
    pub(super) fn leave(&mut self, unit: Unit, attempt: u32) {
        let times = self.rule(unit.task).times;
        let once_more = times.timeout.or(times.deadline).unwrap_or_default();
        self.left.push(Left {
            unit,
            attempt,
            until: self.now.after(once_more),
        });
    }

    /// Work that was left has ended.
    pub(super) fn released(&mut self, unit: Unit, attempt: u32) -> bool {
        let is_it = |left: &Left| left.unit == unit && left.attempt == attempt;
        let Some(at) = self.left.iter().position(is_it) else {
            return false;
        };
        let left = self.left.swap_remove(at);
        self.permits.give_back(self.rule(left.unit.task).limit);
        true
    }

    /// If all that is left of the run waits for permits, only work that was left can have them, and
    /// may never end. Then the work whose time is over first loses its own. Returns whether it did.
    pub(super) fn take_away(&mut self, out: &mut Vec<Command>) -> bool {
        if self.queued == 0 || self.running > 0 || self.pausing > 0 {
            return false;
        }
        let left = self.left.iter().enumerate();
        let Some((at, first)) = left.min_by_key(|(_, left)| left.until) else {
            return false;
        };
        let (until, unit) = (first.until, first.unit);
        if until > self.now {
            if until < self.look_at_left {
                self.look_at_left = until;
                self.timers.set(until, Due::Left, unit, 0);
            }
            return false;
        }
        let lost = self.left.swap_remove(at);
        self.permits.give_back(self.rule(lost.unit.task).limit);
        out.push(Command::Overrun {
            task: lost.unit.task,
        });
        true
    }
}
