//! Ticks to Unix time: a line through knots, one for each pass of the drain.
//!
//! Only the drain reads it, and only for ticks that lie before the newest knot: what was once
//! converted never moves, so a child that started after its parent does so in the export as well.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::trace::clock;

/// Knots kept; when they are reached, every other old one is dropped.
const MOST: usize = 1024;
/// How far a segment's rate may differ from the measured one: a step of the system clock is
/// slewed, never jumped.
const SLEW: f64 = 500e-6;
/// A jump beyond this, forwards, is followed at once (a machine that slept).
const STEP_NANOS: i64 = 10_000_000_000;

#[derive(Clone, Copy, Debug)]
struct Knot {
    ticks: u64,
    nanos: u64,
}

#[derive(Debug)]
pub(crate) struct Timeline {
    knots: Vec<Knot>,
    /// The first reading, for the rate over the longest base line.
    origin: Knot,
    /// Nanoseconds per tick.
    rate: f64,
}

/// Ticks and Unix time at the same moment: the closest of a few bracketed readings.
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
        let origin = reading();
        Self {
            knots: vec![origin],
            origin,
            rate: 0.0,
        }
    }

    /// Adds the knot of this moment: everything that ended before the call can be converted.
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
            // The second reading fixes the rate; a clock set back meanwhile stands still.
            self.rate = measured.max(f64::MIN_POSITIVE);
            now.nanos.max(last.nanos + 1)
        } else {
            let expected = span * self.rate;
            if ahead as f64 - expected > STEP_NANOS as f64 {
                self.origin = now;
                now.nanos
            } else {
                let (slow, fast) = (expected * (1.0 - SLEW), expected * (1.0 + SLEW));
                // A system clock that was stepped says nothing of the rate.
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
        self.knots.push(Knot {
            ticks: now.ticks,
            nanos,
        });
    }

    /// Unix nanoseconds of `ticks`.
    #[inline]
    pub(crate) fn unix_nanos(&self, ticks: u64) -> u64 {
        let n = self.knots.len();
        // Nearly everything lies between the last two knots.
        let at = if n >= 2 && ticks >= self.knots[n - 2].ticks {
            n - 2
        } else {
            self.knots
                .partition_point(|k| k.ticks <= ticks)
                .saturating_sub(1)
                .min(n.saturating_sub(2))
        };
        let Some(a) = self.knots.get(at) else {
            return 0;
        };
        let Some(b) = self.knots.get(at + 1) else {
            return a.nanos;
        };
        let slope = (b.nanos - a.nanos) as f64 / (b.ticks - a.ticks) as f64;
        if ticks >= a.ticks {
            a.nanos + ((ticks - a.ticks) as f64 * slope) as u64
        } else {
            // Before the first knot: a call that began before obs was installed.
            a.nanos
                .saturating_sub(((a.ticks - ticks) as f64 * slope) as u64)
        }
    }

    /// Nanoseconds per tick.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// Nanoseconds of a difference of ticks.
    #[inline]
    pub(crate) fn nanos_of(&self, ticks: u64) -> u64 {
        (ticks as f64 * self.rate) as u64
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
