//! Converts ticks to Unix time, along a line through knots, one for each pass of the drain.
//!
//! Only the drain uses it, and only for ticks before the newest knot: a converted time never
//! changes later, so a child that started after its parent also does so in the export.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::clock;

/// How many knots are kept; when they are reached, every other old one is dropped.
const MOST: usize = 1024;
/// How far a segment's rate may differ from the measured one: a step of the system clock is
/// approached at this rate, never jumped.
const SLEW: f64 = 500e-6;
/// A jump beyond this, forwards, is followed at once (a machine that slept).
const STEP_NANOS: i64 = 10_000_000_000;

#[derive(Clone, Copy, Debug)]
struct Knot {
    ticks: u64,
    nanos: u64,
}

/// Nanoseconds per tick as a fraction of whole numbers. It costs a third of what floating point and
/// its conversions cost.
#[derive(Clone, Copy, Debug)]
struct Scale {
    times: u64,
    /// The divisor, as a power of two.
    power: u32,
}

impl Scale {
    const ZERO: Self = Self { times: 0, power: 0 };

    fn new(rate: f64) -> Self {
        // While a machine slept, and its counter stood still, a tick took minutes.
        let power = if rate < 1e6 { 40 } else { 0 };
        Self {
            times: (rate * (1_u64 << power) as f64) as u64,
            power,
        }
    }

    #[inline]
    fn nanos(self, ticks: u64) -> u64 {
        ((u128::from(ticks) * u128::from(self.times)) >> self.power) as u64
    }
}

#[derive(Debug)]
pub(crate) struct Timeline {
    knots: Vec<Knot>,
    /// The first reading, for the rate over the longest base line.
    origin: Knot,
    /// Nanoseconds per tick.
    pub(crate) rate: f64,
    /// The same rate as a fraction.
    scale: Scale,
    /// The last knot but one, after which nearly every call ended, and the line from there on.
    /// While there is only one knot, no tick counts as after it.
    recent: Knot,
    slope: Scale,
}

impl Knot {
    /// Returns the slope of the line to a later knot.
    fn slope(&self, to: &Self) -> Scale {
        Scale::new((to.nanos - self.nanos) as f64 / (to.ticks - self.ticks) as f64)
    }
}

/// Reads ticks and Unix time at the same moment: the closest of a few bracketed readings.
fn reading() -> Knot {
    let mut best = (u64::MAX, 0, 0);
    for _ in 0..5 {
        let before = clock::ticks();
        let now = SystemTime::now();
        let after = clock::ticks();
        let width = after.saturating_sub(before);
        if width < best.0 {
            let nanos = now
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| d.as_nanos() as u64);
            best = (width, before + width / 2, nanos);
        }
    }
    Knot {
        ticks: best.1,
        nanos: best.2,
    }
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self::from(reading())
    }

    fn from(origin: Knot) -> Self {
        Self {
            knots: vec![origin],
            origin,
            rate: 0.0,
            scale: Scale::ZERO,
            recent: Knot {
                ticks: u64::MAX,
                nanos: 0,
            },
            slope: Scale::ZERO,
        }
    }

    /// Adds a knot for now. Everything that ended before the call can then be converted.
    pub(crate) fn advance(&mut self) {
        self.push(reading());
    }

    fn push(&mut self, now: Knot) {
        let Some(last) = self.knots.last().copied() else {
            return;
        };
        if now.ticks <= last.ticks {
            return;
        }
        let since_origin = now.ticks.saturating_sub(self.origin.ticks) as f64;
        let measured = now.nanos.saturating_sub(self.origin.nanos) as f64 / since_origin;
        let span = (now.ticks - last.ticks) as f64;
        let ahead = now.nanos as i64 - last.nanos as i64;
        let nanos = if self.rate == 0.0 {
            // The second reading fixes the rate; a clock that was set back meanwhile stands still.
            self.rate = measured.max(f64::MIN_POSITIVE);
            now.nanos.max(last.nanos + 1)
        } else {
            let expected = span * self.rate;
            if ahead as f64 - expected > STEP_NANOS as f64 {
                self.origin = now;
                now.nanos
            } else {
                let (slow, fast) = (expected * (1.0 - SLEW), expected * (1.0 + SLEW));
                // A system clock that was stepped says nothing about the rate.
                if (measured / self.rate - 1.0).abs() < SLEW {
                    self.rate = measured;
                }
                last.nanos + (ahead as f64).clamp(slow, fast) as u64
            }
        };
        if self.knots.len() == MOST {
            let recent = MOST / 2;
            let mut index = 0;
            self.knots.retain(|_| {
                index += 1;
                index % 2 == 1 || index > recent
            });
        }
        let now = Knot {
            ticks: now.ticks,
            nanos,
        };
        self.knots.push(now);
        self.scale = Scale::new(self.rate);
        self.recent = last;
        self.slope = last.slope(&now);
    }

    /// Returns the Unix nanoseconds of `ticks`.
    #[inline]
    pub(crate) fn unix_nanos(&self, ticks: u64) -> u64 {
        if ticks >= self.recent.ticks {
            self.recent.nanos + self.slope.nanos(ticks - self.recent.ticks)
        } else {
            self.earlier(ticks)
        }
    }

    #[cold]
    fn earlier(&self, ticks: u64) -> u64 {
        let at = self
            .knots
            .partition_point(|k| k.ticks <= ticks)
            .saturating_sub(1);
        let Some(a) = self.knots.get(at) else {
            return 0;
        };
        let Some(b) = self.knots.get(at + 1) else {
            return a.nanos;
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
