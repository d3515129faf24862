//! One task: what is known of it before a run, made by `#[pipeline_task]` or from a closure.

use core::any::{Any, TypeId, type_name};
use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

use crate::pipeline::result::{Output, TaskError};
use crate::pipeline::{Backoff, RetryPolicy, TaskContext};

/// What an attempt yields.
pub struct Attempted {
    pub(crate) value: Output,
    pub(crate) records: Option<u64>,
}

impl fmt::Debug for Attempted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempted")
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

/// One attempt of a task.
pub type Attempt = Pin<Box<dyn Future<Output = Result<Attempted, TaskError>> + Send>>;

/// How a task uses what it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It only comes after it.
    Order,
    /// It reads the output.
    Read,
    /// It takes the output away.
    Move,
}

/// A dependency, as generated code names it.
#[derive(Debug)]
pub struct Dependency {
    /// The task that comes first.
    pub task: &'static TaskMeta,
    /// How its output is used.
    pub usage: Use,
}

/// A typed value that a run must be given.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    /// The builder method that gives it: `input` or `resource`.
    pub method: &'static str,
    /// The type.
    pub id: TypeId,
    /// The type's name for people.
    pub type_name: &'static str,
}

impl Requirement {
    pub(crate) fn new<T: Any>(method: &'static str) -> Self {
        Self {
            method,
            id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
        }
    }
}

/// All that is known of an annotated task; a static in generated code. Statics may refer to each
/// other in a circle, so that a cycle can be reported with its path instead of by the compiler.
#[derive(Debug)]
pub struct TaskMeta {
    /// The pipeline.
    pub pipeline: &'static str,
    /// The task's name.
    pub name: &'static str,
    /// The function's path, for messages.
    pub path: &'static str,
    /// The source file.
    pub file: &'static str,
    /// The line.
    pub line: u32,
    /// What comes first.
    pub dependencies: &'static [Dependency],
    /// Attempts, timeout, limit.
    pub policy: TaskPolicy,
    /// What the run must be given.
    pub requires: &'static [fn() -> Option<Requirement>],
    /// Makes an attempt.
    pub run: fn(TaskContext) -> Attempt,
}

/// How a task is run.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPolicy {
    /// Repetition.
    pub retry: RetryPolicy,
    /// The longest that one attempt may take.
    pub timeout: Option<Duration>,
    /// The name of the limit that the task counts against.
    pub concurrency: Option<Cow<'static, str>>,
}

impl TaskPolicy {
    /// One attempt without limits.
    pub const DEFAULT: Self = Self {
        retry: RetryPolicy::NEVER,
        timeout: None,
        concurrency: None,
    };
}

/// What makes an attempt.
pub(crate) enum Body {
    Function(fn(TaskContext) -> Attempt),
    Closure(Box<dyn Fn(TaskContext) -> Attempt + Send + Sync>),
}

/// A task made from a closure, for pipelines that are put together at run time.
///
/// ```
/// use std::time::Duration;
/// use obs_runtime::pipeline::{Backoff, Task};
///
/// let task = Task::new("load", |context| async move {
///     let rows = context.output::<Vec<u32>>("extract")?;
///     Ok::<_, obs_runtime::pipeline::TaskError>(rows.len())
/// })
/// .depends_on(["extract"])
/// .retries(2)
/// .backoff(Backoff::Linear)
/// .timeout(Duration::from_secs(30));
/// ```
#[must_use]
pub struct Task {
    pub(crate) name: Cow<'static, str>,
    pub(crate) dependencies: Vec<Cow<'static, str>>,
    pub(crate) policy: TaskPolicy,
    pub(crate) body: Body,
}

impl Task {
    /// A task of this name. The closure is called once for each attempt; an `Err` fails it.
    pub fn new<F, Fut, T, E>(name: impl Into<Cow<'static, str>>, run: F) -> Self
    where
        F: Fn(TaskContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + Sync + 'static,
        E: fmt::Display + 'static,
    {
        let body = move |context: TaskContext| -> Attempt {
            let attempt = run(context);
            Box::pin(async move {
                match attempt.await {
                    Ok(value) => Ok(Attempted {
                        value: Arc::new(value),
                        records: None,
                    }),
                    Err(error) => Err(task_error(&error)),
                }
            })
        };
        Self {
            name: name.into(),
            dependencies: Vec::new(),
            policy: TaskPolicy::DEFAULT,
            body: Body::Closure(Box::new(body)),
        }
    }

    /// The tasks that must have succeeded before this one begins.
    pub fn depends_on<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(|name| Cow::Owned(name.to_owned()));
        self.dependencies.extend(names);
        self
    }

    /// At most this many repetitions after the first attempt.
    pub fn retries(mut self, retries: u32) -> Self {
        self.policy.retry.retries = retries;
        self
    }

    /// How the pause between attempts grows.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.policy.retry.backoff = backoff;
        self
    }

    /// All of the repetition at once.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy.retry = policy;
        self
    }

    /// The longest that one attempt may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.policy.timeout = Some(timeout);
        self
    }

    /// Counts attempts against the limit of this name; the pipeline says how many may run at once.
    pub fn concurrency(mut self, limit: impl Into<Cow<'static, str>>) -> Self {
        self.policy.concurrency = Some(limit.into());
        self
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .field("dependencies", &self.dependencies)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Passes a [`TaskError`] on as it is, and makes one of any other error.
fn task_error<E: fmt::Display + 'static>(error: &E) -> TaskError {
    match (error as &dyn Any).downcast_ref::<TaskError>() {
        Some(error) => error.clone(),
        None => TaskError::new(type_name::<E>(), error.to_string()),
    }
}
