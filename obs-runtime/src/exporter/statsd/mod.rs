//! Metrics to a StatsD server over UDP: the Datadog agent, Telegraf, `statsd_exporter`, Vector, or
//! the original.
//!
//! - A counter is sent as what was added since the last export (`|c`); nothing is sent where that
//!   is nothing.
//! - An up-down counter and a gauge are sent as they are (`|g`). A value below zero follows a zero,
//!   in the same datagram, because StatsD takes a sign for a change.
//! - A histogram of either kind, or a summary, is sent as two counters, `<name>.count` and
//!   `<name>.sum`: their quotient is the mean. Timings (`|ms`) are single values, and only their sums are kept here; for percentiles
//!   use OTLP or `/metrics`.
//! - Values stay in the metric's unit (`s`, `By`), which StatsD has no place for.
//!
//! Nobody acknowledges a datagram: in [`Stats`](crate::Stats), exported means handed to the network.
//! Where the system says that nobody listens, the points count as unreachable, and what counters
//! added is sent with the next export.

mod config;
mod deltas;
mod export;
mod line;

pub use config::{Dialect, StatsdConfig};
pub(crate) use export::StatsdPusher;
