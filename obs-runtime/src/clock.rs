//! The clock of the hot path: raw ticks, which the drain turns into time (`trace/timeline.rs`).
//!
//! Two reads of the time stamp counter are the floor of a span's cost; `Instant` costs three times
//! as much. [`init`] chooses the clock once, before the gate opens; every thread reads it from then
//! on.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Whether the time stamp counter may be used. It is decided once, before the first read.
static USE_TSC: AtomicBool = AtomicBool::new(false);
static DECIDED: OnceLock<Instant> = OnceLock::new();
/// The ticks at the moment of that decision.
static BASE: AtomicU64 = AtomicU64::new(0);

/// Chooses the clock. It is called before the gate opens; later calls change nothing.
pub(crate) fn init() {
    DECIDED.get_or_init(|| {
        USE_TSC.store(has_invariant_tsc(), Ordering::Relaxed);
        let now = Instant::now();
        BASE.store(ticks_since(now), Ordering::Relaxed);
        now
    });
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn has_invariant_tsc() -> bool {
    use core::arch::x86_64::__cpuid;
    let highest = __cpuid(0x8000_0000).eax;
    // AMD APM vol. 3, CPUID Fn8000_0007 EDX bit 8 (Intel SDM vol. 3, 18.17.1): the counter runs at
    // one rate in every power state.
    highest >= 0x8000_0007 && __cpuid(0x8000_0007).edx & (1 << 8) != 0
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn has_invariant_tsc() -> bool {
    false
}

/// Returns whether [`counter`] may be read instead of [`ticks`]. The gate asks once, when it opens.
pub(crate) fn is_quick() -> bool {
    cfg!(not(all(target_arch = "x86_64", not(miri)))) || USE_TSC.load(Ordering::Relaxed)
}

/// Returns the ticks now where [`is_quick`], without asking which clock is read.
#[inline(always)]
pub(crate) fn counter() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: this reads a counter; the instruction exists on every x86_64 processor.
    return unsafe { core::arch::x86_64::_rdtsc() };
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    nanos()
}

/// Returns the ticks now.
///
/// Only the drain knows their unit. A later read on another core may be a few dozen ticks lower.
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    if is_quick() { counter() } else { nanos() }
}

/// Returns the ticks while the clock is being chosen at `now`.
fn ticks_since(now: Instant) -> u64 {
    if USE_TSC.load(Ordering::Relaxed) {
        ticks()
    } else {
        now.elapsed().as_nanos() as u64
    }
}

/// Returns the nanoseconds since the clock was chosen, by the monotonic clock.
#[cold]
#[inline(never)]
fn nanos() -> u64 {
    let base = DECIDED.get_or_init(Instant::now);
    base.elapsed().as_nanos() as u64
}

/// What the three clocks say at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) ticks: u64,
    /// Nanoseconds by the monotonic clock, which nobody sets. It gives the rate of the ticks.
    pub(crate) steady: u64,
    /// Nanoseconds since 1970 by the system clock, which may be set at any time; at most what fits
    /// an `i64`, which is a moment in 2262.
    pub(crate) unix: u64,
}

/// Reads the clocks: the closest of a few bracketed readings.
pub(crate) fn reading() -> Reading {
    let attempt = |_| {
        let before = ticks();
        let (steady, unix) = (nanos(), unix_nanos().min(i64::MAX as u64));
        let width = ticks().saturating_sub(before);
        let ticks = before + width / 2;
        let reading = Reading {
            ticks,
            steady,
            unix,
        };
        (width, reading)
    };
    let first = attempt(0);
    let closer = |a: (u64, Reading), b: (u64, Reading)| if b.0 < a.0 { b } else { a };
    (1..5).map(attempt).fold(first, closer).1
}

/// Nanoseconds per tick as the drain last measured it, as the bits of an `f64`.
static RATE: AtomicU64 = AtomicU64::new(0);

pub(crate) fn publish_rate(nanos_per_tick: f64) {
    RATE.store(nanos_per_tick.to_bits(), Ordering::Relaxed);
}

/// Returns the nanoseconds per tick: the last rate that the drain measured, and before its first
/// pass what the time since the clock was chosen says.
fn rate() -> f64 {
    let published = f64::from_bits(RATE.load(Ordering::Relaxed));
    if published > 0.0 {
        return published;
    }
    let since = ticks().saturating_sub(BASE.load(Ordering::Relaxed));
    (nanos() as f64 / since.max(1) as f64).max(f64::MIN_POSITIVE)
}

/// Returns the ticks of a short duration.
#[cfg(feature = "opentelemetry")]
pub(crate) fn approximate_ticks(duration: Duration) -> u64 {
    (duration.as_nanos() as f64 / rate()) as u64
}

/// Returns the nanoseconds of a duration in ticks, by the last known rate.
///
/// It is for calls that find no room for a record.
pub(crate) fn approximate_nanos(ticks: u64) -> u64 {
    (ticks as f64 * rate()) as u64
}

/// Waits are no longer than this, 34 years: a moment that far away can be computed on every system.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(1 << 30);

/// Returns the moment at which a wait that begins now is over.
///
/// Adding any duration of a user to an `Instant` may overflow, which panics.
#[allow(dead_code, reason = "used by alerts and exporters, which are features")]
pub(crate) fn after(wait: Duration) -> Instant {
    Instant::now() + wait.min(LONGEST_WAIT)
}

/// Whether the target has a clock. Where it has none, std panics when it is asked for the time.
pub(crate) const EXISTS: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

/// A moment, for measurements that do not depend on recording. Without a clock all moments are
/// equal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(Option<Instant>);

impl Moment {
    pub(crate) fn now() -> Self {
        Self(EXISTS.then(Instant::now))
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().since(self)
    }

    /// A later moment, for tests of what depends on when.
    #[cfg(test)]
    pub(crate) fn plus(self, wait: Duration) -> Self {
        Self(self.0.map(|moment| moment + wait))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        match (self.0, earlier.0) {
            (Some(now), Some(earlier)) => now.saturating_duration_since(earlier),
            _ => Duration::ZERO,
        }
    }
}

/// Returns the nanoseconds since 1970; 0 without a clock.
pub(crate) fn unix_nanos() -> u64 {
    let since = EXISTS.then(|| SystemTime::now().duration_since(UNIX_EPOCH));
    let nanos = since.map_or(0, |since| since.map_or(0, |d| d.as_nanos()));
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
