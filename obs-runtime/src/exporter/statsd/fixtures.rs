//! The exporter in its loop, over a socket that fails on purpose.

use std::io;
use std::sync::PoisonError;
use std::time::Instant;

use super::*;
use crate::exporter::statsd::Dialect;
use crate::metrics::MetricsCollector;
use crate::self_obs::ExporterStats;

pub(super) type Result<T = ()> = std::result::Result<T, Error>;

pub(super) const LONG: Duration = Duration::from_secs(60);
/// Datagrams are no longer.
const MOST_BYTES: usize = 1432;

/// Datagrams that were sent, and whether the next ones fail.
#[derive(Default)]
struct Sent {
    datagrams: Vec<String>,
    /// How many are taken before an error.
    until: usize,
    error: Option<io::ErrorKind>,
}

#[derive(Clone, Default)]
pub(super) struct TestWire(Arc<Mutex<Sent>>);

impl TestWire {
    fn lock(&self) -> std::sync::MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self) -> Vec<String> {
        let sent = std::mem::take(&mut self.lock().datagrams);
        for datagram in &sent {
            assert!(datagram.len() <= MOST_BYTES && !datagram.ends_with('\n'));
        }
        sent
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let all = self.take();
        all.iter()
            .flat_map(|d| d.lines())
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn fail(&self, until: usize, error: Option<io::ErrorKind>) {
        let mut sent = self.lock();
        (sent.until, sent.error) = (until, error);
    }
}

impl Wire for TestWire {
    fn most_bytes(&self) -> usize {
        MOST_BYTES
    }

    fn begin(&mut self, deadline: Instant) {
        assert!(deadline > Instant::now());
    }

    fn end(&mut self) {}

    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let mut sent = self.lock();
        match sent.error {
            Some(error) if sent.until == 0 => return Err(error.into()),
            Some(_) => sent.until -= 1,
            None => {}
        }
        let text = String::from_utf8(datagram.to_vec()).expect("UTF-8");
        sent.datagrams.push(text);
        Ok(())
    }
}

/// The exporter in its loop, which exports when it is asked to.
pub(super) struct Test {
    pub(super) collector: MetricsCollector,
    pub(super) wire: TestWire,
    pub(super) pusher: PeriodicPusher,
}

pub(super) fn test(config: &StatsdConfig) -> Test {
    let resource = [
        ("service.name".into(), "shop|1".into()),
        ("deployment.environment.name".into(), "prod".into()),
    ];
    let (collector, wire) = (MetricsCollector::new(), TestWire::default());
    let exporter = Exporter::new(config, &resource, Box::new(wire.clone()));
    let never = ExportSchedule::new()
        .interval(Duration::MAX)
        .temporality(Temporality::Delta);
    let source = Arc::new(collector.clone());
    let pusher = PeriodicPusher::start_named(
        (SOURCE, "statsd"),
        Box::new(exporter),
        never,
        Vec::new(),
        source,
    );
    let pusher = pusher.expect("a thread");
    Test {
        collector,
        wire,
        pusher,
    }
}

impl Test {
    pub(super) fn export(&self) -> Result {
        self.pusher.flush()(Instant::now() + LONG)
    }

    pub(super) fn stats(&self) -> ExporterStats {
        self.pusher.stats().snapshot()
    }
}

pub(super) fn tagged() -> StatsdConfig {
    StatsdConfig::new("127.0.0.1:1")
}

pub(super) fn plain() -> StatsdConfig {
    tagged().dialect(Dialect::Plain)
}
