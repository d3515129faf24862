//! Shared helpers of the tests.

pub mod cases;
pub mod http;
pub mod otlp_oracle;
pub mod otlp_receiver;
pub mod programs;
pub mod prometheus_server;
pub mod rotel;
pub mod tracing_capture;
