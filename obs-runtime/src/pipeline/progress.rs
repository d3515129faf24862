//! How far a run is: asked of its runner, which answers as soon as something has changed.
//!
//! Nobody who does not ask pays for it. Whoever asks slowly sees fewer states, and the latest one.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::pipeline::runner::{Mailbox, Message};
pub use crate::pipeline::state::ItemProgress;
use crate::pipeline::state::{RunState, TaskState};

/// How far a run is.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use obs_runtime::pipeline::Pipeline;
///
/// let load = |context: obs_runtime::pipeline::TaskContext| async move {
///     context.progress(3, 10);
///     Ok::<_, String>(())
/// };
/// let pipeline = Pipeline::builder("etl").task("load", [], load).build()?;
/// let mut run = pipeline.start().await?;
/// while let Some(progress) = run.progress().await {
///     println!("{} of {} tasks have ended", progress.ended(), progress.tasks.len());
/// }
/// assert!(run.wait().await?.succeeded());
/// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The state of the run; [`RunState::Running`] until its last task has ended.
    pub state: RunState,
    /// The tasks, each after those that it depends on.
    pub tasks: Vec<TaskProgress>,
}

impl Progress {
    /// Returns the number of tasks in a state.
    pub fn count(&self, state: TaskState) -> usize {
        self.tasks.iter().filter(|task| task.state == state).count()
    }

    /// Returns the number of tasks that have ended, in whatever state.
    pub fn ended(&self) -> usize {
        let ended = self.tasks.iter().filter(|task| task.state.is_terminal());
        ended.count()
    }

    /// Returns the number of tasks that failed, timed out, panicked or crashed.
    pub fn failed(&self) -> usize {
        let failed = self.tasks.iter().filter(|task| task.state.is_failure());
        failed.count()
    }
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskProgress {
    /// The task's name.
    pub name: Cow<'static, str>,
    /// Its state now.
    pub state: TaskState,
    /// What it said last with [`TaskContext::progress`](crate::pipeline::TaskContext::progress): how
    /// much is done, and of how much. Another attempt begins with what the one before has said.
    pub said: Option<(u64, u64)>,
    /// Its items, if it is mapped and they have been counted.
    pub items: Option<ItemProgress>,
}

/// Follows a run from anywhere: [`RunHandle::watch`](crate::pipeline::RunHandle::watch) returns it.
#[derive(Clone)]
pub struct ProgressWatch {
    mailbox: Arc<Mailbox>,
    /// The changes that have been seen.
    seen: u64,
}

/// Someone who waits for a change.
pub(crate) struct Asked {
    /// The changes that are known already.
    pub(crate) seen: u64,
    pub(crate) answer: oneshot::Sender<(u64, Progress)>,
}

impl ProgressWatch {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, seen: 0 }
    }

    /// Waits until something has changed since the last call, and returns how far the run is; none
    /// once it has ended and its last state was returned. The first call returns at once.
    ///
    /// Of a run that nobody followed until its end no last state is kept.
    ///
    /// An answer takes time in proportion to the tasks, so whoever follows a large run for people
    /// to see waits for a while between two calls.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Progress> {
        let (seen, progress) = self.ask(self.seen).await?;
        self.seen = seen;
        Some(progress)
    }

    /// Waits until the run's last task has ended; none if it had before.
    #[cfg(feature = "progress")]
    pub(super) async fn last(self) -> Option<Progress> {
        Some(self.ask(u64::MAX).await?.1)
    }

    async fn ask(&self, seen: u64) -> Option<(u64, Progress)> {
        let (answer, told) = oneshot::channel();
        self.mailbox.send(Message::Asked(Asked { seen, answer }));
        told.await.ok()
    }
}

impl core::fmt::Debug for ProgressWatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ProgressWatch")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
