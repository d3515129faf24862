//! What the driver counts, held against what it counts: for tests.

use super::*;

impl Driver {
    /// All slots, with whether attempts are made of them: of a mapped task as a whole none are.
    fn slots(&self) -> impl Iterator<Item = (Unit, &Slot, bool)> {
        self.tasks.iter().enumerate().flat_map(|(at, task)| {
            let at = at as u32;
            let whole = Unit::task(at);
            let items = task.fan.as_ref().map_or(&[][..], |fan| &fan.items);
            let items = items.iter().enumerate();
            let items = items.map(move |(item, slot)| (Unit::item(at, item as u32), slot, true));
            let is_made = self.rule(at).map.is_none();
            core::iter::once((whole, &task.slot, is_made)).chain(items)
        })
    }

    /// The attempts that run.
    pub(crate) fn running_attempts(&self) -> Vec<(Unit, u32)> {
        let running = self
            .slots()
            .filter(|(_, slot, is_made)| *is_made && slot.state == TaskState::Running);
        running
            .map(|(unit, slot, _)| (unit, slot.attempts))
            .collect()
    }

    /// The work that nobody waits for.
    pub(crate) fn left_attempts(&self) -> Vec<(Unit, u32)> {
        self.left.iter().map(|l| (l.unit, l.attempt)).collect()
    }

    /// Checks every counter.
    ///
    /// # Panics
    /// Panics when one is wrong.
    pub(crate) fn audit(&self) {
        let running = self.running_attempts();
        assert_eq!(self.running, running.len(), "running");
        let queued = self.slots().filter(|(_, slot, _)| slot.ticket != NO_TICKET);
        assert_eq!(self.queued, queued.count(), "queued");
        let retrying = self.slots().filter(|(_, slot, is_made)| {
            assert!(*is_made || slot.state != TaskState::Retrying);
            slot.state == TaskState::Retrying
        });
        let asked = self.tasks.iter().filter(|task| task.is_asked);
        let fans = || self.tasks.iter().filter_map(|t| t.fan.as_ref());
        let making = fans().filter(|fan| fan.is_making);
        let pausing = retrying.count() + asked.count() + making.count();
        assert_eq!(self.pausing, pausing, "pausing");
        let open = |task: &&Task| !task.slot.state.is_terminal();
        assert_eq!(
            self.unended,
            self.tasks.iter().filter(open).count(),
            "unended"
        );
        fans().for_each(|fan| fan.audit());
        let left = self.left_attempts();
        let taken = running.iter().chain(&left);
        let taken: Vec<Option<u32>> = taken.map(|(unit, _)| self.rule(unit.task).limit).collect();
        let (free, named) = self.permits.free();
        let whole = free.map(|free| free + taken.len() as u32);
        assert_eq!(whole, self.limits.parallel, "permits of the run");
        for (at, limit) in self.limits.named.iter().enumerate() {
            let of_it = taken.iter().filter(|limit| **limit == Some(at as u32));
            let whole = named[at].map(|free| free + of_it.count() as u32);
            assert_eq!(whole, Some(*limit), "permits of the limit {at}");
        }
    }
}
