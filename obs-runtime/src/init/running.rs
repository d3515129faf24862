//! What the guard flushes and ends; and the end of the process, if the guard does not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;
use crate::error::ErrorKind;
use crate::fork::Process;
use crate::init::observability::Pusher;
use crate::processor::drain;
use crate::redact;
use crate::trace::{gate, sampler};

/// How long `force_flush`, and the end of the guard, wait for the exporters.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// The part of an `Observability` that ends.
pub(crate) struct Running {
    scope: u16,
    /// A forked child leaves it to its parent: waiting for the parent's threads could take for ever.
    process: Process,
    /// None once it has ended; locked until the end is over, so that nobody leaves the process before.
    pushers: Mutex<Option<Vec<Box<dyn Pusher>>>>,
    ended: AtomicBool,
}

impl Running {
    pub(super) fn new(scope: u16, pushers: Vec<Box<dyn Pusher>>) -> Self {
        Self {
            scope,
            process: Process::current(),
            pushers: Mutex::new(Some(pushers)),
            ended: AtomicBool::new(false),
        }
    }

    /// Whether it is over, or about to be.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Box<dyn Pusher>>>> {
        self.pushers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "http")]
    pub(super) fn add(&self, pusher: Box<dyn Pusher>) {
        if let Some(pushers) = &mut *self.lock() {
            pushers.push(pusher);
        }
    }

    pub(super) fn flush(&self, deadline: Instant) -> Result<(), Error> {
        if !self.process.is_current() {
            return Ok(());
        }
        let spans = drain::after_pass(self.scope, drain::Consumer::flush_sinks);
        let pushers = self.lock();
        let pushed = pushers.iter().flatten().map(|p| p.flush());
        // Everything is under way before anything is waited for.
        let pending: Vec<_> = spans
            .unwrap_or_default()
            .into_iter()
            .chain(pushed)
            .collect();
        drop(pushers);
        join(pending.into_iter().map(|wait| wait(deadline)))
    }

    /// Whoever comes first ends it; others wait until that is done.
    pub(super) fn end(&self, deadline: Instant) -> Result<(), Error> {
        self.ended.store(true, Ordering::Relaxed);
        if !self.process.is_current() {
            return Ok(());
        }
        let mut place = self.lock();
        let Some(mut pushers) = place.take() else {
            return Ok(());
        };
        // The spans are under way while the metrics are sent.
        drain::after_pass(self.scope, drain::Consumer::flush_sinks);
        gate::set(self.scope, None);
        sampler::set(self.scope, None);
        // Metrics first: the last collection must still see the drain's counts.
        let results = pushers.iter_mut().map(|p| p.shutdown(deadline)).collect();
        self.end_sinks(deadline, results)
    }

    fn end_sinks(
        &self,
        deadline: Instant,
        mut results: Vec<Result<(), Error>>,
    ) -> Result<(), Error> {
        if let Some(scope) = drain::remove(self.scope) {
            let (spans, logs) = scope.into_sinks();
            results.extend(spans.into_iter().map(|mut s| s.shutdown(deadline)));
            results.extend(logs.into_iter().map(|mut s| s.shutdown(deadline)));
        }
        redact::custom::set(self.scope, None);
        join(results.into_iter())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.process.is_current()
            && let Ok(place) = self.pushers.get_mut()
        {
            // Dropping a pusher would wait for a thread of the parent.
            core::mem::forget(place.take());
        }
    }
}

/// All results, or the first error with the others behind it.
fn join(results: impl Iterator<Item = Result<(), Error>>) -> Result<(), Error> {
    let errors: Vec<String> = results
        .filter_map(Result::err)
        .map(|e| e.to_string())
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Export, errors.join("; ")))
    }
}
