//! The formats of headers that are read and written, as `OTEL_PROPAGATORS` names them.
//!
//! The choice holds for the whole process (OpenTelemetry specification, "Environment Variable
//! Specification").

use core::sync::atomic::{AtomicU8, Ordering};

const TRACE_CONTEXT: u8 = 1;
const BAGGAGE: u8 = 2;
const B3: u8 = 4;
const B3_MULTI: u8 = 8;
/// B3 was named after `tracecontext`, so B3's caller counts where both name one.
const B3_LAST: u8 = 16;

const EXPECTED: &str = "a list of tracecontext, baggage, b3 and b3multi, or none";

/// The formats of the process.
static CHOSEN: AtomicU8 = AtomicU8::new(TRACE_CONTEXT | BAGGAGE);

/// The formats of headers that are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Formats(u8);

impl Default for Formats {
    fn default() -> Self {
        Self(TRACE_CONTEXT | BAGGAGE)
    }
}

impl Formats {
    /// Parses the variable's list, and returns a sentence about the names in it that are not known.
    pub(crate) fn parse(list: &str) -> (Self, Option<String>) {
        let mut formats = 0;
        let mut unknown = Vec::new();
        let names = list.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            match name {
                "tracecontext" => formats = (formats | TRACE_CONTEXT) & !B3_LAST,
                "baggage" => formats |= BAGGAGE,
                "b3" => formats |= B3 | B3_LAST,
                "b3multi" => formats |= B3_MULTI | B3_LAST,
                "none" => {}
                _ => unknown.push(name),
            }
        }
        let problem = (!unknown.is_empty()).then(|| {
            let advice = match unknown[..] {
                ["jaeger"] => "Jaeger reads tracecontext: use that",
                ["xray"] => {
                    "AWS X-Ray reads tracecontext: use that, or wrap the propagator of opentelemetry-aws \
                     (obs_runtime::interop::opentelemetry::Propagator::wrap)"
                }
                ["ottrace"] => "OpenTracing's format is deprecated: use tracecontext or b3multi",
                _ => {
                    "other formats can be wrapped (obs_runtime::interop::opentelemetry::Propagator::wrap)"
                }
            };
            let unknown = unknown.join(", ");
            format!(
                "OTEL_PROPAGATORS={list}: {unknown} is not supported; expected {EXPECTED}. What is known of it is used; \
                 {advice}"
            )
        });
        (Self(formats), problem)
    }

    /// Returns the formats of the process.
    pub(crate) fn chosen() -> Self {
        Self(CHOSEN.load(Ordering::Relaxed))
    }

    /// Makes these the formats of the process.
    pub(crate) fn choose(self) {
        CHOSEN.store(self.0, Ordering::Relaxed);
    }

    /// Returns whether `traceparent` and `tracestate` are used.
    pub(crate) const fn trace_context(self) -> bool {
        self.0 & TRACE_CONTEXT != 0
    }

    /// Returns whether `b3` is used.
    pub(crate) const fn b3(self) -> bool {
        self.0 & B3 != 0
    }

    /// Returns whether `X-B3-TraceId` and the like are used.
    pub(crate) const fn b3_multi(self) -> bool {
        self.0 & B3_MULTI != 0
    }

    /// Returns whether the caller named by B3 counts where `traceparent` names another one.
    pub(crate) const fn b3_last(self) -> bool {
        self.0 & B3_LAST != 0
    }

    /// Returns whether any format for spans is used.
    pub(crate) const fn any_span(self) -> bool {
        self.0 & (TRACE_CONTEXT | B3 | B3_MULTI) != 0
    }

    /// Returns whether `baggage` is used.
    pub(crate) const fn baggage(self) -> bool {
        self.0 & BAGGAGE != 0
    }
}

#[cfg(test)]
#[path = "formats_tests.rs"]
mod tests;
