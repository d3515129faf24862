//! Shared helpers of the tests.

pub mod aimock;
pub mod cases;
pub mod conventions;
pub mod exporters;
pub mod http;
pub mod http_client;
pub mod mlflow;
pub mod otlp_oracle;
pub mod otlp_receiver;
pub mod own_process;
pub mod phoenix;
pub mod programs;
pub mod prometheus_server;
pub mod promql;
pub mod rotel;
pub mod server;
pub mod statsd_server;
#[cfg(target_os = "linux")]
pub mod system_clock;
pub mod tracing_capture;
pub mod victoria_metrics;

/// The code of the page about metrics is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/metrics.md")]
mod metrics_page {}
