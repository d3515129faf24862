//! What is said of a running span where it is not the thread's context: it waits until the span ends.
//!
//! Whoever holds a span of obs without entering it says it here, from any thread: OpenTelemetry's
//! context through its boundary, `tracing` through its `Span::current()`.

use core::mem;
#[cfg(feature = "tracing")]
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard};

use crate::lock::lock;
use crate::self_obs;
use crate::trace::attribute::SpanExtra;

/// The changes of a span that were made where it is not the thread's context.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(Mutex<Changes>);

#[derive(Debug, Default)]
enum Changes {
    #[default]
    Nothing,
    Something(Box<SpanExtra>),
    /// The span has ended.
    Closed,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Changes> {
        lock(&self.0)
    }

    /// Changes the span when it ends. What comes after that is counted as late.
    pub(crate) fn change(&self, change: impl FnOnce(&mut SpanExtra)) {
        let mut said = self.lock();
        match &mut *said {
            Changes::Something(said) => change(said),
            Changes::Nothing => {
                let mut first = Box::<SpanExtra>::default();
                change(&mut first);
                *said = Changes::Something(first);
            }
            Changes::Closed => self_obs::count_late(),
        }
    }

    #[cfg(feature = "opentelemetry")]
    pub(crate) fn is_closed(&self) -> bool {
        matches!(*self.lock(), Changes::Closed)
    }

    /// Returns the changes that were made, and counts later ones as late.
    pub(crate) fn close(&self) -> Option<Box<SpanExtra>> {
        match mem::replace(&mut *self.lock(), Changes::Closed) {
            Changes::Something(said) => Some(said),
            Changes::Nothing | Changes::Closed => None,
        }
    }
}

/// The mailboxes of a span, which is entered, or has been.
#[cfg(feature = "tracing")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Mailboxes(Vec<Arc<Mailbox>>);

#[cfg(feature = "tracing")]
impl Mailboxes {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the mailbox of this entry of the span.
    pub(crate) fn get(&mut self) -> Arc<Mailbox> {
        if self.0.is_empty() {
            self.0.push(Arc::default());
        }
        Arc::clone(&self.0[0])
    }

    /// Adds those of another entry, but for the ones that nobody holds any more: what these hold is
    /// returned.
    pub(crate) fn merge(&mut self, others: Self) -> Vec<SpanExtra> {
        let mut said = Vec::new();
        for mailbox in others.0 {
            if Arc::strong_count(&mailbox) > 1 {
                self.0.push(mailbox);
            } else {
                said.extend(mailbox.close().map(|said| *said));
            }
        }
        said
    }

    /// Closes all of them, and returns what they hold.
    pub(crate) fn close(&mut self) -> Vec<SpanExtra> {
        let all = mem::take(&mut self.0).into_iter();
        all.filter_map(|mailbox| mailbox.close().map(|said| *said))
            .collect()
    }
}

#[cfg(all(test, feature = "tracing"))]
#[path = "mailbox_tests.rs"]
mod tests;
