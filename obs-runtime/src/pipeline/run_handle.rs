//! A run that has begun, as whoever started it sees it.

use core::fmt;
use std::borrow::Cow;

use tokio::sync::oneshot;

use crate::error::ErrorKind;
use crate::pipeline::{CancelHandle, Progress, ProgressWatch, RunResult};
use crate::{Error, self_log};

/// A run that has begun: [`Pipeline::start`](crate::pipeline::Pipeline::start) returns it.
///
/// The run goes on if it is dropped.
#[must_use = "the run goes on, and nobody learns how it ends"]
pub struct RunHandle {
    id: String,
    cancel: CancelHandle,
    watch: ProgressWatch,
    told: oneshot::Receiver<Told>,
    /// What shows people how far it is.
    #[cfg(feature = "progress")]
    shown: Option<tokio::task::JoinHandle<()>>,
}

/// What a run tells whoever waits for it.
pub(super) type Told = Result<RunResult, RunnerPanicked>;

/// What ran a run is gone, because it panicked.
#[derive(Debug)]
pub(super) struct RunnerPanicked;

impl RunHandle {
    pub(super) fn new(
        id: String,
        cancel: CancelHandle,
        watch: ProgressWatch,
        told: oneshot::Receiver<Told>,
    ) -> Self {
        Self {
            id,
            cancel,
            watch,
            told,
            #[cfg(feature = "progress")]
            shown: None,
        }
    }

    /// Shows people how far the run is, until it has ended.
    #[cfg(feature = "progress")]
    pub(super) fn shown(mut self, pipeline: Cow<'static, str>) -> Self {
        self.shown = Some(crate::pipeline::show::show(pipeline, self.watch()));
        self
    }

    /// Returns the run's id, as its result has it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Cancels the run: see [`CancelHandle::cancel`].
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Returns a handle that cancels the run from anywhere.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// Waits until something has changed since the last call, and returns how far the run is: see
    /// [`ProgressWatch::next`].
    pub async fn progress(&mut self) -> Option<Progress> {
        self.watch.next().await
    }

    /// Returns what follows the run from anywhere, as beside [`wait`](Self::wait).
    pub fn watch(&self) -> ProgressWatch {
        self.watch.clone()
    }

    /// Waits until the run has ended and its handlers have been called. Dropping the future leaves
    /// the run as it is.
    ///
    /// # Errors
    /// Returns an error when the runtime was shut down before the run had ended, or its runner
    /// panicked.
    pub async fn wait(self) -> Result<RunResult, Error> {
        let told = self.told.await;
        // What it writes last comes before what the program says of the result.
        #[cfg(feature = "progress")]
        if let Some(shown) = self.shown {
            let _ = shown.await;
        }
        let why = match told {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(RunnerPanicked)) => "its runner panicked, which is a defect of obs",
            Err(_) => "its tokio runtime was shut down before it had ended",
        };
        Err(Error::new(
            ErrorKind::Pipeline,
            format!("run {} has no result: {why}", self.id),
        ))
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Tells how a run ended, and says of one that did not why: its runtime was shut down, or its
/// runner panicked.
pub(super) struct Teller {
    pipeline: Cow<'static, str>,
    tell: Option<oneshot::Sender<Told>>,
}

impl Teller {
    pub(super) fn new(pipeline: Cow<'static, str>, tell: oneshot::Sender<Told>) -> Self {
        Self {
            pipeline,
            tell: Some(tell),
        }
    }

    pub(super) fn tell(mut self, result: RunResult) {
        if let Some(tell) = self.tell.take() {
            // An error says that nobody waits for it.
            let _ = tell.send(Ok(result));
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let pipeline = &self.pipeline;
        let Some(tell) = self.tell.take() else { return };
        if std::thread::panicking() {
            let _ = tell.send(Err(RunnerPanicked));
            return self_log::warn_from_host(
                "pipeline",
                "panicked",
                format_args!(
                    "`{pipeline}`: the runner panicked before the run had ended, so no handler was called \
                     for it: this is a defect of obs, please report it with the panic"
                ),
            );
        }
        self_log::warn_from_host(
            "pipeline",
            "cut_off",
            format_args!(
                "`{pipeline}`: the tokio runtime was shut down before the run had ended, so no handler was \
                 called for it: wait for the run, or for `RunHandle::wait`, before the runtime goes"
            ),
        );
    }
}
