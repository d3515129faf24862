//! What is done when a time has come.

use super::timers::{Due, Timer};
use super::{Cause, Command, Driver, NO_TICKET, Task, Time, Why};
use crate::pipeline::state::TaskState;

impl Driver {
    /// Does what is due.
    pub(super) fn tick(&mut self, out: &mut Vec<Command>) -> bool {
        let mut any = false;
        while let Some(timer) = self.timers.pop(self.now) {
            any = true;
            self.due(&timer, out);
        }
        any
    }

    fn due(&mut self, timer: &Timer, out: &mut Vec<Command>) {
        let Timer { unit, attempt, .. } = *timer;
        if !is_live(&self.tasks, timer) {
            return;
        }
        match timer.due {
            Due::Retry => {
                self.pausing -= 1;
                self.again(unit, out);
            }
            Due::Timeout => self.stop(unit, attempt, Why::Timeout, out),
            Due::Queue => {
                self.finish(unit, TaskState::TimedOut, Cause::QueueTimeout, out);
            }
            Due::Deadline => self.stop_task(unit.task, Why::Deadline, out),
            Due::RunDeadline => {
                self.halt(Why::RunDeadline, out);
            }
            Due::Late => {
                if !self.is_over() {
                    out.push(Command::Late);
                }
            }
            Due::Left => self.look_at_left = Time::NEVER,
            Due::Items => self.release_items(unit.task, out),
        }
    }
}

/// Returns whether what a timer was set for still lasts.
pub(super) fn is_live(tasks: &[Task], timer: &Timer) -> bool {
    let Some(task) = tasks.get(timer.unit.task as usize) else {
        // Those of the whole run name the first task, also if there is none.
        return matches!(timer.due, Due::RunDeadline | Due::Late | Due::Left);
    };
    let slot = match timer.unit.item_number() {
        None => Some(&task.slot),
        Some(item) => task
            .fan
            .as_ref()
            .and_then(|fan| fan.items.get(item as usize)),
    };
    let slot = slot.filter(|slot| slot.attempts == timer.attempt);
    match timer.due {
        Due::RunDeadline | Due::Late | Due::Left => true,
        Due::Deadline | Due::Items => !task.slot.state.is_terminal(),
        Due::Retry => slot.is_some_and(|slot| slot.state == TaskState::Retrying),
        Due::Timeout => slot.is_some_and(|s| s.state == TaskState::Running && s.stopping.is_none()),
        Due::Queue => slot.is_some_and(|slot| slot.ticket != NO_TICKET),
    }
}
