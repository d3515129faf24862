//! Tasks that are mapped: one unit for each item of a dependency's output.
//!
//! Items are made as they may begin, so that the first works while the last is only counted. Once
//! more of them have failed than may, no other begins, and those that work are waited for.

use std::collections::VecDeque;

use super::timers::Due;
use super::{Cause, Command, Driver, Skip, Slot, Unit, Why, stopped};
use crate::pipeline::plan::{AllowFailed, MapRule};
use crate::pipeline::state::{ItemProgress, TaskState};

/// The most items that are made at once: between two such lots others have their turn.
pub(super) const LOT: u32 = 1_024;

/// The items of a task.
#[derive(Debug)]
pub(super) struct Fan {
    /// How many there are, so far.
    pub(super) len: u32,
    /// Whether there may be more, which are made when they may begin.
    pub(super) is_open: bool,
    /// Whether some have been asked for.
    pub(super) is_making: bool,
    /// Those that have a slot.
    pub(super) items: Vec<Slot>,
    /// Those whose pause is over, and that wait for their turn.
    pub(super) due: VecDeque<u32>,
    pub(super) parallel: u32,
    /// Those that work or wait for permits.
    working: u32,
    /// Those that have not ended.
    open: u32,
    failed: u32,
    allowed: u32,
    /// Why no other item begins.
    closed: Option<Closed>,
    /// Whether a timer will make more of them.
    is_set: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Closed {
    /// Too many have failed.
    Failed,
    /// Too many were made.
    TooMany,
    /// One could not be made.
    Broken,
    Stopped(Why),
}

impl Fan {
    fn new(len: u32, rule: &MapRule) -> Self {
        Self {
            len,
            is_open: false,
            is_making: false,
            items: Vec::new(),
            due: VecDeque::new(),
            parallel: rule.parallel.unwrap_or(u32::MAX).max(1),
            working: 0,
            open: len,
            failed: 0,
            allowed: rule.allow_failed.of(len),
            closed: None,
            is_set: false,
        }
    }

    /// One whose items are made as they may begin, in bounded numbers.
    pub(super) fn open(rule: &MapRule) -> Self {
        let mut fan = Self::new(0, rule);
        fan.is_open = true;
        fan.parallel = fan.parallel.min(LOT);
        // How many are a part of them is known at the end.
        if let AllowFailed::Part(_) = rule.allow_failed {
            fan.allowed = u32::MAX;
        }
        fan
    }

    /// One more item. Returns how many there are.
    pub(super) fn add(&mut self) -> u32 {
        self.len += 1;
        self.open += 1;
        self.len
    }

    /// Now that there are no more, whether too many have failed.
    pub(super) fn is_over_allowed(&mut self, rule: &MapRule) -> bool {
        self.allowed = rule.allow_failed.of(self.len);
        self.failed > self.allowed && self.closed.is_none()
    }

    /// How many more may work.
    pub(super) fn room(&self) -> u32 {
        self.parallel.saturating_sub(self.working)
    }

    pub(super) fn is_doomed(&self) -> bool {
        self.closed.is_some()
    }
}

impl Driver {
    /// A mapped task knows its items.
    pub(super) fn expanded(
        &mut self,
        task: u32,
        items: Option<u32>,
        out: &mut Vec<Command>,
    ) -> bool {
        let Some(rule) = self.takes_items(task) else {
            return false;
        };
        let whole = Unit::task(task);
        match items {
            None => self.finish(whole, TaskState::Failed, Cause::Unreadable, out),
            Some(len) if len > rule.max || len == u32::MAX => {
                self.finish(whole, TaskState::Failed, Cause::TooMany(len), out);
            }
            Some(len) => {
                self.tasks[task as usize].fan = Some(Box::new(Fan::new(len, &rule)));
                if len == 0 {
                    self.settle_fan(task, out);
                } else {
                    self.release_items(task, out);
                }
            }
        }
        true
    }

    /// The rule of a mapped task that waits for its items.
    pub(super) fn takes_items(&mut self, task: u32) -> Option<MapRule> {
        let rule = self.plan.tasks.get(task as usize)?.map?;
        let this = &mut self.tasks[task as usize];
        if this.fan.is_some() || !core::mem::take(&mut this.is_asked) {
            return None;
        }
        self.pausing -= 1;
        Some(rule)
    }

    /// Lets items wait for their permits, as many as may work.
    pub(super) fn release_items(&mut self, task: u32, out: &mut Vec<Command>) {
        for made in 0.. {
            let Some(fan) = &mut self.tasks[task as usize].fan else {
                return;
            };
            if made == 0 {
                fan.is_set = false;
            }
            if fan.closed.is_some() || fan.working >= fan.parallel {
                return;
            }
            // Those that have begun come first, or a repetition would wait for all that have not.
            let item = if let Some(item) = fan.due.pop_front() {
                item
            } else if (fan.items.len() as u32) < fan.len {
                if made >= LOT {
                    if !core::mem::replace(&mut fan.is_set, true) {
                        self.timers.set(self.now, Due::Items, Unit::task(task), 0);
                    }
                    return;
                }
                fan.items.push(Slot::NEW);
                fan.items.len() as u32 - 1
            } else {
                self.ask_for_items(task, out);
                return;
            };
            fan.working += 1;
            self.line_up(Unit::item(task, item), out);
        }
    }

    /// A unit pauses: if it is an item, another may work.
    pub(super) fn item_pauses(&mut self, unit: Unit) {
        if unit.item_number().is_some()
            && let Some(fan) = &mut self.tasks[unit.task as usize].fan
        {
            fan.working -= 1;
        }
    }

    /// An item has ended, from whatever state.
    pub(super) fn item_ended(
        &mut self,
        task: u32,
        state: TaskState,
        was_working: bool,
        out: &mut Vec<Command>,
    ) {
        let Some(fan) = &mut self.tasks[task as usize].fan else {
            return;
        };
        fan.open -= 1;
        fan.working -= u32::from(was_working);
        if state.is_failure() {
            fan.failed += 1;
        }
        if fan.failed > fan.allowed && fan.closed.is_none() {
            self.close(task, Closed::Failed, out);
        } else {
            self.release_items(task, out);
        }
        self.settle_fan(task, out);
    }

    /// Ends the items that do not run, and has the others stopped unless they may end by themselves.
    pub(super) fn close(&mut self, task: u32, closed: Closed, out: &mut Vec<Command>) {
        let Some(fan) = &mut self.tasks[task as usize].fan else {
            return;
        };
        let made = fan.items.len() as u32;
        if fan.closed.is_none() {
            fan.closed = Some(closed);
            fan.is_open = false;
            if core::mem::take(&mut fan.is_making) {
                self.pausing -= 1;
            }
            // Those that were never made end without a word.
            fan.open -= fan.len - made;
        }
        for item in 0..made {
            let unit = Unit::item(task, item);
            let slot = self.slot(unit).copied().unwrap_or(Slot::NEW);
            match (slot.state, closed) {
                (state, _) if state.is_terminal() => {}
                (TaskState::Running, Closed::Stopped(why)) => {
                    self.stop(unit, slot.attempts, why, out);
                }
                (TaskState::Running, _) => {}
                (_, Closed::Stopped(why)) if why != Why::RunDeadline || slot.attempts > 0 => {
                    self.finish(unit, stopped(why), Cause::Stopped(why), out);
                }
                // Its last attempt did not succeed, and no other follows.
                (_, Closed::Failed | Closed::TooMany | Closed::Broken) if slot.attempts > 0 => {
                    self.finish(unit, slot.last, Cause::Attempt, out);
                }
                _ => {
                    let cause = Cause::Skipped(Skip::NotReached);
                    self.finish(unit, TaskState::Skipped, cause, out);
                }
            }
        }
    }

    /// Ends a mapped task whose items have all ended.
    pub(super) fn settle_fan(&mut self, task: u32, out: &mut Vec<Command>) {
        let Some(fan) = &self.tasks[task as usize].fan else {
            return;
        };
        if fan.open > 0 || fan.is_open {
            return;
        }
        let (failed, allowed) = (fan.failed, fan.allowed);
        let has_begun = self.tasks[task as usize].slot.attempts > 0;
        let (state, cause) = match fan.closed {
            Some(Closed::Stopped(Why::RunDeadline)) if !has_begun => {
                (TaskState::Skipped, Cause::Skipped(Skip::NotReached))
            }
            Some(Closed::Stopped(why)) => (stopped(why), Cause::Stopped(why)),
            Some(Closed::Failed) => (TaskState::Failed, Cause::Items { failed, allowed }),
            Some(Closed::TooMany) => (TaskState::Failed, Cause::TooMany(fan.len)),
            Some(Closed::Broken) => (TaskState::Failed, Cause::Unmade),
            None => {
                self.pausing += 1;
                self.tasks[task as usize].is_asked = true;
                out.push(Command::Collect { task });
                return;
            }
        };
        self.finish(Unit::task(task), state, cause, out);
    }

    /// A mapped task whose items have ended well has its output, or cannot have it.
    pub(super) fn collected(&mut self, task: u32, is_whole: bool, out: &mut Vec<Command>) -> bool {
        let Some(this) = self.tasks.get_mut(task as usize) else {
            return false;
        };
        if this.fan.is_none() || !core::mem::take(&mut this.is_asked) {
            return false;
        }
        self.pausing -= 1;
        let (state, cause) = if is_whole {
            (TaskState::Succeeded, Cause::Attempt)
        } else {
            (TaskState::Failed, Cause::Uncollected)
        };
        self.finish(Unit::task(task), state, cause, out);
        true
    }

    /// How far the items of a task are, once they have been counted.
    pub(crate) fn item_counts(&self, task: u32) -> Option<ItemProgress> {
        let this = self.tasks.get(task as usize)?;
        let fan = this.fan.as_ref()?;
        let made = fan.items.len() as u32;
        let is_over = this.slot.state.is_terminal();
        let unmade = fan.len - made;
        // Those that were never made have ended with their task.
        let waits = if fan.closed.is_some() { 0 } else { unmade };
        let running = if is_over { 0 } else { fan.open - waits };
        Some(ItemProgress {
            total: fan.len,
            running,
            ended: fan.len - waits - running,
            failed: fan.failed,
        })
    }

    /// Has a task stopped: its attempt, or its items.
    pub(super) fn stop_task(&mut self, task: u32, why: Why, out: &mut Vec<Command>) {
        let whole = Unit::task(task);
        let this = &mut self.tasks[task as usize];
        if this.slot.state.is_terminal() {
            return;
        }
        if core::mem::take(&mut this.is_asked) {
            self.pausing -= 1;
        }
        if self.tasks[task as usize].fan.is_some() {
            self.close(task, Closed::Stopped(why), out);
            self.settle_fan(task, out);
        } else {
            self.stop_unit(whole, why, out);
        }
    }
}

#[cfg(test)]
impl Fan {
    /// Checks every counter.
    pub(super) fn audit(&self) {
        let count =
            |is: fn(&Slot) -> bool| self.items.iter().filter(|slot| is(slot)).count() as u32;
        let unmade = if self.closed.is_some() {
            0
        } else {
            self.len - self.items.len() as u32
        };
        let open = count(|slot| !slot.state.is_terminal());
        assert_eq!(self.open, open + unmade, "open items");
        let working = count(|s| s.state == TaskState::Running || s.ticket != super::NO_TICKET);
        assert_eq!(self.working, working, "working items");
        let failed = count(|slot| slot.state.is_failure());
        assert_eq!(self.failed, failed, "failed items");
        assert!(self.working <= self.parallel);
    }
}
