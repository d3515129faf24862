//! Where and how to send.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use crate::Error;

/// How labels are written, which StatsD has no word for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// As tags: `rows:3|c|#task:load` (DogStatsD). Datadog, Telegraf, `statsd_exporter` and Vector
    /// read them. The service's name, version and environment are tags too (`service`, `version`,
    /// `env`).
    #[default]
    DogStatsd,
    /// As parts of the name: `rows.task.load:3|c`, for the original StatsD and Graphite.
    Plain,
}

/// The configuration of the StatsD exporter, see [`Builder::statsd_with`](crate::Builder::statsd_with).
///
/// ```
/// use core::time::Duration;
/// use obs_runtime::Observability;
/// use obs_runtime::statsd::{Dialect, StatsdConfig};
///
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let config = StatsdConfig::new("127.0.0.1:8125")
///     .dialect(Dialect::Plain)
///     .prefix("shop")
///     .interval(Duration::from_secs(60));
/// let obs = Observability::builder().statsd_with(config).install()?;
/// # obs.shutdown()
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a configuration does nothing until an `Observability` has it"]
pub struct StatsdConfig {
    pub(super) addr: String,
    pub(super) dialect: Dialect,
    pub(super) prefix: String,
    pub(super) interval: Duration,
}

impl StatsdConfig {
    /// Sends to `host:port` every ten seconds, which is when StatsD servers flush, with tags.
    pub fn new(addr: impl Into<String>) -> Self {
        Self {
            addr: addr.into(),
            dialect: Dialect::default(),
            prefix: String::new(),
            interval: Duration::from_secs(10),
        }
    }

    /// How labels are written.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// What every name begins with, before a dot.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How often metrics are sent; at least 10 ms.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(10));
        self
    }

    /// The first address of the host, asked for once.
    pub(super) fn resolve(&self) -> Result<SocketAddr, Error> {
        let addr = &self.addr;
        let found = addr.to_socket_addrs().map(|mut all| all.next());
        match found {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(Error::config(format!(
                "the StatsD server {addr:?} has no address: use a host and a port such as 127.0.0.1:8125"
            ))),
            Err(e) => Err(Error::config(format!(
                "the StatsD server {addr:?} was not found ({e}): use a host and a port such as 127.0.0.1:8125"
            ))),
        }
    }
}
