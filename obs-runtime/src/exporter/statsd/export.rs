//! Collects at regular times and at a flush, and sends what is new.

use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, Ordering};
use std::borrow::Cow;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Instant;

use super::StatsdConfig;
use super::deltas::{Deltas, Series, Total};
use super::line::{Lines, has_form};
use crate::error::ErrorKind;
use crate::exporter::PendingFlush;
use crate::metrics::snapshot::{Labels, NumberPoint};
use crate::metrics::{MetricData, MetricFamily, MetricSource, Number};
use crate::self_obs::{DropReason, ExporterCounters};
use crate::semconv::attribute as key;
use crate::{AttributeValue, Error, self_log};

/// A datagram of this size fits into one Ethernet frame beside all headers (Datadog's and
/// StatsD's advice for networks).
pub(super) const MOST_BYTES: usize = 1432;

const SOURCE: &str = "obs-statsd";

/// Sends one datagram, without blocking.
pub(super) type Send = Box<dyn FnMut(&[u8]) -> io::Result<()> + core::marker::Send>;

/// Sends metrics from a thread of its own until it is shut down or dropped. Its account counts
/// points.
pub(crate) struct StatsdPusher {
    shared: Arc<Shared>,
    thread: Thread,
}

struct Shared {
    exporter: Mutex<Exporter>,
    counters: Arc<ExporterCounters>,
    stopped: AtomicBool,
}

impl Shared {
    fn export(&self) {
        let mut exporter = self.exporter.lock().unwrap_or_else(PoisonError::into_inner);
        exporter.export();
    }
}

impl StatsdPusher {
    /// # Errors
    /// When the server's name has no address, or there is no socket or thread.
    pub(crate) fn start(
        config: &StatsdConfig,
        resource: &[(Cow<'static, str>, AttributeValue)],
        source: Arc<dyn MetricSource>,
    ) -> Result<Self, Error> {
        let socket = socket(config.resolve()?).map_err(|e| {
            let addr = &config.addr;
            Error::config(format!(
                "there is no way to the StatsD server {addr:?}: {e}"
            ))
        })?;
        let send = Box::new(move |datagram: &[u8]| {
            // An error of an earlier datagram comes with this one: nobody listens.
            socket.send(datagram)?;
            // On this machine the system knows at once that nobody listens.
            socket.take_error()?.map_or(Ok(()), Err)
        });
        let exporter = Exporter::new(config, resource, source, send);
        let shared = Arc::new(Shared {
            counters: Arc::clone(&exporter.counters),
            exporter: Mutex::new(exporter),
            stopped: AtomicBool::new(false),
        });
        let interval = config.interval;
        let run = {
            let shared = Arc::clone(&shared);
            move || {
                let mut next = Instant::now() + interval;
                while !shared.stopped.load(Ordering::Acquire) {
                    let now = Instant::now();
                    if now < next {
                        std::thread::park_timeout(next - now);
                    } else {
                        shared.export();
                        next = Instant::now() + interval;
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name(SOURCE.into()).spawn(run);
        let thread = thread.map_err(|e| {
            let text = format!(
                "the thread `{SOURCE}` could not be started ({e}): raise the limit of threads"
            );
            Error::new(ErrorKind::State, text)
        })?;
        Ok(Self {
            shared,
            thread: thread.thread().clone(),
        })
    }

    /// Sends what is new. There is nothing to wait for, and nobody to say that it failed.
    pub(crate) fn flush(&self) -> PendingFlush {
        self.shared.export();
        Box::new(|_| Ok(()))
    }

    /// Sends for the last time.
    pub(crate) fn shutdown(&self) {
        self.stop();
        self.shared.export();
    }

    /// What it took, passed on and lost, in points.
    pub(crate) fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.shared.counters)
    }

    fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Drop for StatsdPusher {
    fn drop(&mut self) {
        self.stop();
    }
}

fn socket(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// From a collection to datagrams.
pub(super) struct Exporter {
    source: Arc<dyn MetricSource>,
    lines: Lines,
    deltas: Deltas,
    send: Send,
    pub(super) counters: Arc<ExporterCounters>,
    datagram: Datagram,
    /// The lines of the point at hand.
    point: String,
}

/// What is gathered for one datagram: whole points only.
#[derive(Default)]
struct Datagram {
    text: String,
    points: u64,
    /// What the server knows once it has it.
    totals: Vec<(Series, Total)>,
}

impl Exporter {
    pub(super) fn new(
        config: &StatsdConfig,
        resource: &[(Cow<'static, str>, AttributeValue)],
        source: Arc<dyn MetricSource>,
        send: Send,
    ) -> Self {
        // Datadog documentation, "Unified service tagging".
        let tags = [
            ("env", key::DEPLOYMENT_ENVIRONMENT_NAME),
            ("service", key::SERVICE_NAME),
            ("version", key::SERVICE_VERSION),
        ];
        let tags = tags.iter().filter_map(|(tag, key)| {
            let found = resource.iter().find(|(k, _)| k == key)?;
            match &found.1 {
                AttributeValue::String(value) => Some((*tag, &**value)),
                _ => None,
            }
        });
        Self {
            source,
            lines: Lines::new(config.dialect, &config.prefix, tags),
            deltas: Deltas::default(),
            send,
            counters: Arc::new(ExporterCounters::new("statsd")),
            datagram: Datagram::default(),
            point: String::new(),
        }
    }

    pub(super) fn export(&mut self) {
        let mut families = Vec::new();
        // A callback of the user may panic: what the other instruments say is sent all the same.
        let collect = AssertUnwindSafe(|| self.source.collect(&mut families));
        if std::panic::catch_unwind(collect).is_err() {
            self_log::warn(
                SOURCE,
                "panic",
                format_args!("collecting metrics panicked: some are missing"),
            );
        }
        for family in &families {
            self.family(family);
        }
        self.send_datagram();
    }

    fn family(&mut self, family: &MetricFamily) {
        match &family.data {
            MetricData::Counter(points) => {
                for point in points {
                    self.counter(family, point);
                }
            }
            MetricData::UpDownCounter(points) | MetricData::Gauge(points) => {
                for point in points {
                    self.gauge(family, point);
                }
            }
            MetricData::Histogram(_)
            | MetricData::ExponentialHistogram(_)
            | MetricData::Summary(_) => {
                for (labels, sum, count) in family.data.distributions() {
                    self.histogram(family, labels, sum, count);
                }
            }
        }
    }

    fn counter(&mut self, family: &MetricFamily, point: &NumberPoint) {
        let series = (family.name.clone(), Arc::clone(&point.labels));
        let added = self.deltas.counter(&series, point.value);
        if added.as_f64() == 0.0 || !has_form(added) {
            return;
        }
        let out = &mut self.point;
        self.lines
            .write(out, (&family.name, ""), &point.labels, added, "c");
        let total = Total {
            sum: point.value,
            count: 0,
        };
        self.take(Some((series, total)));
    }

    fn gauge(&mut self, family: &MetricFamily, point: &NumberPoint) {
        if !has_form(point.value) {
            return;
        }
        let mut write = |value| {
            let name = (&*family.name, "");
            self.lines
                .write(&mut self.point, name, &point.labels, value, "g");
        };
        if point.value.as_f64() < 0.0 {
            write(Number::U64(0));
        }
        write(point.value);
        self.take(None);
    }

    fn histogram(&mut self, family: &MetricFamily, labels: &Labels, sum: f64, count: u64) {
        let series = (family.name.clone(), Arc::clone(labels));
        let total = Total {
            sum: Number::F64(sum),
            count,
        };
        let (sum, count) = self.deltas.histogram(&series, sum, count);
        if count == 0 {
            return;
        }
        let values = [(".count", Number::U64(count)), (".sum", Number::F64(sum))];
        for (suffix, value) in values {
            // An infinite value was observed: the sum means nothing any more.
            if has_form(value) {
                let name = (&*family.name, suffix);
                self.lines.write(&mut self.point, name, labels, value, "c");
            }
        }
        self.take(Some((series, total)));
    }

    /// Puts the point at hand into a datagram.
    fn take(&mut self, total: Option<(Series, Total)>) {
        self.counters.taken.fetch_add(1, Ordering::Release);
        // The last line feed is not sent.
        if self.point.len() > MOST_BYTES + 1 {
            self.counters.dropped.add(DropReason::TooLarge, 1);
            self.point.clear();
            return;
        }
        if self.datagram.text.len() + self.point.len() > MOST_BYTES + 1 {
            self.send_datagram();
        }
        self.datagram.text.push_str(&self.point);
        self.datagram.points += 1;
        self.datagram.totals.extend(total);
        self.point.clear();
    }

    fn send_datagram(&mut self) {
        let Datagram {
            text,
            points,
            totals,
        } = &mut self.datagram;
        if *points == 0 {
            return;
        }
        match (self.send)(text.trim_end().as_bytes()) {
            Ok(()) => {
                for (series, total) in totals.drain(..) {
                    self.deltas.settle(series, total);
                }
                self.counters.exported.fetch_add(*points, Ordering::Release);
            }
            Err(error) => {
                let reason = match error.kind() {
                    io::ErrorKind::WouldBlock => DropReason::QueueFull,
                    _ => DropReason::Unreachable,
                };
                self.counters.dropped.add(reason, *points);
                let text = format_args!("metrics were not sent: {error}");
                self_log::warn(SOURCE, reason.as_str(), text);
                totals.clear();
            }
        }
        text.clear();
        *points = 0;
    }
}

#[cfg(test)]
#[path = "statsd_tests.rs"]
mod tests;
