//! Threads, and parts of them, on which nothing is recorded.
//!
//! What exports telemetry may use annotated functions, HTTP clients and libraries that record. If
//! that were recorded, each export would make the next one: threads of obs record nothing.
//!
//! It is a flag of the thread's context, in which then no span is entered. The usual beginning of a
//! call is that of a child of a sampled span, so it never meets the flag; all others look at it.

use core::marker::PhantomData;

use crate::trace::local::{Saved, flag, local};

/// The scope of calls that are not measured. No `Observability` gets this number.
#[cfg_attr(
    not(any(
        test,
        feature = "testing",
        feature = "llm",
        feature = "tower",
        feature = "reqwest"
    )),
    allow(dead_code, reason = "used where calls are measured")
)]
pub(crate) const NOBODY: u16 = u16::MAX;

/// Records nothing on this thread until the guard is dropped: no spans, no calls, no model calls.
///
/// It is what OpenTelemetry calls "suppress instrumentation", for code that works for telemetry
/// itself on threads of its own: a queue behind a `RecordExporter`, the runtime of a client. On the
/// threads of obs, which call exporters, notifiers and sources of metrics, it is so anyway. No span
/// is current meanwhile, so none is passed on to other services. Instruments that are counted by
/// hand go on counting. A call or a future that began before is recorded as it would be without.
///
/// ```
/// use obs_runtime::{current, testing, traced};
///
/// #[traced]
/// fn helper() {}
///
/// let captured = testing::capture(|| {
///     let guard = current::suppress();
///     helper();
///     drop(guard);
///     helper();
/// });
/// assert_eq!(captured.spans.len(), 1);
/// ```
///
/// For a thread that does nothing else the guard is never dropped:
///
/// ```
/// std::thread::spawn(|| {
///     core::mem::forget(obs_runtime::current::suppress());
///     // … sends what was queued …
/// });
/// ```
pub fn suppress() -> Suppressed {
    let local = local();
    let saved = local.save();
    local.suppress();
    Suppressed {
        saved,
        not_send: PhantomData,
    }
}

/// A guard: nothing is recorded on this thread until it is dropped. See [`suppress`].
///
/// Guards are dropped in the reverse order of their creation.
#[derive(Debug)]
#[must_use = "recording goes on when the guard is dropped"]
pub struct Suppressed {
    saved: Saved,
    /// The thread's context must be put back on this thread.
    not_send: PhantomData<*const ()>,
}

impl Drop for Suppressed {
    fn drop(&mut self) {
        local().restore(&self.saved);
    }
}

/// Records nothing on this thread from now on: it is one of obs.
///
/// What libraries log on it is about the work of obs, and not taken for the program's.
pub(crate) fn own_thread() {
    local().suppress();
}

/// Returns whether nothing is recorded here.
pub(crate) fn is_suppressed() -> bool {
    local().flags.get() & flag::SUPPRESSED != 0
}

#[cfg(test)]
#[path = "suppress_tests.rs"]
mod tests;
