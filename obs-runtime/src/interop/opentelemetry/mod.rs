//! One trace with the OpenTelemetry API, whichever of the two makes a span.
//!
//! It needs the feature `opentelemetry`.
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
//! Give `tracing_opentelemetry::layer().with_tracer(…)` a [`Tracer`] of this module
//! (`TracerProvider::new().tracer("tracing")`) rather than a boxed global one.
//!
//! The providers are called on the threads of the program, wherever libraries make spans, so their
//! code must be cheap and must not panic. Which combinations of both APIs work how, and what to do
//! about those that do not, is in `docs/interop.md`.

mod b3;
pub(crate) mod builder;
mod exporter;
mod labels;
mod library;
mod marker;
mod meter;
mod namespace;
mod observed;
mod parent;
mod probe;
mod propagator;
mod span;
mod tracer;

pub use meter::MeterProvider;
pub use propagator::Propagator;
pub use span::Span;
pub use tracer::{Tracer, TracerProvider, WrappedTracer, WrappedTracerProvider};
