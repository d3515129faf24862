//! What decided how long a run took, and why it failed: the critical path, the root causes.
//!
//! Both follow the edges of the graph once, in its order, so they take linear time.

use core::time::Duration;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::pipeline::graph::Graph;
use crate::pipeline::result::{RunResult, TaskResult};

/// The positions of the tasks that a run's result names.
#[derive(Clone)]
pub(crate) struct Analysis {
    graph: Arc<Graph>,
    critical_path: Vec<u32>,
    root_causes: Vec<u32>,
}

impl Analysis {
    /// Looks at the results of all tasks, in the order of the graph.
    pub(crate) fn new(graph: &Arc<Graph>, results: &[TaskResult]) -> Self {
        Self {
            critical_path: critical_path(graph, results),
            root_causes: root_causes(graph, results),
            graph: Arc::clone(graph),
        }
    }

    fn names<'a>(&'a self, tasks: &'a [u32]) -> Vec<&'a str> {
        let nodes = &self.graph.nodes;
        let names = tasks.iter().map(|at| &*nodes[*at as usize].name);
        names.collect()
    }
}

/// As `critical_path` and `root_causes`, by name.
impl Serialize for Analysis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Analysis", 2)?;
        fields.serialize_field("critical_path", &self.names(&self.critical_path))?;
        fields.serialize_field("root_causes", &self.names(&self.root_causes))?;
        fields.end()
    }
}

impl core::fmt::Debug for Analysis {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Analysis")
            .field("critical_path", &self.names(&self.critical_path))
            .field("root_causes", &self.names(&self.root_causes))
            .finish_non_exhaustive()
    }
}

fn dependencies(graph: &Graph, at: usize) -> impl Iterator<Item = usize> {
    let edges = graph.rule(at as u32).dependencies.iter();
    edges.map(|edge| edge.task as usize)
}

/// Returns when a task ended, since the begin of the run; none of one that never ran.
fn end(task: &TaskResult) -> Option<Duration> {
    Some(task.began_after?.saturating_add(task.duration))
}

fn critical_path(graph: &Graph, results: &[TaskResult]) -> Vec<u32> {
    // Of each task: what it waited for last, past tasks that never ran.
    let mut waited_for: Vec<Option<usize>> = Vec::with_capacity(results.len());
    for at in 0..results.len() {
        let ran = |task: usize| match end(&results[task]) {
            Some(end) => Some((end, task)),
            None => waited_for[task].and_then(|task| Some((end(&results[task])?, task))),
        };
        let last = dependencies(graph, at).filter_map(ran).max();
        waited_for.push(last.map(|(_, task)| task));
    }
    let ends = results.iter().enumerate();
    let ends = ends.filter_map(|(at, task)| Some((end(task)?, at)));
    let mut next = ends.max().map(|(_, at)| at);
    let mut path = Vec::new();
    while let Some(at) = next {
        path.push(at as u32);
        next = waited_for[at];
    }
    path.reverse();
    path
}

fn root_causes(graph: &Graph, results: &[TaskResult]) -> Vec<u32> {
    // Of each task: whether one failed among those that it needs, by itself or through others.
    let mut follows: Vec<bool> = Vec::with_capacity(results.len());
    let mut causes = Vec::new();
    for (at, task) in results.iter().enumerate() {
        let failed = |other: usize| results[other].failed() || follows[other];
        let follows_a_failure = dependencies(graph, at).any(failed);
        if task.failed() && !follows_a_failure {
            causes.push(at as u32);
        }
        follows.push(follows_a_failure);
    }
    causes
}

/// What decided how long the run took, and why it failed.
impl RunResult {
    /// Returns the tasks that decided how long the run took, in the order in which they ran: the one
    /// that ended last, the one for which that had waited last, and so on.
    ///
    /// To make the run shorter, make one of these shorter; to start any other one sooner changes
    /// nothing.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
    /// use std::time::Duration;
    /// use obs_runtime::pipeline::Pipeline;
    ///
    /// let wait = |ms| move |_| async move {
    ///     tokio::time::sleep(Duration::from_millis(ms)).await;
    ///     Ok::<_, String>(())
    /// };
    /// let pipeline = Pipeline::builder("etl")
    ///     .task("users", [], wait(10))
    ///     .task("orders", [], wait(500))
    ///     .task("join", ["users", "orders"], wait(20));
    /// let run = pipeline.build()?.run().await?;
    /// let names: Vec<_> = run.critical_path().iter().map(|task| &*task.name).collect();
    /// assert_eq!(names, ["orders", "join"]);
    /// assert_eq!(run.slowest_tasks()[0].name, "orders");
    /// # Ok::<(), obs_runtime::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn critical_path(&self) -> Vec<&TaskResult> {
        self.at(&self.analysis.critical_path)
    }

    /// Returns the tasks that failed and that need none that failed, in the order of the graph: what
    /// to look at first.
    pub fn root_causes(&self) -> Vec<&TaskResult> {
        self.at(&self.analysis.root_causes)
    }

    /// Returns the tasks that ran, the slowest first.
    pub fn slowest_tasks(&self) -> Vec<&TaskResult> {
        let ran = self.task_results.iter().filter(|task| task.attempts > 0);
        let mut ran: Vec<_> = ran.collect();
        ran.sort_by_key(|task| core::cmp::Reverse(task.duration));
        ran
    }

    fn at(&self, tasks: &[u32]) -> Vec<&TaskResult> {
        let results = &self.task_results.results;
        tasks
            .iter()
            .filter_map(|at| results.get(*at as usize))
            .collect()
    }
}

#[cfg(test)]
#[path = "analysis_tests.rs"]
mod tests;
