//! Mapped tasks whose items are made while others work: as many at a time as may begin.

use super::fan::{Closed, Fan, LOT};
use super::{Command, Driver, Made};

impl Driver {
    /// The items of a mapped task are made one after the other.
    pub(super) fn opened(&mut self, task: u32, out: &mut Vec<Command>) -> bool {
        let Some(rule) = self.takes_items(task) else {
            return false;
        };
        self.tasks[task as usize].fan = Some(Box::new(Fan::open(&rule)));
        self.release_items(task, out);
        true
    }

    /// Asks for items if a good part of those that may work at once could begin.
    pub(super) fn ask_for_items(&mut self, task: u32, out: &mut Vec<Command>) {
        let Some(fan) = &mut self.tasks[task as usize].fan else {
            return;
        };
        let room = fan.room();
        if !fan.is_open || fan.is_making || room.saturating_mul(4) < fan.parallel {
            return;
        }
        fan.is_making = true;
        self.pausing += 1;
        let most = room.min(LOT);
        out.push(Command::Make { task, most });
    }

    /// What became of the items that were asked for.
    pub(super) fn made(&mut self, task: u32, made: Made, out: &mut Vec<Command>) -> bool {
        let rule = self.plan.tasks.get(task as usize).and_then(|rule| rule.map);
        let fan = self
            .tasks
            .get_mut(task as usize)
            .and_then(|t| t.fan.as_mut());
        let Some((rule, fan)) = rule.zip(fan.filter(|fan| fan.is_making)) else {
            return false;
        };
        if made == Made::Item {
            if fan.add() > rule.max {
                self.close(task, Closed::TooMany, out);
                self.settle_fan(task, out);
            } else {
                self.release_items(task, out);
            }
            return true;
        }
        fan.is_making = false;
        fan.is_open = made == Made::Lot;
        self.pausing -= 1;
        match made {
            Made::Item | Made::Lot => self.release_items(task, out),
            Made::Broken => {
                self.close(task, Closed::Broken, out);
                self.settle_fan(task, out);
            }
            Made::All => {
                if fan.is_over_allowed(&rule) {
                    self.close(task, Closed::Failed, out);
                }
                self.settle_fan(task, out);
            }
        }
        true
    }
}
