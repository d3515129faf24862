//! One trace with the OpenTelemetry API, whoever makes a span; feature `opentelemetry`.
//!
//! ```no_run
//! use obs_runtime::Observability;
//!
//! let obs = Observability::builder()
//!     .service_name("shop")
//!     .opentelemetry(true)
//!     .install()?;
//! // Spans of `opentelemetry::global::tracer(…)` are children and parents of those of `#[traced]`.
//! # Ok::<(), obs_runtime::Error>(())
//! ```
//!
//! `tracing_opentelemetry::layer().with_tracer(…)` is to be given a [`Tracer`] of ours, not a boxed global
//! one: `TracerProvider::new().tracer("tracing")`.
//!
//! Which cases come out how, and what to do about those that do not come out right, is in `docs/interop.md`.

mod b3;
pub(crate) mod exporter;
mod labels;
mod library;
mod marker;
mod meter;
mod observed;
mod parent;
pub(crate) mod probe;
mod propagator;
mod span;
mod tracer;

pub use meter::MeterProvider;
pub use propagator::Propagator;
pub use span::Span;
pub use tracer::{Tracer, TracerProvider, WrappedTracer, WrappedTracerProvider};

/// Makes the global providers and the propagator ours.
pub(crate) fn register(meters: MeterProvider) {
    ::opentelemetry::global::set_meter_provider(meters);
    ::opentelemetry::global::set_tracer_provider(TracerProvider::new());
    ::opentelemetry::global::set_text_map_propagator(Propagator::of_environment());
}
