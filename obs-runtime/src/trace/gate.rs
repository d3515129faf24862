//! The gate: the first thing that a call looks at.
//!
//! One byte says for the whole process whether anything records, and down to which level. While
//! nothing records, a call costs one load and one branch. `install`, `shutdown` and the captures of
//! tests set it; every call reads it, on any thread.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::Mutex;

use crate::callsite::{Level, threshold};
use crate::clock;
use crate::fork::{self, PerProcess};
use crate::lock::lock;
use crate::self_log;

/// The word that decides what a call does.
///
/// At 0 it does nothing. At [`ASK`] it asks OpenTelemetry for its parent, at [`LONG`] it keeps its
/// fields for log lines, or asks which clock to read. Any other value is the [`threshold`] of the most
/// verbose level that any scope records.
static GATE: AtomicU8 = AtomicU8::new(0);
/// The threshold while the gate says [`ASK`] or [`LONG`].
static LEVEL: AtomicU8 = AtomicU8::new(0);
static ASKS: AtomicBool = AtomicBool::new(false);
static KEEPS: AtomicBool = AtomicBool::new(false);
/// Whether the gate is open only to see whether a call comes: see [`leave_ajar`].
static IS_AJAR: AtomicBool = AtomicBool::new(false);
static LEVELS: PerProcess<Mutex<Vec<(u16, Level)>>> = PerProcess::new(Mutex::default);

/// The value at which each call asks OpenTelemetry's context for its parent.
///
/// It is below every threshold, so that programs without OpenTelemetry pay nothing for the
/// question.
pub(crate) const ASK: u8 = 1;

/// The value at which OpenTelemetry is not asked, but log lines show the fields of the functions around
/// them, or the counter of the processor, which the quick way reads, is no clock here. It is below every
/// threshold for the same reason.
pub(crate) const LONG: u8 = 2;

/// Returns whether each call of a gate begins the long way, because more is to be done than to record.
#[inline(always)]
pub(crate) const fn is_long_way(gate: u8) -> bool {
    gate <= LONG
}

#[inline(always)]
pub(crate) fn gate() -> u8 {
    if cfg!(not(any(feature = "record", test))) || !clock::EXISTS {
        return 0;
    }
    GATE.load(Ordering::Relaxed)
}

/// Returns the threshold of the most verbose level, whether the gate asks or not; 0 while nothing
/// records.
pub(crate) fn level() -> u8 {
    LEVEL.load(Ordering::Relaxed)
}

/// Sets the level of a scope, or removes the scope.
pub(crate) fn set(scope: u16, level: Option<Level>) {
    let mut levels = lock(&LEVELS);
    levels.retain(|(s, _)| *s != scope);
    levels.extend(level.map(|level| (scope, level)));
    publish(&levels);
}

/// Makes every call ask OpenTelemetry from now on.
#[cfg(feature = "opentelemetry")]
pub(crate) fn ask() {
    if !ASKS.load(Ordering::Relaxed) {
        let levels = lock(&LEVELS);
        ASKS.store(true, Ordering::Relaxed);
        if !levels.is_empty() {
            publish(&levels);
        }
    }
}

/// Makes every call keep its fields for log lines from now on.
#[cfg(feature = "tracing")]
pub(crate) fn keep_fields() {
    if !keeps_fields() {
        let levels = lock(&LEVELS);
        KEEPS.store(true, Ordering::Relaxed);
        // Without a level the gate may be ajar, and stays so.
        if !levels.is_empty() {
            publish(&levels);
        }
    }
}

/// Returns whether log lines show the fields of the functions around them.
#[cfg(feature = "tracing")]
pub(crate) fn keeps_fields() -> bool {
    KEEPS.load(Ordering::Relaxed)
}

/// Publishes the most verbose level. The caller holds the lock.
fn publish(levels: &[(u16, Level)]) {
    let most = levels.iter().map(|(_, level)| threshold(*level)).max();
    let most = most.unwrap_or(0);
    IS_AJAR.store(false, Ordering::Relaxed);
    LEVEL.store(most, Ordering::Relaxed);
    let gate = if most != 0 && ASKS.load(Ordering::Relaxed) {
        ASK
    } else {
        opened(most)
    };
    GATE.store(gate, Ordering::Relaxed);
}

/// Returns the gate's value for a threshold while OpenTelemetry is not asked.
fn opened(threshold: u8) -> u8 {
    if threshold != 0 && (KEEPS.load(Ordering::Relaxed) || !clock::is_quick()) {
        LONG
    } else {
        threshold
    }
}

/// Leaves the gate open for one more call after an end before which nothing was recorded.
///
/// `let _ = …install()` ends at once, and rustc itself proposes it. If a call comes afterwards, its
/// program meant to record; if none does, there is nothing to say.
pub(crate) fn leave_ajar() {
    let levels = lock(&LEVELS);
    if levels.is_empty() {
        IS_AJAR.store(true, Ordering::Relaxed);
        GATE.store(opened(threshold(Level::Error)), Ordering::Relaxed);
    }
}

/// Closes the gate where a call finds it open though nothing records: in a forked child that has not
/// installed obs, and after the guard was dropped too early. It says so.
///
/// The gate stays closed until the process calls `install`.
#[cold]
pub(crate) fn close() {
    if fork::is_child() {
        let levels = lock(&LEVELS);
        // A scope of the child's own, such as a test's, keeps it open.
        if levels.is_empty() && GATE.load(Ordering::Relaxed) != 0 {
            publish(&levels);
            self_log::in_child(CHILD_RECORDS_NOTHING);
        }
    } else if IS_AJAR.load(Ordering::Relaxed) {
        let levels = lock(&LEVELS);
        if IS_AJAR.swap(false, Ordering::Relaxed) {
            publish(&levels);
            self_log::once(DROPPED_TOO_EARLY.to_owned());
        }
    }
}

/// The message of a forked child that has not installed obs.
pub(crate) const CHILD_RECORDS_NOTHING: &str = "this process was forked after obs was installed, and records nothing: call `install` in the child";
/// The message of a program whose guard has ended before its first call.
const DROPPED_TOO_EARLY: &str = "the guard that `install` returns was dropped before anything was recorded, which switched obs off: \
     keep it until the end of `main`, as in `let obs = builder.install()?` (`let _ = …` drops it at once)";
