//! The builder of pipelines whose tasks are closures, put together at run time.
//!
//! It only collects; [`Graph::build`] makes all checks, as it does for annotated tasks.

use std::borrow::Cow;

use crate::Error;
use crate::pipeline::graph::Graph;
use crate::pipeline::{Pipeline, Task, TaskContext};

/// A builder of pipelines from closures; [`Pipeline::builder`] creates it.
#[must_use = "`build()` makes the pipeline"]
#[derive(Debug)]
pub struct PipelineBuilder {
    name: Cow<'static, str>,
    tasks: Vec<Task>,
}

impl PipelineBuilder {
    pub(crate) fn new(name: Cow<'static, str>) -> Self {
        Self {
            name,
            tasks: Vec::new(),
        }
    }

    /// Adds a task with one attempt and no limits.
    ///
    /// The closure is called with the task's context. An `Err` fails the task: see [`Task::new`] for what
    /// it may be.
    pub fn task<'a, F, Fut, T, E>(
        self,
        name: impl Into<Cow<'static, str>>,
        depends_on: impl IntoIterator<Item = &'a str>,
        run: F,
    ) -> Self
    where
        F: Fn(TaskContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + Sync + 'static,
        E: Into<Box<dyn core::error::Error + Send + Sync>> + 'static,
    {
        self.add_task(Task::new(name, run).depends_on(depends_on))
    }

    /// Adds a task with settings of its own, such as retries or a timeout.
    pub fn add_task(mut self, task: Task) -> Self {
        self.tasks.push(task);
        self
    }

    /// Checks the graph, and creates the pipeline.
    ///
    /// # Errors
    /// Returns an error when two tasks have the same name, a dependency is no task of the pipeline,
    /// or tasks depend on each other in a circle.
    pub fn build(self) -> Result<Pipeline, Error> {
        Graph::build(self.name, self.tasks).map(Pipeline::new)
    }
}
