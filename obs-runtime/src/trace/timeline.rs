//! Converts ticks to nanoseconds and to Unix time.
//!
//! The rate of the ticks comes from the monotonic clock, so how long a call took never depends on
//! the system clock. Unix time follows the system clock: each pass of the drain adds a knot to a
//! line, which approaches small differences slowly. A step of more than [`STEP`] says that somebody
//! has set the clock, or that the machine has slept; the pass that finds it follows it at once, in
//! both directions.
//!
//! Between two steps lies a stretch. A call belongs to the stretch in which it started, with all of
//! its time. Only the drain converts, and only ticks before the newest knot: a converted time never
//! changes later, so within a stretch a child lies inside of its parent also in the export.
//!
//! While a machine sleeps, the monotonic clock stands still. Most time stamp counters do so too;
//! where one goes on, the sleep is part of the calls that ran meanwhile, but not of the rate.

use crate::clock::{self, Reading};

/// How many knots are kept; when they are reached, every other old one is dropped.
const MOST: usize = 1024;
/// How many steps are kept. What started before the oldest is taken to be of its stretch.
const MOST_STEPS: usize = 64;
/// How far a segment's slope may differ from the rate, and the rate from what it was.
const SLEW: f64 = 500e-6;
/// A larger difference between the line and the system clock is followed at once.
const STEP: f64 = 2e9;
/// The rate over this many nanoseconds is known well enough to doubt another one.
const LONG: f64 = 100e6;

/// A point of the line, which has no steps.
#[derive(Clone, Copy, Debug)]
struct Knot {
    ticks: u64,
    nanos: u64,
}

impl Knot {
    /// Returns the slope of the line to a later knot.
    fn slope(&self, to: &Self) -> Scale {
        Scale::new((to.nanos - self.nanos) as f64 / (to.ticks - self.ticks) as f64)
    }
}

/// The start of a stretch.
#[derive(Clone, Copy, Debug)]
struct Step {
    ticks: u64,
    /// What to add to the line for Unix time.
    offset: i64,
}

/// Nanoseconds per tick, as a fraction of 2^40. Whole numbers cost a third of what floating point
/// and its conversions cost.
#[derive(Clone, Copy, Debug)]
struct Scale(u64);

impl Scale {
    const POWER: u32 = 40;

    fn new(rate: f64) -> Self {
        Self((rate * (1_u64 << Self::POWER) as f64) as u64)
    }

    #[inline]
    fn nanos(self, ticks: u64) -> u64 {
        ((u128::from(ticks) * u128::from(self.0)) >> Self::POWER) as u64
    }
}

#[derive(Debug)]
pub(crate) struct Timeline {
    /// The line, with at least one knot.
    knots: Vec<Knot>,
    /// The stretches, of which there is at least one.
    steps: Vec<Step>,
    latest: Reading,
    /// The reading from which on the rate is measured.
    origin: Reading,
    /// Nanoseconds per tick; 0 before the first pass.
    pub(crate) rate: f64,
    /// The nanoseconds over which that was measured.
    base: f64,
    /// The same rate as a fraction.
    scale: Scale,
    /// The last knot but one, after which nearly every call started, its Unix time, and the slope
    /// from there on. While there is only one knot, no tick counts as after it.
    recent: Knot,
    recent_unix: u64,
    slope: Scale,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self::from(clock::reading())
    }

    fn from(now: Reading) -> Self {
        Self {
            knots: vec![Knot {
                ticks: now.ticks,
                nanos: now.unix,
            }],
            steps: vec![Step {
                ticks: 0,
                offset: 0,
            }],
            latest: now,
            origin: now,
            rate: 0.0,
            base: 0.0,
            scale: Scale(0),
            recent: Knot {
                ticks: u64::MAX,
                nanos: 0,
            },
            recent_unix: 0,
            slope: Scale(0),
        }
    }

    /// Adds a knot for now. Everything that ended before the call can then be converted.
    pub(crate) fn advance(&mut self) {
        self.push(clock::reading());
    }

    fn push(&mut self, now: Reading) {
        let Some(last) = self.knots.last().copied() else {
            return;
        };
        if now.ticks <= last.ticks {
            // Another core may be a few dozen ticks behind, but not for long.
            if now.steady > self.latest.steady + 1_000_000 {
                self.begin_again(last, now);
            }
            return;
        }
        self.measure(now);
        let offset = self.steps.last().map_or(0, |step| step.offset);
        let expected = (now.ticks - last.ticks) as f64 * self.rate;
        let target = i128::from(now.unix) - i128::from(offset);
        let ahead = (target - i128::from(last.nanos)) as f64;
        let is_step = (ahead - expected).abs() > STEP;
        let moved = if is_step {
            expected
        } else {
            ahead.clamp(expected * (1.0 - SLEW), expected * (1.0 + SLEW))
        };
        let knot = Knot {
            ticks: now.ticks,
            nanos: last.nanos + moved as u64,
        };
        if is_step {
            self.follow(knot, now.unix);
        }
        self.thin();
        self.knots.push(knot);
        self.latest = now;
        self.recent = last;
        self.recent_unix = last.nanos.saturating_add_signed(offset);
        self.slope = last.slope(&knot);
    }

    /// Measures the rate since the origin.
    fn measure(&mut self, now: Reading) {
        let since = now.steady.saturating_sub(self.origin.steady) as f64;
        let measured = since / (now.ticks - self.origin.ticks) as f64;
        // A short time says less than the longer one that the rate is from.
        if since < self.base.min(LONG) || since == 0.0 && self.rate > 0.0 {
            return;
        }
        if self.base > LONG && (measured / self.rate - 1.0).abs() > SLEW {
            // One of the two clocks stood still while the machine slept, or the machine is another
            // one now. The next pass but one knows.
            self.origin = now;
            self.base = LONG;
            return;
        }
        self.rate = measured.max(f64::MIN_POSITIVE);
        self.base = since;
        self.scale = Scale::new(self.rate);
    }

    /// Begins a stretch at a knot, which is at a Unix time.
    fn follow(&mut self, at: Knot, unix: u64) {
        let offset = i128::from(unix) - i128::from(at.nanos);
        if self.steps.len() == MOST_STEPS {
            self.steps.remove(0);
        }
        self.steps.push(Step {
            ticks: at.ticks,
            offset: i64::try_from(offset).unwrap_or(0),
        });
    }

    /// Begins the line again, because the ticks did: the counter was reset while the machine slept.
    /// Calls from before that end now.
    fn begin_again(&mut self, last: Knot, now: Reading) {
        let knot = Knot {
            ticks: now.ticks,
            nanos: last.nanos + (now.steady - self.latest.steady),
        };
        let rate = (self.rate, self.base.min(LONG), self.scale);
        *self = Self::from(now);
        (self.rate, self.base, self.scale) = rate;
        self.knots = vec![knot];
        self.steps.clear();
        self.follow(Knot { ticks: 0, ..knot }, now.unix);
    }

    /// Makes room for a knot.
    fn thin(&mut self) {
        if self.knots.len() == MOST {
            let mut index = 0;
            self.knots.retain(|_| {
                index += 1;
                index % 2 == 1 || index > MOST / 2
            });
        }
    }

    /// Returns the Unix nanoseconds of a call's start and end, in ticks.
    #[inline]
    pub(crate) fn unix_nanos(&self, start: u64, end: u64) -> (u64, u64) {
        // The end may have been read on a core that is a few ticks behind.
        let end = end.max(start);
        if start >= self.recent.ticks {
            let unix = |ticks| self.recent_unix + self.slope.nanos(ticks - self.recent.ticks);
            (unix(start), unix(end))
        } else {
            self.earlier(start, end)
        }
    }

    #[cold]
    fn earlier(&self, start: u64, end: u64) -> (u64, u64) {
        let of_start = self.steps.partition_point(|step| step.ticks <= start);
        let stretch = self.steps.get(of_start.saturating_sub(1));
        let offset = stretch.map_or(0, |step| step.offset);
        let unix = |ticks| self.on_line(ticks).saturating_add_signed(offset);
        (unix(start), unix(end))
    }

    /// Returns where the line is at these ticks.
    fn on_line(&self, ticks: u64) -> u64 {
        if ticks >= self.recent.ticks {
            return self.recent.nanos + self.slope.nanos(ticks - self.recent.ticks);
        }
        let after = self.knots.partition_point(|k| k.ticks <= ticks);
        let at = after.saturating_sub(1);
        let Some(a) = self.knots.get(at) else {
            return 0;
        };
        let Some(b) = self.knots.get(at + 1) else {
            // There is one knot only: all that ended did so before it.
            return a.nanos - self.scale.nanos(a.ticks.saturating_sub(ticks)).min(a.nanos);
        };
        let slope = a.slope(b);
        if ticks >= a.ticks {
            a.nanos + slope.nanos(ticks - a.ticks)
        } else {
            // The tick is before the first knot: the call began before obs was installed.
            a.nanos.saturating_sub(slope.nanos(a.ticks - ticks))
        }
    }

    /// Returns the nanoseconds of a difference of ticks.
    #[inline]
    pub(crate) fn nanos_of(&self, ticks: u64) -> u64 {
        self.scale.nanos(ticks)
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
