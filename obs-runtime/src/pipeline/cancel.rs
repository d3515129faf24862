//! The handle that stops a run from the outside, and what stops all of them.
//!
//! A run and all handles share one flag and one [`Notify`]. The runner waits for it beside its
//! tasks; tasks can ask for it through their context. A program that a signal ends cancels every run
//! of the process ([`cancel_all`]), so that handlers are called and the runs end as cancelled.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::fork::PerProcess;
use crate::lock::lock;

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

/// The runs of this process.
#[derive(Default)]
struct Runs {
    state: Mutex<State>,
    /// A run or an attempt has ended.
    ended: Notify,
}

#[derive(Default)]
struct State {
    /// The handles of those that have begun and not ended.
    running: Vec<CancelHandle>,
    /// Threads that are inside of synchronous tasks, also those that no run waits for any more.
    blocking: usize,
    /// Whether the program is to end: a run that begins now is cancelled.
    is_ending: bool,
}

static RUNS: PerProcess<Runs> = PerProcess::new(Runs::default);

/// Keeps a run among those of the process, from its begin until its handlers have returned.
pub(super) struct Running(CancelHandle);

impl Running {
    pub(super) fn begin(handle: &CancelHandle) -> Self {
        let mut state = lock(&RUNS.state);
        state.running.push(handle.clone());
        let is_ending = state.is_ending;
        drop(state);
        if is_ending {
            handle.cancel();
        }
        Self(handle.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock(&RUNS.state);
        let is_this = |other: &CancelHandle| Arc::ptr_eq(&other.inner, &self.0.inner);
        if let Some(at) = state.running.iter().position(is_this) {
            state.running.swap_remove(at);
        }
        drop(state);
        RUNS.ended.notify_waiters();
    }
}

/// Keeps an attempt of a synchronous task among those of the process, until its thread has left it.
pub(super) struct Blocking(());

impl Blocking {
    pub(super) fn begin() -> Self {
        lock(&RUNS.state).blocking += 1;
        Self(())
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        lock(&RUNS.state).blocking -= 1;
        RUNS.ended.notify_waiters();
    }
}

/// Cancels every run of the process, also those that begin later.
#[cfg_attr(
    test,
    allow(dead_code, reason = "it would cancel the runs of other tests")
)]
pub(crate) fn cancel_all() {
    let mut state = lock(&RUNS.state);
    state.is_ending = true;
    let running = state.running.clone();
    drop(state);
    running.iter().for_each(CancelHandle::cancel);
}

/// Waits until no run is left, and no thread is inside of a synchronous task: it may have asked
/// whether it is to stop, and be about to.
#[cfg_attr(test, allow(dead_code, reason = "runs of other tests may not end"))]
pub(crate) async fn all_ended() {
    loop {
        let ended = RUNS.ended.notified();
        tokio::pin!(ended);
        // Registered before the list is read, so that an end between the two is not missed.
        ended.as_mut().enable();
        let is_over = {
            let state = lock(&RUNS.state);
            state.running.is_empty() && state.blocking == 0
        };
        if is_over {
            return;
        }
        ended.await;
    }
}
