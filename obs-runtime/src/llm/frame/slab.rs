//! The places of open frames: from the number that contexts carry to the frame.
//!
//! A number outlives its frame: a task that was spawned and forgotten still carries it. A place keeps
//! the number of the frame around its last one until the place is taken again, so what comes late is
//! added to the nearest frame that is still open. Places are taken again in the order in which they
//! became free, and each turn has another number: one that is too old is noticed.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Mutex;

use super::spent::Spent;
use super::sums::Frame;
use crate::fork::PerProcess;
use crate::llm::agent::limits::Limits;
use crate::lock::lock;
use crate::self_obs;
use crate::trace::frame::FrameId;
use crate::trace::local::local;
use crate::trace::measured::Here;
use crate::trace::suppress::NOBODY;

/// The most frames that are open at once.
const MOST: usize = 1 << 16;
/// So many places stay free before one is taken again.
const REST: usize = 1 << 15;

static SLAB: PerProcess<Mutex<Slab>> = PerProcess::new(|| Mutex::new(Slab::new(MOST, REST)));

/// The places.
#[derive(Debug)]
pub(super) struct Slab {
    places: Vec<Place>,
    free: VecDeque<u16>,
    most: usize,
    rest: usize,
}

#[derive(Debug)]
struct Place {
    turn: u16,
    /// The frame around the one that is or was here.
    around: FrameId,
    frame: Option<Frame>,
    /// The frame that was here, if its agent was stopped: what goes on inside is stopped as well.
    stopped: Option<Frame>,
}

/// A frame that a number led to.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) frame: Frame,
    /// Whether the frame of the number had ended: this is one around it.
    pub(super) is_late: bool,
}

impl Slab {
    pub(super) const fn new(most: usize, rest: usize) -> Self {
        Self {
            places: Vec::new(),
            free: VecDeque::new(),
            most,
            rest,
        }
    }

    /// Opens a frame inside of another; `None` where all places are taken. Returns also what the place has kept so far,
    /// whose drop may run code of the program's, which must not meet the lock.
    pub(super) fn open(
        &mut self,
        around: FrameId,
        make: impl FnOnce(FrameId, Option<Frame>) -> Frame,
    ) -> Option<(Frame, Option<Frame>)> {
        let is_full = self.places.len() == self.most;
        let at = if is_full || self.free.len() > self.rest {
            self.free.pop_front()?
        } else {
            self.places.push(Place {
                turn: 0,
                around: FrameId::NONE,
                frame: None,
                stopped: None,
            });
            (self.places.len() - 1) as u16
        };
        let parent = self.find(around).map(|found| found.frame);
        let place = &mut self.places[usize::from(at)];
        // Number 0 is none.
        place.turn = place.turn.checked_add(1).unwrap_or(1);
        let before = place.stopped.take();
        place.around = parent.as_ref().map_or(FrameId::NONE, Frame::id);
        let frame = make(FrameId::new(at, place.turn), parent);
        place.frame = Some(frame.clone());
        Some((frame, before))
    }

    pub(super) fn close(&mut self, id: FrameId) {
        let (at, turn) = id.parts();
        let place = self.places.get_mut(usize::from(at));
        if let Some(place) = place.filter(|place| place.turn == turn)
            && let Some(frame) = place.frame.take()
        {
            place.stopped = frame.is_stopped().then_some(frame);
            self.free.push_back(at);
        }
    }

    /// Returns the frame that decides whether something may begin: as [`find`](Self::find), but for agents that were
    /// stopped and have ended.
    pub(super) fn decides(&self, id: FrameId) -> Option<Frame> {
        let (at, turn) = id.parts();
        let place = self.places.get(usize::from(at))?;
        match &place.stopped {
            Some(frame) if place.turn == turn => Some(frame.clone()),
            _ => self.find(id).map(|found| found.frame),
        }
    }

    /// Returns the frame of a number, or the nearest one around it that is still open.
    pub(super) fn find(&self, id: FrameId) -> Option<Found> {
        let mut id = id;
        let mut is_late = false;
        while id != FrameId::NONE {
            let (at, turn) = id.parts();
            let place = self.places.get(usize::from(at))?;
            if place.turn != turn {
                return None;
            }
            if let Some(frame) = &place.frame {
                return Some(Found {
                    frame: frame.clone(),
                    is_late,
                });
            }
            is_late = true;
            id = place.around;
        }
        None
    }

    #[cfg(test)]
    pub(super) fn open_count(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

/// Returns the frame of a number, or the nearest one around it that is still open.
pub(super) fn find(id: FrameId) -> Option<Found> {
    // Programs without frames take no lock.
    if id == FrameId::NONE {
        return None;
    }
    lock(&SLAB).find(id)
}

/// Returns the frame that decides whether something may begin on this thread.
pub(crate) fn decides() -> Option<Frame> {
    let id = local().frame.get();
    if id == FrameId::NONE {
        return None;
    }
    lock(&SLAB).decides(id)
}

/// Adds what was done somewhere to the frame there, and to all frames around it.
pub(crate) fn add(here: Here, spent: &Spent) {
    if here.scope == NOBODY {
        return;
    }
    match find(here.frame) {
        Some(Found { frame, is_late }) => {
            frame.add(spent);
            if is_late {
                frame.add_late();
            }
        }
        None if here.frame == FrameId::NONE => {}
        // Its frame and all around it ended long ago.
        None => self_obs::count_late(),
    }
}

/// A frame while it is open: dropping this closes it.
#[derive(Debug)]
pub(crate) struct Opened(Frame);

impl Opened {
    /// Opens a frame inside of the one that is open on this thread. `None` where all places are taken.
    pub(crate) fn new(name: Cow<'static, str>, limits: Limits) -> Option<Self> {
        let around = local().frame.get();
        let make = |id, parent| Frame::new(id, parent, name, limits);
        let opened = lock(&SLAB).open(around, make);
        opened.map(|(frame, _)| Self(frame))
    }

    /// Opens one without limits, for what is no agent.
    #[cfg(feature = "pipeline")]
    pub(crate) fn without_limits(name: Cow<'static, str>) -> Option<Self> {
        Self::new(name, Limits::new())
    }

    pub(crate) const fn frame(&self) -> &Frame {
        &self.0
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.close();
        lock(&SLAB).close(self.0.id());
    }
}

#[cfg(test)]
#[path = "slab_tests.rs"]
mod tests;
