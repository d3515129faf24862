//! OTLP: spans, metrics and logs to any OpenTelemetry receiver, over HTTP or gRPC.
//!
//! Requests are written by an encoder of our own, straight from finished records
//! (`span`, `metrics`, `log`, `template`, `library`, `attributes`, `protobuf`, `batch`), and gathered as they come
//! (`requests`). Sender threads of each signal (`worker`) take them from a queue bounded in bytes (`lane`) and send
//! them (`http`, `grpc`); what cannot be sent waits on disk, if the user names a directory (`spool`).

mod attributes;
mod batch;
pub(crate) mod builder;
mod config;
mod endpoint;
mod env;
#[cfg(test)]
mod fixtures;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod headers;
mod http;
mod lane;
mod library;
mod log;
mod log_sink;
mod metric_destination;
mod metrics;
mod plain;
mod policy;
mod protobuf;
#[cfg(test)]
mod receiver;
mod requests;
mod settings;
mod sink;
mod span;
mod split;
mod spool;
mod target;
mod template;
mod tls;
#[cfg(test)]
mod tls_fixtures;
mod transport;
mod worker;

pub use config::{Compression, OtlpConfig, Protocol};
