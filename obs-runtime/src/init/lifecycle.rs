//! The flush and the end of an `Observability`: its metric readers first, then the sinks of its drain.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use crate::Error;
use crate::clock::Moment;
use crate::error::ErrorKind;
use crate::fork::Process;
use crate::guarded::guarded;
use crate::lock::lock;
use crate::processor::drain::{self, Patience};
use crate::processor::scope_drain::ScopeDrain;
use crate::processor::sink::MetricReader;
use crate::redact;
use crate::self_log;
use crate::self_obs::{LogStats, SpanStats};
use crate::trace::{gate, sampler};

/// The longest that `force_flush`, and the end of the guard, wait for the exporters.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

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
        let Some(mut readers) = place.take() else {
            return Ok(());
        };
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
        self_log::end(deadline);
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

/// Joins the errors of several steps into one: a timeout if each is one.
fn join(results: impl Iterator<Item = Result<(), Error>>) -> Result<(), Error> {
    let errors: Vec<Error> = results.filter_map(Result::err).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let kind = if errors.iter().all(Error::is_timeout) {
        ErrorKind::Timeout
    } else {
        ErrorKind::Export
    };
    let texts: Vec<String> = errors.iter().map(Error::to_string).collect();
    Err(Error::new(kind, texts.join("; ")))
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
