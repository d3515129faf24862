//! Where and how to send.

use std::time::Duration;

use super::connection::Server;
use crate::Error;
use crate::shown_url::shown_value;

/// How labels are written, which StatsD has no word for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// As tags: `rows:3|c|#task:load` (DogStatsD). Datadog, Telegraf, `statsd_exporter`, Vector and the
    /// OpenTelemetry collector read them. The service's name, version and environment are tags too
    /// (`service`, `version`, `env`), unless a metric has a label of that name.
    #[default]
    DogStatsd,
    /// As parts of the name: `rows.task.load:3|c`, for the original StatsD and Graphite.
    Plain,
}

/// How histograms and summaries are sent, see [the module](crate::exporter::statsd#histograms-and-summaries).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HistogramForm {
    /// `<name>.count` and `<name>.sum` as counters, `<name>.mean` and a gauge for each quantile
    /// (`<name>.p99`), all of the interval. Every server takes them.
    #[default]
    Quantiles,
    /// Values with a sample rate, as Datadog's distributions (`|d`): percentiles of all processes
    /// together, computed by Datadog.
    Distribution,
    /// Values with a sample rate, as histograms (`|h`), which the agent or Telegraf computes the
    /// percentiles of.
    Histogram,
    /// At most 100 values with a sample rate, as timings (`|ms`), which the original StatsD computes the
    /// percentiles of; durations are in milliseconds.
    Timer,
}

/// The configuration of the StatsD exporter, see [`Builder::statsd_with`](crate::Builder::statsd_with).
///
/// ```
/// use core::time::Duration;
/// use obs_runtime::Observability;
/// use obs_runtime::exporter::statsd::{Dialect, StatsdConfig};
///
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let config = StatsdConfig::new("127.0.0.1:8125")
///     .dialect(Dialect::Plain)
///     .prefix("shop")
///     .quantiles([0.5, 0.99, 1.0])
///     .interval(Duration::from_secs(60));
/// let obs = Observability::builder().statsd_with(config).install()?;
/// # drop(obs);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a configuration does nothing until an `Observability` has it"]
pub struct StatsdConfig {
    pub(super) addr: String,
    pub(super) dialect: Dialect,
    pub(super) prefix: String,
    pub(super) interval: Duration,
    pub(super) histograms: HistogramForm,
    pub(super) quantiles: Vec<f64>,
}

impl StatsdConfig {
    /// Sends every ten seconds, which is when StatsD servers flush, with tags.
    ///
    /// The address is `host:port`, the same as a URL (`udp://host:port`), or the path of a Unix datagram
    /// socket, which the Datadog agent recommends: `unix:///var/run/datadog/dsd.socket`. Those are the
    /// values of `DD_DOGSTATSD_URL` too.
    ///
    /// ```
    /// use obs_runtime::exporter::statsd::{HistogramForm, StatsdConfig};
    ///
    /// let url = std::env::var("DD_DOGSTATSD_URL");
    /// let url = url.unwrap_or_else(|_| "unix:///var/run/datadog/dsd.socket".to_owned());
    /// let config = StatsdConfig::new(url).histograms(HistogramForm::Distribution);
    /// ```
    ///
    /// A name is looked up when the first metrics are sent, again after a failure, and once a minute: a
    /// server that moves is found again.
    pub fn new(addr: impl Into<String>) -> Self {
        Self {
            addr: addr.into(),
            dialect: Dialect::default(),
            prefix: String::new(),
            interval: Duration::from_secs(10),
            histograms: HistogramForm::default(),
            quantiles: vec![0.5, 0.95, 0.99],
        }
    }

    /// Sets how labels are written.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Sets what every name begins with, before a dot.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how often metrics are sent; at least 10 ms.
    ///
    /// Exports are this far apart, so that a server whose own interval is as long finds one in each of
    /// its intervals. The first comes after half to all of it, by chance: the processes of a fleet do
    /// not send in the same moment.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(10));
        self
    }

    /// Sets how histograms and summaries are sent.
    pub fn histograms(mut self, form: HistogramForm) -> Self {
        self.histograms = form;
        self
    }

    /// Sets which quantiles (0 to 1) [`HistogramForm::Quantiles`] sends of a histogram; `[0.5, 0.95, 0.99]` unless this
    /// says otherwise. Their names are `p50`, `p95`, `p99`, `p999` for 0.999, `min` for 0 and `max` for 1. A summary
    /// has quantiles of its own.
    pub fn quantiles(mut self, quantiles: impl IntoIterator<Item = f64>) -> Self {
        self.quantiles = quantiles.into_iter().collect();
        self
    }

    /// Returns what is to be connected, if everything can be sent.
    pub(super) fn server(&self) -> Result<Server, Error> {
        let is_dog = matches!(
            self.histograms,
            HistogramForm::Distribution | HistogramForm::Histogram
        );
        if self.dialect == Dialect::Plain && is_dog {
            return Err(Error::config(format!(
                "the original StatsD takes a HistogramForm::{:?} for a counter: use HistogramForm::Quantiles, \
                 HistogramForm::Timer or Dialect::DogStatsd",
                self.histograms
            )));
        }
        if let Some(q) = self.quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            return Err(Error::config(format!(
                "the quantile {q} is not possible: use numbers from 0 to 1, such as 0.99"
            )));
        }
        let server = Server::parse(&self.addr).ok_or_else(|| {
            Error::config(format!(
                "the StatsD server {:?} is no address: use a host and a port such as 127.0.0.1:8125, or the \
                 path of a socket such as unix:///var/run/datadog/dsd.socket",
                shown_value(&self.addr)
            ))
        })?;
        server.check().map_err(|error| {
            Error::config(format!(
                "the StatsD server {:?} is no path that a socket can have: {error}",
                self.addr
            ))
        })?;
        Ok(server)
    }
}
