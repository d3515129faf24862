//! The driver of a run: it starts each task as soon as its dependencies have succeeded.
//!
//! One [`Runner`] lives in the future of `Pipeline::run` and alone decides what happens next; the
//! tasks themselves are spawned on tokio. Each task and each edge is looked at a constant number of
//! times, so a run is linear in its graph.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};

use crate::pipeline::attempt::{Ended, run_task};
use crate::pipeline::context::Run;
use crate::pipeline::result::{Output, TaskError, TaskResult, TaskState};
use crate::pipeline::slots::Slots;
use crate::self_log;

/// The results of a run's tasks, in the order of the graph.
pub(crate) struct Finished {
    pub(crate) results: Vec<TaskResult>,
    /// The outputs of tasks that nothing depends on.
    pub(crate) outputs: Arc<[Option<Output>]>,
}

/// The state of a run that only its driver touches.
pub(crate) struct Runner {
    run: Arc<Run>,
    set: JoinSet<Ended>,
    /// The tasks that have been started and have not ended: they run, pause, or wait for a slot.
    running: usize,
    ready: VecDeque<u32>,
    /// The number of dependencies that have not ended, by task.
    open: Vec<u32>,
    /// The number of dependants that have not ended, by task; at 0 the output is freed.
    needed: Vec<u32>,
    /// The failed task that keeps a task from running, by task.
    blocked: Vec<Option<u32>>,
    started: Vec<bool>,
    results: Vec<Option<TaskResult>>,
}

impl Runner {
    pub(crate) fn new(run: Arc<Run>) -> Self {
        let nodes = &run.graph.nodes;
        let open: Vec<u32> = nodes.iter().map(|n| n.dependencies.len() as u32).collect();
        Self {
            set: JoinSet::new(),
            running: 0,
            ready: (0..nodes.len() as u32)
                .filter(|task| open[*task as usize] == 0)
                .collect(),
            needed: nodes.iter().map(|n| n.dependants.len() as u32).collect(),
            blocked: vec![None; nodes.len()],
            started: vec![false; nodes.len()],
            results: vec![None; nodes.len()],
            open,
            run,
        }
    }

    /// Runs until every task has ended. Dropping the future aborts the tasks.
    pub(crate) async fn drive(mut self) -> Finished {
        let cancel = self.run.cancel.clone();
        let cancelled = cancel.cancelled();
        tokio::pin!(cancelled);
        let mut lost: Option<JoinError> = None;
        loop {
            if !cancel.is_cancelled() {
                self.start_ready();
            }
            let left = self.set.len();
            tokio::select! {
                biased;
                () = &mut cancelled => {
                    self.stop().await;
                    break;
                }
                joined = self.set.join_next() => match joined {
                    Some(Ok(ended)) => self.ended(ended),
                    Some(Err(error)) => lost = Some(error),
                    None if self.running > 0 => self.settle_lost(lost.as_ref()),
                    None => break,
                },
                task = self.run.slots.take_away(left) => self.say_stuck(task),
            }
        }
        self.finish()
    }

    /// Starts the tasks that are ready; a blocked one ends here, which may make others ready.
    ///
    /// A task that must wait for a slot gets its place in the line here, so that the order of the
    /// graph holds whichever thread comes first.
    fn start_ready(&mut self) {
        while let Some(task) = self.ready.pop_front() {
            if let Some(failed) = self.blocked[task as usize] {
                let reason = format!("`{}` failed", self.run.graph.nodes[failed as usize].name);
                let error = TaskError::new("dependency", reason);
                let result = self
                    .run
                    .result_of(task as usize, TaskState::Skipped, Some(error));
                self.settle(task, result);
                continue;
            }
            self.running += 1;
            self.started[task as usize] = true;
            let place = Slots::line_up(&self.run, task);
            self.set.spawn(run_task(Arc::clone(&self.run), task, place));
        }
    }

    /// Says that more runs from now on than the limits allow.
    fn say_stuck(&self, task: u32) {
        let graph = &self.run.graph;
        let (pipeline, task) = (&graph.pipeline, &graph.nodes[task as usize].name);
        self_log::warn_from_host(
            "pipeline",
            "stuck",
            format_args!(
                "`{pipeline}`: all that is left waits for an attempt of task `{task}` that was given up and \
                 does not end: its slots go to others, so more may run than the limits say; give what it waits \
                 for a time limit of its own"
            ),
        );
    }

    fn ended(&mut self, ended: Ended) {
        self.running -= 1;
        self.run.cell(ended.task as usize).output = ended.output;
        self.settle(ended.task, ended.result);
    }

    /// Stores a task's result, and updates the tasks before and after it.
    fn settle(&mut self, task: u32, result: TaskResult) {
        let graph = Arc::clone(&self.run.graph);
        let at = task as usize;
        let node = &graph.nodes[at];
        let blocker = match result.state {
            TaskState::Succeeded => None,
            TaskState::Skipped => self.blocked[at],
            _ => Some(task),
        };
        self.results[at] = Some(result);
        for dependant in &node.dependants {
            let dependant = *dependant as usize;
            if self.blocked[dependant].is_none() {
                self.blocked[dependant] = blocker;
            }
            self.open[dependant] -= 1;
            if self.open[dependant] == 0 {
                self.ready.push_back(dependant as u32);
            }
        }
        for dependency in &node.dependencies {
            let dependency = *dependency as usize;
            self.needed[dependency] -= 1;
            if self.needed[dependency] == 0 {
                let unneeded = self.run.cell(dependency).output.take();
                drop(unneeded);
            }
        }
    }

    /// Ends the tasks that are lost: those whose future panicked while it was dropped.
    fn settle_lost(&mut self, error: Option<&JoinError>) {
        let message = error.map_or_else(|| "the task was lost".to_owned(), ToString::to_string);
        for task in 0..self.results.len() {
            if self.started[task] && self.results[task].is_none() {
                self.running -= 1;
                let error = TaskError::new("panic", message.clone());
                let result = self.run.result_of(task, TaskState::Failed, Some(error));
                self.settle(task as u32, result);
            }
        }
    }

    /// Aborts the running tasks and waits for their end; those that had ended keep their result.
    async fn stop(&mut self) {
        self.set.abort_all();
        while let Some(joined) = self.set.join_next().await {
            if let Ok(ended) = joined {
                self.ended(ended);
            }
        }
    }

    fn finish(self) -> Finished {
        let run = self.run;
        let cancelled = |at: usize| {
            let error = TaskError::new("cancelled", "the run was cancelled");
            run.result_of(at, TaskState::Cancelled, Some(error))
        };
        let results = self.results.into_iter().enumerate();
        let results = results.map(|(at, result)| {
            let mut result = result.unwrap_or_else(|| cancelled(at));
            // Now, since work that a task gave up may have ended meanwhile.
            result.still_running = run.cell(at).blocking;
            result
        });
        Finished {
            results: results.collect(),
            outputs: (0..run.cells.len())
                .map(|task| run.cell(task).output.take())
                .collect(),
        }
    }
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "runner_model_tests.rs"]
mod model_tests;
