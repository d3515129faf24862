//! The cells that instruments count in: each thread has its own, and a reader adds them up.
//!
//! A thread's cells form a [`Lane`]. Only its thread writes a lane, so an update is a plain load,
//! an addition and a store: no locked instruction, and no cache line that threads pull from each
//! other. All instruments of all collectors share the lanes; a [`Slot`] names a series' cells, at
//! the same place in every lane. When a thread ends, the next new thread carries on with its
//! lane: what was counted stays, and there are only as many lanes as threads at one time.

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock};

use crate::fork::{self, PerProcess};
use crate::inside::Inside;
use crate::lock::lock;
use crate::self_obs;

/// Cells of a page (8 KiB); a series' cells lie within one page.
pub(super) const PAGE: usize = 1024;
/// Pages of a lane: a million cells, 8 MiB for a thread that uses all of them.
const PAGES: usize = 1024;

#[repr(align(128))]
struct Page([AtomicU64; PAGE]);

/// The cells of one thread; pages appear when the thread first writes to them.
struct Lane {
    pages: [OnceLock<Box<Page>>; PAGES],
}

impl Lane {
    fn new() -> &'static Self {
        // Lanes live as long as the program: `reset` and readers reach them at any time.
        Box::leak(Box::new(Self {
            pages: [const { OnceLock::new() }; PAGES],
        }))
    }

    fn page(&self, slot: Slot) -> &Page {
        let page = &self.pages[slot.page()];
        page.get_or_init(|| Box::new(Page([const { AtomicU64::new(0) }; PAGE])))
    }
}

/// The place of a series' cells in every lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    first: u32,
}

impl Slot {
    /// The cells of series that nobody collects: whatever is written there is lost.
    pub(super) const NOWHERE: Self = Self { first: 0 };

    #[inline]
    const fn page(self) -> usize {
        self.first as usize / PAGE % PAGES
    }

    #[inline]
    const fn offset(self) -> usize {
        self.first as usize % PAGE
    }
}

/// A series' cells in one lane.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    page: &'a [AtomicU64; PAGE],
    offset: usize,
}

impl<'a> Cells<'a> {
    #[inline]
    fn of(page: &'a Page, slot: Slot) -> Self {
        Self {
            page: &page.0,
            offset: slot.offset(),
        }
    }
}

impl Cells<'_> {
    #[inline]
    fn cell(&self, index: usize) -> &AtomicU64 {
        &self.page[(self.offset + index) % PAGE]
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u64 {
        self.cell(index).load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn set(&self, index: usize, value: u64) {
        self.cell(index).store(value, Ordering::Relaxed);
    }

    /// Adds whole numbers; negative ones as their two's complement.
    #[inline]
    pub(super) fn add(&self, index: usize, amount: u64) {
        self.set(index, self.get(index).wrapping_add(amount));
    }

    #[inline]
    pub(super) fn add_f64(&self, index: usize, amount: f64) {
        self.set(index, (f64::from_bits(self.get(index)) + amount).to_bits());
    }

    /// Keeps the larger of the two.
    #[inline]
    pub(super) fn raise(&self, index: usize, value: u64) {
        if value > self.get(index) {
            self.set(index, value);
        }
    }
}

thread_local! {
    /// The thread's lane. Without a destructor, so that reading it is one load.
    static LANE: Cell<Option<&'static Lane>> = const { Cell::new(None) };
    /// Gives the lane to the next thread when this one ends.
    static LEASE: Lease = const { Lease(Cell::new(None)) };
}

struct Lease(Cell<Option<&'static Lane>>);

impl Drop for Lease {
    fn drop(&mut self) {
        let _inside = Inside::enter();
        LANE.set(None);
        if let Some(lane) = self.0.take() {
            space().idle.push(lane);
        }
    }
}

/// Runs `update` on the thread's own cells of a series.
#[inline]
pub(super) fn update(slot: Slot, update: impl FnOnce(Cells<'_>)) {
    if let Some(lane) = LANE.get()
        && let Some(page) = lane.pages[slot.page()].get()
    {
        update(Cells::of(page, slot));
    } else {
        update_first(slot, update);
    }
}

/// Updates at the thread's first use of the page, or at a use while the thread is ending.
#[cold]
#[inline(never)]
fn update_first(slot: Slot, update: impl FnOnce(Cells<'_>)) {
    /// Shared by threads whose lane is given back already; whoever writes holds the lock.
    static ORPHANS: PerProcess<Mutex<Option<&'static Lane>>> = PerProcess::new(Mutex::default);

    let Some(_inside) = Inside::first() else {
        // What goes nowhere was counted when its handle was asked for.
        if slot != Slot::NOWHERE {
            self_obs::count_reentrant_value();
        }
        return;
    };
    let write = |lane: &'static Lane| update(Cells::of(lane.page(slot), slot));
    if let Ok(lane) = LEASE.try_with(lease_lane) {
        write(lane);
    } else {
        let mut orphans = lock(&ORPHANS);
        write(orphans.get_or_insert_with(lane));
    }
}

fn lease_lane(lease: &Lease) -> &'static Lane {
    if let Some(lane) = lease.0.get() {
        return lane;
    }
    let lane = lane();
    lease.0.set(Some(lane));
    LANE.set(Some(lane));
    lane
}

/// Returns a lane that nobody writes.
fn lane() -> &'static Lane {
    let idle = space().idle.pop();
    idle.unwrap_or_else(|| {
        // Not under the lock, which every new thread and every collection takes.
        let lane = Lane::new();
        space().lanes.push(lane);
        lane
    })
}

/// Which cells are in use, and by which lanes.
#[derive(Default)]
struct Space {
    lanes: Vec<&'static Lane>,
    /// Lanes of ended threads.
    idle: Vec<&'static Lane>,
    /// Returned cells, by their number.
    free: BTreeMap<usize, Vec<Slot>>,
}

/// The first cell that was never used; changed with the lock of the space held. The first page is
/// for what nobody collects. A forked child goes on where its parent was, so that a handle of the
/// parent's that is used there counts into no series of the child.
static FRESH: AtomicUsize = AtomicUsize::new(PAGE);

fn space() -> MutexGuard<'static, Space> {
    static SPACE: PerProcess<Mutex<Space>> = PerProcess::new(|| {
        fork::in_child(leave_lane);
        Mutex::default()
    });
    lock(&SPACE)
}

/// Leaves the thread's lane in a forked child, because it holds what the parent counted.
fn leave_lane() {
    LANE.set(None);
    let _ = LEASE.try_with(|lease| lease.0.set(None));
}

/// The cells of one series, returned when dropped. They start at zero.
#[derive(Debug)]
pub(super) struct Allocation {
    slot: Slot,
    len: u32,
}

impl Allocation {
    /// Cells for a series that nobody collects, when no others are left: whatever is written there
    /// is lost.
    pub(super) const NOWHERE: Self = Self {
        slot: Slot::NOWHERE,
        len: 0,
    };

    /// Takes cells; `None` when all are in use. `len` is at most [`PAGE`].
    pub(super) fn new(len: usize) -> Option<Self> {
        let _inside = Inside::enter();
        let mut space = space();
        let made = |slot| Self {
            slot,
            len: len as u32,
        };
        if let Some(slot) = space.free.get_mut(&len).and_then(Vec::pop) {
            return Some(made(slot));
        }
        let mut first = FRESH.load(Ordering::Relaxed);
        if first % PAGE + len > PAGE {
            first = first.next_multiple_of(PAGE);
        }
        if first + len > PAGE * PAGES {
            return None;
        }
        FRESH.store(first + len, Ordering::Relaxed);
        Some(made(Slot {
            first: first as u32,
        }))
    }

    pub(super) fn slot(&self) -> Slot {
        self.slot
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.len == 0 {
            return;
        }
        let _inside = Inside::enter();
        // Nobody holds the series any more, so no thread writes these cells; the drop of the
        // last reference ordered their writes before this.
        let mut space = space();
        for cells in cells_in(&space.lanes, self.slot) {
            for index in 0..self.len as usize {
                cells.set(index, 0);
            }
        }
        space
            .free
            .entry(self.len as usize)
            .or_default()
            .push(self.slot);
    }
}

fn cells_in<'a>(
    lanes: &'a [&'static Lane],
    slot: Slot,
) -> impl Iterator<Item = Cells<'static>> + 'a {
    let pages = lanes
        .iter()
        .filter_map(move |lane| lane.pages[slot.page()].get());
    pages.map(move |page| Cells::of(page, slot))
}

/// The lanes at one moment, for reading many series.
pub(super) struct Reader(Vec<&'static Lane>);

impl Reader {
    pub(super) fn new() -> Self {
        let _inside = Inside::enter();
        Self(space().lanes.clone())
    }

    /// Returns the cells of a series in every lane that has some.
    pub(super) fn cells(&self, slot: Slot) -> impl Iterator<Item = Cells<'static>> + '_ {
        cells_in(&self.0, slot)
    }
}

#[cfg(test)]
#[path = "cells_tests.rs"]
mod tests;
