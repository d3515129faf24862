//! A future that is dropped before it has ended: its call was cancelled, unless whoever drops it says
//! that it failed.

#[cfg(feature = "pipeline")]
use core::cell::RefCell;

use super::{FutureCore, FutureSpan, OWN, mode};
#[cfg(feature = "pipeline")]
use crate::callsite::Construct;
#[cfg(feature = "pipeline")]
use crate::trace::SpanContext;
#[cfg(feature = "pipeline")]
use crate::trace::attribute::SpanError;
#[cfg(feature = "opentelemetry")]
use crate::trace::bridge::context as bridge;
use crate::trace::local::{Local, Saved, flag, local};
use crate::trace::view::Outcome;

#[cfg(feature = "pipeline")]
thread_local! {
    /// Why a task is being dropped on this thread: its span, if it is recorded, and the error.
    static FAILED: RefCell<Option<(Option<SpanContext>, SpanError)>> =
        const { RefCell::new(None) };
}

/// Drops the attempt of a task that has failed from the outside. Its span ends with the error; what is
/// open inside of it was cancelled.
#[cfg(feature = "pipeline")]
pub(crate) fn drop_failed<T>(attempt: T, span: Option<SpanContext>, error: SpanError) {
    struct Forget;

    impl Drop for Forget {
        fn drop(&mut self) {
            FAILED.set(None);
        }
    }

    FAILED.set(Some((span, error)));
    let _forget = Forget;
    drop(attempt);
}

/// Returns why this call failed, if it is the one that is being dropped. At the end of a thread, whose
/// thread locals may hold futures, nobody says so any more.
#[cfg(feature = "pipeline")]
fn failure(core: &FutureCore) -> Option<SpanError> {
    let is_it = |of: &Option<SpanContext>| match of {
        Some(span) => span.span_id().0 == core.span,
        // It is only counted, as all calls of its run.
        None => core.site.construct() == Construct::PipelineTask,
    };
    let taken = FAILED.try_with(|failed| {
        let mut failed = failed.try_borrow_mut().ok()?;
        let (_, error) = failed.take_if(|(span, _)| is_it(span))?;
        Some(error)
    });
    taken.ok().flatten()
}

impl<const N: usize> FutureSpan<N> {
    /// Ends the call of a future that is dropped.
    #[cold]
    pub(super) fn abandon(&mut self) {
        if self.core.state & mode::ENTERED != 0 {
            self.core.change_places(local());
        }
        #[cfg(feature = "pipeline")]
        if let Some(error) = failure(&self.core) {
            return self.fail(error);
        }
        self.end(Outcome::Cancelled);
    }
}

impl FutureCore {
    /// Exchanges the call's context with the thread's, in the memory that the call has anyway.
    ///
    /// The first call enters the span, the second leaves it; both happen on the same thread.
    pub(super) fn change_places(&mut self, local: &Local) {
        let leaves = self.state & mode::ENTERED != 0;
        #[cfg(feature = "opentelemetry")]
        if self.state & mode::BRIDGED != 0 {
            bridge::leave(local.span.get());
        }
        let thread = local.save();
        let remote = if leaves { mode::REMOTE } else { flag::REMOTE };
        let remote = self.state & remote != 0;
        local.restore(&Saved {
            trace_hi: self.trace_hi,
            trace_lo: self.trace_lo,
            span: self.span,
            flags: self.state & !mode::ALL & if leaves { u64::MAX } else { OWN },
            extra: self.extra,
        });
        self.trace_hi = thread.trace_hi;
        self.trace_lo = thread.trace_lo;
        self.span = thread.span;
        self.extra = thread.extra;
        let kept = self.state & (mode::MASK | mode::FIELDS | mode::BOUNDARY);
        self.state = kept | thread.flags;
        if !leaves {
            self.state |= mode::ENTERED | if remote { mode::REMOTE } else { 0 };
            #[cfg(feature = "opentelemetry")]
            if bridge::enter_future(local, self.state) {
                self.state |= mode::BRIDGED;
            }
        } else if remote {
            self.state |= flag::REMOTE;
        }
    }
}
