//! A future that is dropped before it has ended: its call was cancelled, unless whoever drops it says
//! that it failed.

#[cfg(feature = "pipeline")]
use core::cell::RefCell;

#[cfg(feature = "pipeline")]
use super::FutureCore;
use super::{FutureSpan, mode};
#[cfg(feature = "pipeline")]
use crate::callsite::Construct;
#[cfg(feature = "pipeline")]
use crate::trace::SpanContext;
#[cfg(feature = "pipeline")]
use crate::trace::attribute::SpanError;
use crate::trace::local::local;
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
