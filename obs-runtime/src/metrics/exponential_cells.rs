//! The cells of an exponential histogram: each thread keeps buckets at a scale of its own, a
//! reader brings them to one.
//!
//! A bucket lies at its index modulo [`MAX_SIZE`], so the window of buckets in use can grow in both
//! directions without anything moving. Only when it would grow beyond [`MAX_SIZE`] does the thread
//! join buckets; a sequence number tells readers that they met that.

use core::sync::atomic::{Ordering, fence};

use super::cells::{Cells, Reader};
use super::exponential::{
    ExponentialBuckets, ExponentialHistogramPoint, MAX_SCALE, MAX_SIZE, excess, index_of,
};
use super::histogram::{COUNTS, MAX, MIN, SUM, largest, raise_extremes, smallest};
use super::series::Series;

// After the sum and the extremes, as in every histogram.
const ZEROS: usize = COUNTS;
/// The sequence number, and in the low byte how much coarser than [`MAX_SCALE`] the buckets are.
const STATE: usize = COUNTS + 1;
const POSITIVE: Side = Side {
    window: COUNTS + 2,
    buckets: COUNTS + 4,
};
const NEGATIVE: Side = Side {
    window: COUNTS + 3,
    buckets: COUNTS + 4 + MAX_SIZE,
};
pub(super) const CELLS: usize = COUNTS + 4 + 2 * MAX_SIZE;

/// One step of the sequence number.
const STEP: u64 = 1 << 8;

/// How often a reader looks again while a thread joins buckets. That takes a microsecond; a thread
/// that a fork has left behind never finishes.
const MOST_LOOKS: u32 = 1_000;

/// Where the buckets of one sign lie.
#[derive(Clone, Copy)]
struct Side {
    /// The first index and the number of buckets in use; 0 while there are none.
    window: usize,
    buckets: usize,
}

impl Side {
    const fn cell(self, index: i32) -> usize {
        self.buckets + index.rem_euclid(MAX_SIZE as i32) as usize
    }

    /// Returns the first and the last index in use.
    fn window(self, cells: &Cells<'_>) -> Option<(i32, i32)> {
        let word = cells.get(self.window);
        let (first, len) = ((word >> 32) as i32, word as u32 as i32);
        (len > 0).then(|| (first, first + (len - 1)))
    }

    fn set_window(self, cells: &Cells<'_>, first: i32, last: i32) {
        let len = (last - first + 1) as u32;
        cells.set(self.window, u64::from(first as u32) << 32 | u64::from(len));
    }

    fn buckets(self, cells: &Cells<'_>) -> ExponentialBuckets {
        let Some((first, last)) = self.window(cells) else {
            return ExponentialBuckets::default();
        };
        // A reader may meet any word here while buckets are joined; it will look again.
        let last = last.min(first.saturating_add(MAX_SIZE as i32 - 1));
        ExponentialBuckets {
            offset: first,
            counts: (first..=last).map(|i| cells.get(self.cell(i))).collect(),
        }
    }

    /// Joins buckets until they are `shift` scales coarser.
    fn coarsen(self, cells: &Cells<'_>, shift: u32) {
        let Some((first, last)) = self.window(cells) else {
            return;
        };
        let mut counts = [0; MAX_SIZE];
        for index in first..=last {
            let cell = self.cell(index);
            counts[((index >> shift) - (first >> shift)) as usize] += cells.get(cell);
            cells.set(cell, 0);
        }
        let (first, last) = (first >> shift, last >> shift);
        for (index, count) in (first..=last).zip(counts) {
            cells.set(self.cell(index), count);
        }
        self.set_window(cells, first, last);
    }
}

/// Counts a finite value in the thread's own cells.
#[inline]
pub(super) fn observe(cells: &Cells<'_>, value: f64) {
    cells.add_f64(SUM, value);
    raise_extremes(cells, value);
    // What is nearer to zero than the smallest normal number has lost its precision already.
    if value.abs() < f64::MIN_POSITIVE {
        cells.add(ZEROS, 1);
        return;
    }
    let side = if value > 0.0 { POSITIVE } else { NEGATIVE };
    let magnitude = value.abs();
    let mut index = index_of(magnitude, scale(cells.get(STATE)));
    let (first, last) = match side.window(cells) {
        Some((first, last)) if (first..=last).contains(&index) => {
            cells.add(side.cell(index), 1);
            return;
        }
        Some((first, last)) => (first.min(index), last.max(index)),
        None => (index, index),
    };
    let shift = excess(first.into(), last.into());
    if shift > 0 {
        coarsen(cells, shift);
        index >>= shift;
    }
    side.set_window(cells, first >> shift, last >> shift);
    cells.add(side.cell(index), 1);
}

const fn scale(state: u64) -> i32 {
    MAX_SCALE - (state & (STEP - 1)) as i32
}

#[cold]
#[inline(never)]
fn coarsen(cells: &Cells<'_>, shift: u32) {
    let state = cells.get(STATE);
    // An odd number: buckets are being joined.
    cells.set(STATE, state + STEP);
    fence(Ordering::Release);
    for side in [POSITIVE, NEGATIVE] {
        side.coarsen(cells, shift);
    }
    fence(Ordering::Release);
    cells.set(STATE, state + 2 * STEP + u64::from(shift));
}

/// Returns whether no buckets were being joined while a reader looked at them.
const fn is_whole(before: u64, after: u64) -> bool {
    (before / STEP).is_multiple_of(2) && before == after
}

/// Reads what one thread counted.
fn read_thread(cells: &Cells<'_>, into: &ExponentialHistogramPoint) -> ExponentialHistogramPoint {
    let mut looks = 0;
    loop {
        let state = cells.get(STATE);
        fence(Ordering::Acquire);
        let mut point =
            ExponentialHistogramPoint::empty(into.labels.clone(), into.start_unix_nanos);
        point.scale = scale(state);
        point.positive = POSITIVE.buckets(cells);
        point.negative = NEGATIVE.buckets(cells);
        fence(Ordering::Acquire);
        looks += 1;
        if is_whole(state, cells.get(STATE)) || looks == MOST_LOOKS {
            point.zero_count = cells.get(ZEROS);
            point.sum = f64::from_bits(cells.get(SUM));
            point.min = smallest(cells.get(MIN));
            point.max = largest(cells.get(MAX));
            let buckets = [&point.positive, &point.negative];
            let counts = buckets.iter().flat_map(|b| &b.counts);
            point.count = point.zero_count + counts.sum::<u64>();
            return point;
        }
        if looks > 10 {
            std::thread::yield_now();
        }
    }
}

pub(super) fn read(series: &Series, reader: &Reader) -> ExponentialHistogramPoint {
    let labels = series.labels.clone();
    let mut all = ExponentialHistogramPoint::empty(labels, series.start_unix_nanos);
    for cells in reader.cells(series.slot()) {
        all.merge(&read_thread(&cells, &all));
    }
    // A value that is written right now may be an extreme without being counted yet.
    if all.count == 0 {
        (all.min, all.max) = (None, None);
    }
    all.exemplars = series.exemplars.read();
    all
}

#[cfg(test)]
#[path = "exponential_cells_tests.rs"]
mod tests;
