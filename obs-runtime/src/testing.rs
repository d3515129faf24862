//! For tests: what the code under test recorded, without any global state.
//!
//! Each capture is an `Observability` of its own: tests that run in parallel see only their spans,
//! also those of tasks and threads that carry the span's context.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::exporter::{PendingFlush, SpanSink};
use crate::init::Observability;
use crate::metrics::MetricFamily;
use crate::processor::drain;
use crate::self_obs::ExporterCounters;
use crate::trace::local::{Local, Saved, flag, local};
use crate::trace::{SpanRecord, SpanView};
use crate::{Error, Level};

/// What was recorded during a capture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Captured<R> {
    /// What the code returned.
    pub value: R,
    /// The spans in the order they ended.
    pub spans: Vec<SpanRecord>,
    /// The metrics, of functions and instruments.
    pub metrics: Vec<MetricFamily>,
}

impl<R> Captured<R> {
    /// The only span of the given name.
    ///
    /// # Panics
    /// When there is none, or more than one; the message lists what was recorded.
    pub fn span(&self, name: &str) -> &SpanRecord {
        let found: Vec<_> = self.spans.iter().filter(|s| s.name == name).collect();
        assert!(
            found.len() == 1,
            "expected one span `{name}`, found {}; recorded: {:?}",
            found.len(),
            self.spans.iter().map(|s| &*s.name).collect::<Vec<_>>()
        );
        found[0]
    }
}

/// Runs `f` and returns what it recorded, at every level.
///
/// ```
/// use obs_runtime::{testing, traced};
///
/// #[traced]
/// fn double(n: u32) -> u32 {
///     n * 2
/// }
///
/// let captured = testing::capture(|| double(4));
/// assert_eq!(captured.value, 8);
/// assert_eq!(captured.span("double").outcome.as_str(), "ok");
/// ```
///
/// # Panics
/// When the capture cannot start: the thread of the drain was refused.
pub fn capture<R>(f: impl FnOnce() -> R) -> Captured<R> {
    let capture = Capture::start();
    let inside = Inside::enter(capture.obs.scope_id());
    let value = f();
    drop(inside);
    capture.finish(value)
}

/// Runs a future and returns what it recorded, at every level.
///
/// # Panics
/// As [`capture`].
pub async fn capture_async<F: Future>(future: F) -> Captured<F::Output> {
    let capture = Capture::start();
    let scope = capture.obs.scope_id();
    let mut future = core::pin::pin!(future);
    let value = core::future::poll_fn(|cx| {
        let _inside = Inside::enter(scope);
        future.as_mut().poll(cx)
    })
    .await;
    capture.finish(value)
}

struct Capture {
    obs: Observability,
    spans: Arc<Mutex<Vec<SpanRecord>>>,
}

impl Capture {
    fn start() -> Self {
        let sink = Memory::default();
        let spans = Arc::clone(&sink.spans);
        let obs = Observability::builder()
            .max_level(Level::Trace)
            .start_scoped(vec![Box::new(sink)])
            .unwrap_or_else(|e| panic!("{e}"));
        Self { obs, spans }
    }

    fn finish<R>(self, value: R) -> Captured<R> {
        let metrics = self.obs.collect_metrics();
        drain::after_pass(self.obs.scope_id(), |_| ());
        let spans = std::mem::take(&mut *self.spans.lock().unwrap_or_else(PoisonError::into_inner));
        Captured {
            value,
            spans,
            metrics,
        }
    }
}

/// The thread belongs to a scope, outside of any span, until this is dropped.
struct Inside {
    saved: Saved,
}

impl Inside {
    fn enter(scope: u16) -> Self {
        let local: &Local = local();
        let saved = local.save();
        local.attach(None);
        local.flags.set(u64::from(scope) << flag::SCOPE_SHIFT);
        Self { saved }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        local().restore(&self.saved);
    }
}

/// Keeps spans in memory.
struct Memory {
    spans: Arc<Mutex<Vec<SpanRecord>>>,
    counters: Arc<ExporterCounters>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            spans: Arc::default(),
            counters: Arc::new(ExporterCounters::new("memory")),
        }
    }
}

impl SpanSink for Memory {
    fn span(&mut self, span: &SpanView<'_>) {
        use std::sync::atomic::Ordering;
        let record = SpanRecord::from_view(span);
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        self.counters.taken.fetch_add(1, Ordering::AcqRel);
        spans.push(record);
        self.counters.exported.fetch_add(1, Ordering::AcqRel);
    }

    fn pass_end(&mut self, _: bool) {}

    fn flush(&mut self) -> PendingFlush {
        Box::new(|_| Ok(()))
    }

    fn shutdown(&mut self, _: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.counters)
    }
}
