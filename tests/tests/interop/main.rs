//! Spans of OpenTelemetry's API, of `tracing` and of obs in one trace.

mod api;
mod async_functions;
mod cold;
mod install;
mod log_lines;
mod migrated;
mod orders;
mod propagation;
mod scopes;
mod shared;
mod steps;
mod tracing_around;
mod tracing_current;
mod tracing_events;
mod tracing_layer;
mod tracing_opentelemetry;
mod tracing_three;
