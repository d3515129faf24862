//! The exporters of a capture, which keep finished spans, log records and alerts in memory.
//!
//! [`Memory`] is called by the drain's pass like any other sink, and counts what it takes, so that
//! the account of a capture is whole. [`Alerts`] hears the thread of the alert manager.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::Error;
use crate::lock::lock;
use crate::logs::LogRecord;
use crate::processor::sink::{LogSink, PendingFlush, SpanSink};
use crate::self_obs::{DropReason, ExporterCounters};
use crate::trace::{SpanRecord, SpanView};

/// Keeps spans or log records in memory.
pub(super) struct Memory<T> {
    pub(super) kept: Arc<Mutex<Vec<T>>>,
    counters: Arc<ExporterCounters>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            counters: Arc::new(ExporterCounters::new("memory")),
        }
    }
}

impl<T> Memory<T> {
    fn keep(&self, item: impl FnOnce() -> T) {
        let mut kept = lock(&self.kept);
        self.counters.taken.fetch_add(1, Ordering::AcqRel);
        kept.push(item());
        self.counters.exported.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts the item as lost that could not be kept.
    fn lose(&self) {
        let lost = self.counters.snapshot().in_flight;
        self.counters.dropped.add(DropReason::ExporterFailed, lost);
    }
}

impl SpanSink for Memory<SpanRecord> {
    fn span(&mut self, span: &SpanView<'_>) {
        self.keep(|| SpanRecord::from_view(span));
    }

    fn pass_end(&mut self, _: bool) {}

    fn flush(&mut self) -> PendingFlush {
        Box::new(|_| Ok(()))
    }

    fn shutdown(&mut self, _: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn abandon(&mut self) {
        self.lose();
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.counters)
    }
}

impl LogSink for Memory<LogRecord> {
    fn log(&mut self, record: &LogRecord) {
        self.keep(|| record.clone());
    }

    fn pass_end(&mut self, _: bool) {}

    fn flush(&mut self) -> PendingFlush {
        Box::new(|_| Ok(()))
    }

    fn shutdown(&mut self, _: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn abandon(&mut self) {
        self.lose();
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.counters)
    }
}

#[cfg(feature = "alert")]
pub(super) use alerts::Alerts;

#[cfg(feature = "alert")]
mod alerts {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use crate::Error;
    use crate::alert::{Alert, AlertManager, Notifier, NotifyError};
    use crate::init::Builder;
    use crate::lock::lock;

    /// How long a capture waits for the thread that delivers alerts.
    const LONGEST: Duration = Duration::from_secs(5);

    type List = Arc<Mutex<Vec<Alert>>>;

    /// The alerts that handlers and rules send while a capture lasts.
    pub(in crate::testing) struct Alerts {
        manager: Option<AlertManager>,
        sent: List,
    }

    struct Listener(List);

    impl Notifier for Listener {
        fn name(&self) -> &'static str {
            "memory"
        }

        fn notify(&mut self, alert: &Alert, _: Instant) -> Result<(), NotifyError> {
            let mut sent = lock(&self.0);
            sent.push(alert.clone());
            Ok(())
        }
    }

    impl Alerts {
        /// Gives the builder a manager that keeps alerts, unless it has one of its own.
        pub(in crate::testing) fn listen(mut builder: Builder) -> Result<(Builder, Self), Error> {
            let sent = List::default();
            if builder.has_alerts() {
                let manager = None;
                return Ok((builder, Self { manager, sent }));
            }
            let listener = Listener(Arc::clone(&sent));
            let manager = AlertManager::builder().notifier(listener).build()?;
            let alerts = Self {
                manager: Some(manager.clone()),
                sent,
            };
            Ok((builder.alerts(manager), alerts))
        }

        /// Takes the alerts so far, in the order they were sent.
        pub(in crate::testing) fn taken(&self) -> Vec<Alert> {
            if let Some(manager) = &self.manager {
                // An alert that comes later is missing in the list, and the test reports that.
                let _ = manager.flush(LONGEST);
            }
            std::mem::take(&mut *lock(&self.sent))
        }
    }
}

/// Keeps the model calls that end.
#[cfg(feature = "llm")]
pub(super) fn calls(
    builder: crate::Builder,
) -> (crate::Builder, Arc<Mutex<Vec<crate::llm::CallRecord>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let builder = builder.on_llm_call(move |call| lock(&keep).push(call.clone()));
    (builder, kept)
}
