//! The formats of headers that are read and written, as `OTEL_PROPAGATORS` names them.
//!
//! The choice holds for the whole process (OpenTelemetry specification, "Environment Variable
//! Specification").

use core::sync::atomic::{AtomicU8, Ordering};

const EXPECTED: &str = "a list of tracecontext, baggage, b3 and b3multi, or none";

/// The formats of the process.
static CHOSEN: AtomicU8 = AtomicU8::new(Formats::DEFAULT.0);

/// The formats of headers that are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Formats(u8);

impl Default for Formats {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Formats {
    /// The headers `traceparent` and `tracestate`.
    pub(crate) const TRACE_CONTEXT: Self = Self(1);
    /// The header `baggage`.
    pub(crate) const BAGGAGE: Self = Self(2);
    /// The header `b3`.
    pub(crate) const B3: Self = Self(4);
    /// The headers `X-B3-TraceId` and the like.
    pub(crate) const B3_MULTI: Self = Self(8);
    pub(crate) const ANY_B3: Self = Self(Self::B3.0 | Self::B3_MULTI.0);
    /// Any format that carries a span.
    pub(crate) const ANY_SPAN: Self = Self(Self::TRACE_CONTEXT.0 | Self::ANY_B3.0);
    /// B3 was named after `tracecontext`, so B3's caller counts where both name one.
    pub(crate) const B3_LAST: Self = Self(16);
    const DEFAULT: Self = Self(Self::TRACE_CONTEXT.0 | Self::BAGGAGE.0);

    /// Parses the variable's list, and returns a sentence about the names in it that are not known.
    pub(crate) fn parse(list: &str) -> (Self, Option<String>) {
        let mut formats = 0;
        let mut unknown = Vec::new();
        let names = list.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            match name {
                "tracecontext" => formats = (formats | Self::TRACE_CONTEXT.0) & !Self::B3_LAST.0,
                "baggage" => formats |= Self::BAGGAGE.0,
                "b3" => formats |= Self::B3.0 | Self::B3_LAST.0,
                "b3multi" => formats |= Self::B3_MULTI.0 | Self::B3_LAST.0,
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

    /// Returns whether one of the given formats is used.
    pub(crate) const fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }
}

#[cfg(test)]
#[path = "formats_tests.rs"]
mod tests;
