//! Which traces are recorded.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::Error;

/// Decides at the root of a trace whether it is recorded. Calls are counted either way.
///
/// ```
/// use obs_runtime::Sampler;
/// // One trace in ten; calls from elsewhere follow their caller's decision.
/// let sampler = Sampler::parent_based(Sampler::ratio(0.1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Sampled if the trace id's low 63 bits are below this; `u64::MAX` is always.
    threshold: u64,
    parent_based: bool,
    /// A ratio that is none; `Builder::install` refuses it.
    refused: Option<f64>,
}

impl Sampler {
    /// Every trace.
    pub const fn always_on() -> Self {
        Self {
            threshold: u64::MAX,
            parent_based: false,
            refused: None,
        }
    }

    /// No trace.
    pub const fn always_off() -> Self {
        Self {
            threshold: 0,
            parent_based: false,
            refused: None,
        }
    }

    /// The given share of traces, by their id: the same trace gets the same decision in every
    /// process that uses this ratio (OpenTelemetry trace SDK, "TraceIdRatioBased").
    ///
    /// A number that is not between 0 and 1 is refused when the sampler is installed.
    pub fn ratio(ratio: f64) -> Self {
        let threshold = if ratio >= 1.0 {
            u64::MAX
        } else {
            (ratio * (1u64 << 63) as f64) as u64
        };
        Self {
            threshold,
            parent_based: false,
            refused: (!(0.0..=1.0).contains(&ratio)).then_some(ratio),
        }
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        match self.refused {
            None => Ok(()),
            Some(ratio) => Err(Error::config(format!(
                "sampling ratio {ratio}: expected a number from 0 (no trace) to 1 (every trace)"
            ))),
        }
    }

    /// Follows the decision of the caller in another process, and `root` where there is none.
    #[must_use]
    pub const fn parent_based(root: Self) -> Self {
        Self {
            parent_based: true,
            ..root
        }
    }

    fn decide(self, trace_lo: u64, inherited: Option<(bool, bool)>) -> bool {
        match inherited {
            // Inside one process the root decides for its whole trace.
            Some((sampled, remote)) if !remote || self.parent_based => sampled,
            _ => self.threshold == u64::MAX || trace_lo >> 1 < self.threshold,
        }
    }
}

impl Default for Sampler {
    /// `parentbased_always_on`, OpenTelemetry's default.
    fn default() -> Self {
        Self::parent_based(Self::always_on())
    }
}

/// The installed default's sampler, in words that a root reads without a lock.
static INSTALLED: AtomicBool = AtomicBool::new(false);
static THRESHOLD: AtomicU64 = AtomicU64::new(u64::MAX);
static PARENT_BASED: AtomicBool = AtomicBool::new(true);
/// Samplers of the other scopes; a handful, in tests.
static SCOPED: RwLock<Vec<(u16, Sampler)>> = RwLock::new(Vec::new());

pub(crate) fn set(scope: u16, sampler: Option<Sampler>) {
    if scope == 0 {
        if let Some(sampler) = sampler {
            THRESHOLD.store(sampler.threshold, Ordering::Relaxed);
            PARENT_BASED.store(sampler.parent_based, Ordering::Relaxed);
        }
        INSTALLED.store(sampler.is_some(), Ordering::Release);
        return;
    }
    let mut scoped = SCOPED.write().unwrap_or_else(PoisonError::into_inner);
    scoped.retain(|(s, _)| *s != scope);
    scoped.extend(sampler.map(|sampler| (scope, sampler)));
}

fn scoped(scope: u16) -> Option<Sampler> {
    let scoped = SCOPED.read().unwrap_or_else(PoisonError::into_inner);
    scoped.iter().find(|(s, _)| *s == scope).map(|(_, s)| *s)
}

/// Whether calls of the scope are taken at all.
#[inline]
pub(crate) fn scope_records(scope: u16) -> bool {
    if scope == 0 {
        INSTALLED.load(Ordering::Relaxed)
    } else {
        scoped(scope).is_some()
    }
}

/// Whether a trace is recorded. `inherited` is the decision of the parent and whether that is remote.
#[inline]
pub(crate) fn decide(scope: u16, trace_lo: u64, inherited: Option<(bool, bool)>) -> bool {
    let sampler = if scope == 0 {
        Sampler {
            threshold: THRESHOLD.load(Ordering::Relaxed),
            parent_based: PARENT_BASED.load(Ordering::Relaxed),
            refused: None,
        }
    } else {
        match scoped(scope) {
            Some(sampler) => sampler,
            None => return false,
        }
    };
    sampler.decide(trace_lo, inherited)
}

#[cfg(test)]
#[path = "sampler_tests.rs"]
mod tests;
