//! Metrics to a StatsD server, over UDP or a Unix datagram socket: the Datadog agent, Telegraf,
//! `statsd_exporter`, Vector, the OpenTelemetry collector, or the original.
//!
//! - A counter is sent as what was added since the last export (`|c`): a new one as 0, later nothing
//!   where nothing was added.
//! - An up-down counter and a gauge are sent as they are (`|g`). A value below zero follows a zero,
//!   in the same datagram, because StatsD takes a sign for a change.
//! - Values stay in the metric's unit (`s`, `By`), which StatsD has no place for. Numbers are written in
//!   full, without an exponent. NaN and infinity have no form there and are counted as
//!   [unsupported](crate::stats::DropReason::Unsupported).
//! - What has a meaning in a name, a tag or its value (`:`, `|`, `,`, `#`, control characters; in names
//!   whatever is no ASCII letter, digit, `.`, `_` or `-`) becomes `_`. Two series that are the same then
//!   add up if they are counters, and overwrite each other if they are gauges.
//!
//! # Histograms and summaries
//!
//! A histogram of either kind, and a summary, say what was observed since the last export:
//!
//! | form | lines of a series | what a server shows |
//! |---|---|---|
//! | [`HistogramForm::Quantiles`] | counters `.count`, `.sum`; gauges `.mean`, `.p50`, `.p95`, `.p99` | count, sum and rate of all processes together; mean and quantiles of each process whose tags or prefix tell it apart |
//! | [`HistogramForm::Distribution`] | one value for each bucket in use (`d`), with a sample rate | Datadog: count, sum, average, minimum, maximum and percentiles of all processes together. `statsd_exporter`, Vector: a histogram. Telegraf: with `datadog_distributions` |
//! | [`HistogramForm::Histogram`] | the same (`h`) | Datadog: `.count`, `.avg`, `.median`, `.95percentile`, `.max` of each agent. Telegraf: its `percentiles`. `statsd_exporter`, Vector: a histogram |
//! | [`HistogramForm::Timer`] | at most 100 values (`ms`) with a sample rate, durations in milliseconds | the original: `count`, `mean`, `median`, `upper_90` and what else it computes of a timing, in both dialects. The others: as of a histogram |
//!
//! The first is the default because every server takes it for what it is. With the Datadog agent choose the
//! second: percentiles of several processes can only be computed from values.
//!
//! What is estimated: quantiles, and the values of the other forms, lie in the bucket of the value at
//! that rank, so their error is at most the bucket's width: of an exponential histogram or a summary
//! [`relative_error`](crate::metrics::ExponentialHistogramPoint::relative_error) (4.5 % where the largest
//! value is 1,000 times the smallest). Count, sum and mean are exact (of timings the count alone); a single
//! value of an interval is too. Above the last bound of an explicit histogram values are spread around what
//! the sum leaves for them. A point has at most as many values as buckets: 160 of each sign of an exponential
//! histogram. Timings are at equal distances of rank, because the original ignores their sample rates except
//! in `count`: its percentiles and its mean are right, its `sum` is up to 100 values an interval. They cannot
//! be below zero.
//!
//! What servers do with it: a gauge stays until the next one; the original sends it again at every flush,
//! unless `deleteGauges` is set. Telegraf and gostatsd cut counters to whole numbers, so there use `.mean`
//! times `.count` instead of a `.sum` in seconds.
//!
//! # Losses
//!
//! Nobody acknowledges a datagram: in [`Stats`](crate::stats::Stats), exported means handed to the system. What
//! the system refuses is counted by reason: nobody listens, the name is not found, the socket is gone
//! (`unreachable`), the server has been behind for a second (`queue_full`), a line is longer than a
//! datagram (`too_large`; 1,432 bytes over UDP, 8,192 over a Unix socket). What was added to counters and
//! histograms meanwhile is sent with the next export; [`health`](crate::Handle::health) says why
//! the last one failed. It is no error of a flush or of the shutdown: most losses could not be seen anyway.
//! The program itself does not wait: everything happens on a thread of its own.

pub(crate) mod builder;
mod config;
mod connection;
mod datagrams;
mod export;
mod interval;
mod line;

pub use config::{Dialect, HistogramForm, StatsdConfig};

/// The thread's name, and who speaks in the log.
const SOURCE: &str = "obs-statsd";
