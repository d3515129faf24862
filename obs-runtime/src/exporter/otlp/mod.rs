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
mod log_limits;
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
mod spool;
mod target;
mod template;
mod tls;
#[cfg(test)]
mod tls_fixtures;
mod transport;
mod worker;

use std::sync::Arc;

use crate::Error;
use crate::exporter::ExportSchedule;
use crate::exporter::periodic::PeriodicPusher;
use crate::metrics::MetricSource;
use crate::processor::sink::SpanSink;

pub(crate) use batch::Resource;
use config::Signal;
pub use config::{Compression, OtlpConfig, Protocol};
use lane::Accepts;
use log_sink::OtlpLogSink;

/// Makes the sink that sends spans; `logs` says whether their errors arrive as log records. Nothing
/// is connected yet: a receiver that is down is no error.
///
/// # Errors
/// When the configuration names no receiver for traces, or one that cannot be used.
fn span_sink(
    config: &OtlpConfig,
    resource: &Resource,
    logs: Option<Accepts>,
) -> Result<Box<dyn SpanSink>, Error> {
    let mut target = config.target(Signal::Traces)?.ok_or_else(not_sent)?;
    if let Some(timeout) = config.spans.export_timeout {
        target.timeout = target.timeout.min(timeout);
    }
    let transport = transport::connect(&target)?;
    let limits = config.limits.of_spans(&config.spans);
    let sink = sink::OtlpSpanSink::start(&target, transport, limits, resource, logs)?;
    Ok(Box::new(sink))
}

/// Makes the sink that sends log records.
///
/// # Errors
/// When the configuration names no receiver for logs, or one that cannot be used.
fn log_sink(config: &OtlpConfig, resource: &Resource) -> Result<OtlpLogSink, Error> {
    let mut target = config.target(Signal::Logs)?.ok_or_else(not_sent)?;
    if let Some(timeout) = config.logs.export_timeout {
        target.timeout = target.timeout.min(timeout);
    }
    let transport = transport::connect(&target)?;
    OtlpLogSink::start(
        &target,
        transport,
        config.limits,
        config.logs,
        config.log_limits,
        resource,
    )
}

/// Starts the threads that collect and send metrics.
///
/// # Errors
/// When the configuration names no receiver for metrics, or one that cannot be used.
fn metric_pusher(
    config: &OtlpConfig,
    resource: &Resource,
    source: Arc<dyn MetricSource>,
) -> Result<PeriodicPusher, Error> {
    let mut target = config.target(Signal::Metrics)?.ok_or_else(not_sent)?;
    if let Some(timeout) = config.metric_timeout {
        target.timeout = target.timeout.min(timeout);
    }
    let transport = transport::connect(&target)?;
    let schedule = ExportSchedule::new()
        .interval(config.metrics_every())
        .temporality(config.temporality.unwrap_or_default())
        .steady();
    let limits = config.limits;
    metric_destination::start(&target, transport, limits, schedule, resource, source)
}

fn not_sent() -> Error {
    Error::config(
        "no OTLP endpoint: give one to the builder or set OTEL_EXPORTER_OTLP_ENDPOINT, such as \
         http://localhost:4318",
    )
}
