//! The permits that limit how many attempts run at once: those of the run, and those of each limit
//! by name.
//!
//! An attempt takes all that it needs at once, or waits and holds none. Among those who can begin,
//! the one that was ready first does. So whoever waits for a limit by name keeps nobody else from
//! running, and nobody is passed over for ever.

use std::collections::{BTreeSet, VecDeque};

use super::event::Unit;

/// A place among those who wait: lower ones were ready earlier.
pub(super) type Ticket = u64;

#[derive(Debug)]
pub(super) struct Permits {
    /// Those of the run that are free; none if the run has no limit.
    free: Option<u32>,
    /// One for each limit by name, and last the one of attempts without.
    lanes: Vec<Lane>,
    /// The lanes whose first in line waits for nothing but a permit of the run, by its ticket.
    ready: BTreeSet<(Ticket, u32)>,
    next: Ticket,
}

#[derive(Debug)]
struct Lane {
    free: Option<u32>,
    line: VecDeque<(Ticket, Unit)>,
}

impl Lane {
    fn head(&self) -> Option<Ticket> {
        if self.free == Some(0) {
            return None;
        }
        self.line.front().map(|(ticket, _)| *ticket)
    }
}

impl Permits {
    pub(super) fn new(parallel: Option<u32>, named: &[u32]) -> Self {
        let lane = |free| Lane {
            free,
            line: VecDeque::new(),
        };
        Self {
            free: parallel,
            lanes: named
                .iter()
                .map(|free| lane(Some(*free)))
                .chain([lane(None)])
                .collect(),
            ready: BTreeSet::new(),
            next: 0,
        }
    }

    /// Returns whether attempts with this limit wait for nothing.
    pub(super) fn are_endless(&self, limit: Option<u32>) -> bool {
        self.free.is_none() && limit.is_none()
    }

    /// Puts a unit at the end of the line of its limit.
    pub(super) fn line_up(&mut self, unit: Unit, limit: Option<u32>) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        self.change(limit, |lane| lane.line.push_back((ticket, unit)));
        ticket
    }

    /// Takes the permits for the one that has waited longest and can begin. `waits` says of a unit
    /// whether it still holds this place.
    pub(super) fn take(&mut self, mut waits: impl FnMut(Unit, Ticket) -> bool) -> Option<Unit> {
        while self.free != Some(0) {
            let (_, at) = self.ready.first().copied()?;
            let at = Some(at);
            let (ticket, unit) = self.change(at, |lane| lane.line.pop_front())?;
            if waits(unit, ticket) {
                self.change(at, |lane| lane.free = lane.free.map(|free| free - 1));
                self.free = self.free.map(|free| free - 1);
                return Some(unit);
            }
        }
        None
    }

    /// Gives back what an attempt has taken.
    pub(super) fn give_back(&mut self, limit: Option<u32>) {
        self.free = self.free.map(|free| free + 1);
        self.change(limit, |lane| lane.free = lane.free.map(|free| free + 1));
    }

    /// What is free, of the run and of each limit by name.
    #[cfg(test)]
    pub(super) fn free(&self) -> (Option<u32>, Vec<Option<u32>>) {
        let named = &self.lanes[..self.lanes.len() - 1];
        (self.free, named.iter().map(|lane| lane.free).collect())
    }

    /// Changes a lane, and keeps the list of those that can go on.
    fn change<R>(&mut self, limit: Option<u32>, change: impl FnOnce(&mut Lane) -> R) -> R {
        let last = self.lanes.len() as u32 - 1;
        let at = limit.unwrap_or(last).min(last);
        let lane = &mut self.lanes[at as usize];
        let before = lane.head();
        let changed = change(lane);
        let after = lane.head();
        if before != after {
            if let Some(ticket) = before {
                self.ready.remove(&(ticket, at));
            }
            if let Some(ticket) = after {
                self.ready.insert((ticket, at));
            }
        }
        changed
    }
}
