//! Exemplars: examples of an instrument's values with the span that they were measured in.
//!
//! Only values inside a sampled span are examples (OpenTelemetry metrics SDK, "Exemplar", filter
//! `trace_based`). Of a bucket the first value after each collection is kept: every later one finds
//! that by two loads, so that examples cost nothing worth naming however many values there are.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use super::snapshot::Exemplar;
use crate::clock::unix_nanos;
use crate::inside::Inside;
use crate::lock::lock;
use crate::trace::local::{flag, local};

/// The number of the next collection.
static ROUND: AtomicU64 = AtomicU64::new(1);

/// Whether examples are kept at all.
static ENABLED: AtomicBool = AtomicBool::new(true);

/// Lets every bucket want an example again from now on.
pub(super) fn next_round() {
    ROUND.fetch_add(1, Ordering::Relaxed);
}

/// Sets whether examples are kept: not if `OTEL_METRICS_EXEMPLAR_FILTER` is `always_off`.
pub(crate) fn enable(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// Returns whether anybody wants to see them.
pub(super) fn is_enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// Returns whether a value that is measured now has a span to name.
#[inline]
pub(super) fn is_wanted() -> bool {
    local().flags.get() & flag::SAMPLED != 0
}

#[derive(Debug, Default)]
struct Place {
    /// The round that the example is of.
    round: AtomicU64,
    example: Mutex<Option<Exemplar>>,
}

impl Place {
    fn read(&self) -> Option<Exemplar> {
        lock(&self.example).clone()
    }
}

/// The examples of one series; no memory before the first.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    places: OnceLock<Box<[Place]>>,
}

impl Exemplars {
    /// Keeps a value that was measured in the entered span, if its place has no example yet.
    #[inline(never)]
    pub(super) fn offer(&self, places: usize, at: usize, value: f64) {
        let all = match self.places.get() {
            Some(all) => all,
            None if !is_enabled() => return,
            None => {
                // A value that an allocator measures while the places are made is no example.
                let Some(_inside) = Inside::first() else {
                    return;
                };
                let fresh = || (0..places).map(|_| Place::default()).collect();
                self.places.get_or_init(fresh)
            }
        };
        let Some(place) = all.get(at) else {
            return;
        };
        let round = ROUND.load(Ordering::Relaxed);
        if place.round.load(Ordering::Relaxed) == round || !is_enabled() {
            return;
        }
        // Where two threads meet, one example is enough.
        let (Some(span), Ok(mut example)) = (local().context(), place.example.try_lock()) else {
            return;
        };
        place.round.store(round, Ordering::Relaxed);
        *example = Some(Exemplar {
            value,
            unix_nanos: unix_nanos(),
            trace_id: span.trace_id,
            span_id: span.span_id,
        });
    }

    /// Returns the last example of the first place.
    pub(super) fn first(&self) -> Option<Box<Exemplar>> {
        let place = self.places.get()?.first()?;
        place.read().map(Box::new)
    }

    /// Returns the last example of each place that has one.
    pub(super) fn read(&self) -> Vec<Exemplar> {
        let places = self.places.get().into_iter().flatten();
        places.filter_map(Place::read).collect()
    }
}

#[cfg(test)]
#[path = "exemplar_tests.rs"]
mod tests;
