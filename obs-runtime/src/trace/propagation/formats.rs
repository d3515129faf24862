//! Which headers are read and written (OpenTelemetry specification, "Environment Variable Specification",
//! `OTEL_PROPAGATORS`).

use core::sync::atomic::{AtomicU8, Ordering};

const TRACE_CONTEXT: u8 = 1;
const BAGGAGE: u8 = 2;

/// Those of the process.
static CHOSEN: AtomicU8 = AtomicU8::new(TRACE_CONTEXT | BAGGAGE);

/// The headers that are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Formats(u8);

impl Default for Formats {
    fn default() -> Self {
        Self(TRACE_CONTEXT | BAGGAGE)
    }
}

impl Formats {
    /// Reads the variable's list, and a sentence on what of it is not known.
    pub(crate) fn parse(list: &str) -> (Self, Option<String>) {
        let mut formats = 0;
        let mut unknown = Vec::new();
        let names = list.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            match name {
                "tracecontext" => formats |= TRACE_CONTEXT,
                "baggage" => formats |= BAGGAGE,
                "none" => {}
                _ => unknown.push(name),
            }
        }
        let problem = (!unknown.is_empty()).then(|| {
            let unknown = unknown.join(", ");
            format!(
                "OTEL_PROPAGATORS={list}: obs has no {unknown}; expected a list of tracecontext and baggage, or none. What \
                 is known of it is used; other formats can be wrapped (obs_runtime::opentelemetry::Propagator::wrap)"
            )
        });
        (Self(formats), problem)
    }

    /// Those of the process.
    pub(crate) fn chosen() -> Self {
        Self(CHOSEN.load(Ordering::Relaxed))
    }

    /// Makes these those of the process.
    pub(crate) fn choose(self) {
        CHOSEN.store(self.0, Ordering::Relaxed);
    }

    /// `traceparent` and `tracestate`
    pub(crate) const fn trace_context(self) -> bool {
        self.0 & TRACE_CONTEXT != 0
    }

    /// `baggage`
    pub(crate) const fn baggage(self) -> bool {
        self.0 & BAGGAGE != 0
    }
}

#[cfg(test)]
#[path = "formats_tests.rs"]
mod tests;
