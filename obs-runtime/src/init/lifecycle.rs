//! The flush and the end of an `Observability`: its metric readers first, then the sinks of its drain.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Error;
use crate::clock::Moment;
use crate::error::ErrorKind;
use crate::fork::Process;
use crate::guarded::guarded;
use crate::lock::{lock, wait};
use crate::processor::drain::{self, Patience};
use crate::processor::scope_drain::ScopeDrain;
use crate::processor::sink::MetricReader;
use crate::redact;
use crate::self_log::{self, Ending, LAST_LINES};
use crate::self_obs::{self, LogStats, SpanStats};
use crate::trace::{gate, sampler};

/// The longest that `force_flush`, and the end of the guard, wait for the exporters.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// How long the end waits without a word.
pub(crate) const SILENT: Duration = Duration::from_secs(1);

/// A guard that ends sooner than this was most likely not kept.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Flushes and ends what runs for one scope; the guard and the end of the process share it.
pub(crate) struct Lifecycle {
    scope: u16,
    /// A forked child leaves it to its parent: waiting for the parent's threads could take for ever.
    process: Process,
    /// None once it has ended; locked until the end is over, so that nobody leaves the process before.
    readers: Mutex<Option<Vec<Box<dyn MetricReader>>>>,
    began: Moment,
    ended: AtomicBool,
    /// What the drain said last.
    account: OnceLock<(SpanStats, LogStats)>,
}

impl Lifecycle {
    pub(super) fn new(scope: u16, readers: Vec<Box<dyn MetricReader>>) -> Self {
        Self {
            scope,
            process: Process::current(),
            readers: Mutex::new(Some(readers)),
            began: Moment::now(),
            ended: AtomicBool::new(false),
            account: OnceLock::new(),
        }
    }

    /// Returns whether it is over, or about to be.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Returns what was recorded until the end, once that has come.
    pub(super) fn last_account(&self) -> Option<(SpanStats, LogStats)> {
        self.account.get().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Box<dyn MetricReader>>>> {
        lock(&self.readers)
    }

    pub(super) fn flush(&self, deadline: Instant) -> Result<(), Error> {
        if !self.process.is_current() {
            return Ok(());
        }
        let patience = Patience::half_until(deadline);
        let spans = drain::after_pass(self.scope, patience, |scope, is_whole| {
            (scope.flush_sinks(is_whole), is_whole)
        });
        let (spans, is_whole) = spans?.unwrap_or((Vec::new(), true));
        let readers = self.lock();
        let metrics = readers.iter().flatten().map(|r| r.flush());
        // Everything is under way before anything is waited for.
        let pending: Vec<_> = spans.into_iter().chain(metrics).collect();
        drop(readers);
        let unread = if is_whole { Ok(()) } else { Err(drain::late()) };
        let results = pending.into_iter().map(|wait| wait(deadline));
        join(results.chain([unread]))
    }

    /// Ends it, if nobody has yet; who comes later waits until that is done.
    pub(super) fn end(&self, deadline: Instant) -> Result<(), Error> {
        self.ended.store(true, Ordering::Relaxed);
        if !self.process.is_current() {
            return Ok(());
        }
        let mut place = self.lock();
        let Some(readers) = place.take() else {
            return Ok(());
        };
        // Captures of tests have their results to look at.
        if self.scope != 0 {
            return self.end_all(readers, deadline);
        }
        let ending = Ending::begin();
        let watch = Watch::start(deadline);
        let result = self.end_all(readers, deadline);
        drop((watch, ending));
        if let Err(error) = &result {
            self_log::warn_from_host("end", "lost", format_args!("{error}"));
        }
        self_log::end(deadline.max(Instant::now() + LAST_LINES));
        result
    }

    fn end_all(
        &self,
        mut readers: Vec<Box<dyn MetricReader>>,
        deadline: Instant,
    ) -> Result<(), Error> {
        // The spans are under way while the metrics are sent.
        let patience = Patience::half_until(deadline);
        let _ = drain::after_pass(self.scope, patience, ScopeDrain::flush_sinks);
        gate::set(self.scope, None);
        sampler::set(self.scope, None);
        // Metrics first: the last collection must still see the drain's counts.
        let results = readers.iter_mut().map(|r| ended(|| r.shutdown(deadline)));
        let mut results: Vec<_> = results.collect();
        let keep = |account| {
            let _ = self.account.set(account);
        };
        if let Some(scope) = drain::remove(self.scope, deadline, keep) {
            if self.scope == 0 && self.began.elapsed() < AT_ONCE && scope.saw_nothing() {
                gate::leave_ajar();
            }
            let (spans, logs) = scope.into_sinks();
            results.extend(
                spans
                    .into_iter()
                    .map(|mut s| ended(|| s.shutdown(deadline))),
            );
            results.extend(logs.into_iter().map(|mut s| ended(|| s.shutdown(deadline))));
        }
        drain::end_thread(deadline);
        redact::custom::set(self.scope, None);
        join(results.into_iter())
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        if !self.process.is_current()
            && let Ok(place) = self.readers.get_mut()
        {
            // Dropping a reader would wait for a thread of the parent.
            core::mem::forget(place.take());
        }
    }
}

/// Ends a reader or a sink, on a thread of the program: a panic of theirs is an error like another.
fn ended(end: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let panicked = || Err(Error::new(ErrorKind::Export, "an exporter panicked"));
    guarded(end).unwrap_or_else(panicked)
}

/// Joins the errors of several steps into one.
fn join(results: impl Iterator<Item = Result<(), Error>>) -> Result<(), Error> {
    Error::join(results.filter_map(Result::err).collect()).map_or(Ok(()), Err)
}

/// Says that the end takes long, if it does.
struct Watch {
    /// Whether the end is over.
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn start(deadline: Instant) -> Self {
        let over: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let shared = Arc::clone(&over);
        let silent_until = Instant::now() + SILENT;
        let run = move || {
            let (lock_of, changed) = &*shared;
            let is_over = wait(changed, lock(lock_of), Some(silent_until), |over| *over);
            if *is_over {
                return;
            }
            drop(is_over);
            let left = deadline.saturating_duration_since(Instant::now());
            let text = format_args!(
                "not everything that was recorded is delivered yet; waiting for it up to {:.0} s more",
                left.as_secs_f64()
            );
            self_log::warn_from_host("end", "waits", text);
        };
        // Without the thread the end is silent.
        let thread = self_obs::start_thread("obs-end", run).ok();
        Self { over, thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *lock(&self.over.0) = true;
        self.over.1.notify_all();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
