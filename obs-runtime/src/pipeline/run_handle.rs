//! A run that has begun, as whoever started it sees it.

use core::fmt;

use tokio::sync::oneshot;

use crate::Error;
use crate::error::ErrorKind;
use crate::pipeline::{CancelHandle, RunResult};

/// A run that has begun: [`Pipeline::start`](crate::pipeline::Pipeline::start) returns it.
///
/// The run goes on if it is dropped.
#[must_use = "the run goes on, and nobody learns how it ends"]
pub struct RunHandle {
    id: String,
    cancel: CancelHandle,
    told: oneshot::Receiver<Told>,
}

/// What a run tells whoever waits for it.
pub(super) type Told = Result<RunResult, RunnerPanicked>;

/// What ran a run is gone, because it panicked.
#[derive(Debug)]
pub(super) struct RunnerPanicked;

impl RunHandle {
    pub(super) fn new(id: String, cancel: CancelHandle, told: oneshot::Receiver<Told>) -> Self {
        Self { id, cancel, told }
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

    /// Waits until the run has ended and its handlers have been called. Dropping the future leaves
    /// the run as it is.
    ///
    /// # Errors
    /// Returns an error when the runtime was shut down before the run had ended, or its runner
    /// panicked.
    pub async fn wait(self) -> Result<RunResult, Error> {
        let why = match self.told.await {
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
