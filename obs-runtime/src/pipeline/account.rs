//! What the model calls and tool calls of a run use: a frame for the run, and one for each task inside
//! of it. Agents inside of a task have theirs inside of that one.

use core::cmp::Reverse;
use std::borrow::Cow;

use crate::llm::{Frame, Opened, Spent};
use crate::pipeline::{RunResult, TaskResult};
use crate::trace::frame::FrameId;
use crate::trace::local::local;

/// A frame of a run or a task, while it goes on.
#[derive(Debug)]
pub(crate) struct Account(Opened);

impl Account {
    /// Opens the frame of a run, inside of the one that is open on this thread.
    pub(crate) fn of_run(pipeline: Cow<'static, str>) -> Option<Self> {
        Opened::without_limits(pipeline).map(Self)
    }

    /// Opens the frame of a task.
    pub(crate) fn of_task(run: Option<&Self>, task: Cow<'static, str>) -> Option<Self> {
        let _inside = run.map(|run| InFrame::enter(run.id()));
        Opened::without_limits(task).map(Self)
    }

    pub(crate) fn id(&self) -> FrameId {
        self.0.frame().id()
    }

    /// Returns what was used so far, if anything was.
    pub(crate) fn spent(&self) -> Option<Spent> {
        let spent = Frame::total(self.0.frame());
        (spent != Spent::default()).then_some(spent)
    }
}

/// Until this is dropped, what is done on this thread is added to another frame.
#[derive(Debug)]
pub(crate) struct InFrame(FrameId);

impl InFrame {
    pub(crate) fn enter(frame: FrameId) -> Self {
        Self(local().frame.replace(frame))
    }
}

impl Drop for InFrame {
    fn drop(&mut self) {
        local().frame.set(self.0);
    }
}

impl RunResult {
    /// Returns the tasks in which model calls or tool calls were made, with what they used; the
    /// dearest first.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let _obs = obs_runtime::Observability::builder().console(false).install()?;
    /// use obs_runtime::llm::{LlmCall, record_llm_call};
    /// use obs_runtime::pipeline::Pipeline;
    ///
    /// let pipeline = Pipeline::builder("answers").task("ask", [], |_| async {
    ///     record_llm_call(LlmCall::new("openai", "chat", "gpt-4o-mini").usage((1_200, 80)));
    ///     Ok::<_, String>(())
    /// });
    /// let run = pipeline.build()?.run().await?;
    /// let costs = run.cost_by_task();
    /// assert_eq!((&*costs[0].0.name, costs[0].1.cost.to_string()), ("ask", "$0.000228".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cost_by_task(&self) -> Vec<(&TaskResult, &Spent)> {
        let tasks = self.task_results.iter();
        let spent = tasks.filter_map(|task| Some((task, task.spent.as_ref()?)));
        let mut spent: Vec<_> = spent.collect();
        spent.sort_by_key(|(_, spent)| Reverse(spent.cost.at_least));
        spent
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
