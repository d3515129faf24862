//! Shared helpers of the tests.

pub mod http;
pub mod otlp_oracle;
pub mod programs;
pub mod prometheus_server;
