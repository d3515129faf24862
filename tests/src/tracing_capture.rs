//! What code with spans of `tracing` recorded.

use std::sync::{Arc, Mutex, PoisonError};

use obs_runtime::interop::tracing::{Events, layer};
use obs_runtime::testing::{self, Captured};
use tracing::Dispatch;
use tracing_subscriber::prelude::*;

/// A subscriber with nothing but the layer of obs.
pub fn subscriber(events: Events) -> Dispatch {
    Dispatch::new(tracing_subscriber::registry().with(layer().events(events)))
}

/// Text that a formatter writes; each clone is a writer of the same text.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Returns what has been written so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Captures what `f` records, its spans of `tracing` included.
pub fn capture<R>(f: impl FnOnce() -> R) -> Captured<R> {
    testing::capture(|| tracing::dispatcher::with_default(&subscriber(Events::Auto), f))
}

/// Runs a future on this thread alone, and captures what it records.
///
/// # Panics
/// When the runtime cannot start.
pub fn capture_async<F: Future>(future: F) -> Captured<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without a thread of its own");
    capture(|| runtime.block_on(future))
}

/// Asserts that the parent of each span is the one named beside it; an empty name stands for none. All are in one
/// trace with the span that they descend from.
///
/// # Panics
/// When it is not so.
#[track_caller]
pub fn assert_parents<R>(captured: &Captured<R>, parents: &[(&str, &str)]) {
    for (name, parent) in parents {
        let span = captured.span(name);
        if parent.is_empty() {
            assert_eq!(span.parent_id, None, "{name}\n{}", captured.tree());
            continue;
        }
        let expected = captured.span(parent);
        assert_eq!(
            (span.parent_id, span.trace_id),
            (Some(expected.span_id), expected.trace_id),
            "{name} below {parent}\n{}",
            captured.tree()
        );
    }
    assert_eq!(captured.spans.len(), parents.len(), "{}", captured.tree());
}
