//! The StatsD exporter as a part of an `Observability`.

use super::StatsdConfig;
use crate::Error;
use crate::init::Builder;
use crate::init::component::{Component, Startup};

/// The server, if there is one.
#[derive(Default)]
pub(crate) struct Statsd(Option<StatsdConfig>);

impl Component for Statsd {
    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        let Some(config) = &self.0 else {
            return Ok(());
        };
        match super::export::start(config, &startup.scope.resource, startup.metrics()) {
            Ok(pusher) => {
                let account = pusher.stats();
                startup.add_reader(pusher, account);
                Ok(())
            }
            Err(e) => startup.problem(e.to_string()),
        }
    }
}

impl Builder {
    /// Sends metrics to a StatsD server that reads tags, such as the Datadog agent, at `host:port` or
    /// `unix:///path`, every ten seconds: see [`statsd`](crate::exporter::statsd).
    ///
    /// A server that is not there is reported in [`Observability::health`](crate::Handle::health) after the
    /// first export, and looked for again at the next.
    pub fn statsd(self, addr: impl Into<String>) -> Self {
        self.statsd_with(crate::exporter::statsd::StatsdConfig::new(addr))
    }

    /// Does the same as [`Builder::statsd`], with a dialect, a prefix, a form of histograms and an interval of your
    /// own.
    pub fn statsd_with(mut self, config: crate::exporter::statsd::StatsdConfig) -> Self {
        self.component::<Statsd>().0 = Some(config);
        self
    }
}
