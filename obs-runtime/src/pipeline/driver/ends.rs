//! The ends of attempts and of units.

use super::{Cause, Command, Driver, End, NO_TICKET, Skip, Time, Unit, Verdict, Why, stopped};
use crate::pipeline::state::TaskState;
use crate::retry::Hint;

impl Driver {
    /// An attempt has ended: so has its unit, or another attempt follows.
    pub(super) fn attempt_ended(
        &mut self,
        unit: Unit,
        attempt: u32,
        end: End,
        left: bool,
        out: &mut Vec<Command>,
    ) -> bool {
        if self.is_mapped(unit) {
            return false;
        }
        let Some(slot) = self.slot_mut(unit).filter(|slot| slot.runs(attempt)) else {
            return false;
        };
        let stopping = slot.stopping.take();
        self.running -= 1;
        let times = self.rule(unit.task).times;
        if times.timeout.is_some() && stopping != Some(Why::Timeout) {
            self.timers.forget();
        }
        if left {
            self.leave(unit, attempt);
        } else {
            let limit = self.rule(unit.task).limit;
            self.permits.give_back(limit);
        }
        let (state, hint) = match (end, stopping) {
            (End::Succeeded, _) => (TaskState::Succeeded, None),
            (End::Cached, _) => (TaskState::Cached, None),
            (End::Declined, _) => {
                // It did nothing.
                if let Some(slot) = self.slot_mut(unit) {
                    slot.attempts -= 1;
                    slot.began = slot.began.filter(|_| slot.attempts > 0);
                }
                self.finish(
                    unit,
                    TaskState::Skipped,
                    Cause::Skipped(Skip::Condition),
                    out,
                );
                return true;
            }
            (End::Panicked, _) => (TaskState::Panicked, None),
            (End::Failed(hint), _) => (TaskState::Failed, Some(hint)),
            (End::Stopped, None) => (TaskState::Crashed, None),
            (End::Stopped, Some(Why::Timeout)) => (TaskState::TimedOut, Some(Hint::None)),
            (End::Stopped, Some(why)) => {
                self.finish(unit, stopped(why), Cause::Stopped(why), out);
                return true;
            }
        };
        match hint.and_then(|hint| self.next_attempt(unit, hint)) {
            Some(at) => {
                if let Some(slot) = self.slot_mut(unit) {
                    slot.last = state;
                }
                self.pause(unit, at, out);
            }
            None => self.finish(unit, state, Cause::Attempt, out),
        }
        true
    }

    /// A unit has ended. It stays so.
    pub(super) fn finish(
        &mut self,
        unit: Unit,
        state: TaskState,
        cause: Cause,
        out: &mut Vec<Command>,
    ) {
        let now = self.now;
        let Some(slot) = self.slot_mut(unit).filter(|slot| !slot.state.is_terminal()) else {
            return;
        };
        let before = slot.state;
        let was_working = before == TaskState::Running || slot.ticket != NO_TICKET;
        slot.state = state;
        slot.ended = now;
        self.leave_line(unit);
        if before == TaskState::Retrying {
            self.pausing -= 1;
            self.timers.forget();
        }
        let verdict = Verdict { state, cause };
        out.push(Command::End { unit, verdict });
        if unit.item_number().is_some() {
            self.item_ended(unit.task, state, was_working, out);
            return;
        }
        match (state, cause) {
            (_, Cause::Stopped(Why::RunDeadline) | Cause::Skipped(Skip::NotReached)) => {
                self.cut_off += 1;
            }
            (TaskState::Cancelled, _) => self.cancelled += 1,
            (state, _) if state.is_failure() => self.failed += 1,
            _ => {}
        }
        let task = &mut self.tasks[unit.task as usize];
        if let Cause::Skipped(skip) = cause {
            task.skip = Some(skip);
        }
        if task.deadline != Time::NEVER {
            self.timers.forget();
        }
        self.unended -= 1;
        self.ended.push_back(unit.task);
    }
}
