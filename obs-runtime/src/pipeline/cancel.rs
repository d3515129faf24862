//! The handle that stops a run from the outside.
//!
//! A run and all handles share one flag and one [`Notify`]. The runner waits for it beside its
//! tasks; tasks can ask for it through their context.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use tokio::sync::Notify;

/// A handle that cancels one run of a pipeline. It is cheap to clone and to send.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use obs_runtime::pipeline::{Pipeline, RunState};
///
/// let pipeline = Pipeline::builder("endless")
///     .task("wait", [], |_| async { Ok::<(), String>(std::future::pending().await) })
///     .build()?;
/// let handle = pipeline.cancel_handle();
/// let (result, ()) = tokio::join!(pipeline.run(), async { handle.cancel() });
/// assert_eq!(result?.state, RunState::Cancelled);
/// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelHandle {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    cancelled: AtomicBool,
    notify: Notify,
}

impl CancelHandle {
    /// Cancels the run: tasks that have not finished end in the state `cancelled`.
    ///
    /// A run that has not begun is cancelled when it begins; a finished one stays as it is.
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::Release);
        self.inner.notify.notify_waiters();
    }

    /// Returns whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::Acquire)
    }

    /// Waits until [`cancel`](Self::cancel) is called.
    pub async fn cancelled(&self) {
        let notified = self.inner.notify.notified();
        tokio::pin!(notified);
        // Registered before the flag is read, so that a call between the two is not missed.
        notified.as_mut().enable();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}
