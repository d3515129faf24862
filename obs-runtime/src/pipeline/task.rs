//! The description of one task, as `#[pipeline_task]` or a closure makes it.
//!
//! What is here exists before any run. The types with public fields are for generated code, which
//! fills them in constants, so their fields must stay constructible there.

use core::any::{Any, TypeId, type_name};
use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

use crate::pipeline::about::About;
use crate::pipeline::items::Counted;
use crate::pipeline::plan::{MapRule, RunIf, Times};
use crate::pipeline::result::{Output, TaskError};
use crate::pipeline::{Backoff, RetryPolicy, TaskContext};
use crate::retry::Hint;

/// The value that a successful attempt yields.
#[derive(Debug)]
pub struct Attempted {
    pub(crate) value: Output,
    pub(crate) records: Option<u64>,
    /// Whether it was known before.
    pub(crate) is_cached: bool,
}

/// Why an attempt did not succeed.
#[derive(Debug)]
pub enum Unmade {
    /// It failed, and the rules of its task say this of repetition.
    Failed(TaskError, Hint),
    /// Its condition does not hold, so nothing was done.
    Declined,
}

impl From<TaskError> for Unmade {
    fn from(error: TaskError) -> Self {
        Self::Failed(error, Hint::None)
    }
}

/// The future of one attempt of a task.
pub type Attempt = Pin<Box<dyn Future<Output = Result<Attempted, Unmade>> + Send>>;

/// The way in which a task uses one that it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The task only comes after it.
    Order,
    /// The task reads its output.
    Read,
    /// The task takes its output away.
    Move,
}

/// A dependency, as generated code describes it.
#[derive(Debug)]
pub struct Dependency {
    /// The task that comes first.
    pub task: &'static TaskMeta,
    /// The way in which its output is used.
    pub usage: Use,
}

/// A typed value that a run must be given.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    /// The builder method that sets it: `input` or `resource`.
    pub method: &'static str,
    /// The id of its type.
    pub id: TypeId,
    /// The name of its type, for messages.
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

/// The description of an annotated task, which generated code keeps in a static.
///
/// Statics may refer to each other in a circle, so that a cycle is reported with its path rather
/// than by an error of the compiler about statics.
#[derive(Debug)]
pub struct TaskMeta {
    /// The name of the pipeline.
    pub pipeline: &'static str,
    /// The task's name.
    pub name: &'static str,
    /// The function's path, for messages.
    pub path: &'static str,
    /// The source file of the function.
    pub file: &'static str,
    /// The line of the function in its source file.
    pub line: u32,
    /// The tasks that come first.
    pub dependencies: &'static [Dependency],
    /// Its attempts, timeout and limit.
    pub policy: TaskPolicy,
    /// What it says of itself beside.
    pub about: About,
    /// How its items are found, if it is mapped.
    pub map: Option<Mapping>,
    /// The types of the errors that it can return.
    pub error_types: &'static [fn() -> &'static str],
    /// The values that the run must be given.
    pub requires: &'static [fn() -> Option<Requirement>],
    /// Begins an attempt.
    pub run: fn(TaskContext) -> Attempt,
}

/// The rules by which a task is run.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPolicy {
    /// The rules of repetition after a failure.
    pub retry: RetryPolicy,
    /// Whether its errors may ask for a pause of their own (`retry_after`).
    pub retry_after: bool,
    /// The longest that its attempts, and all of it, may take.
    pub times: Times,
    /// Which ends of its dependencies it waits for.
    pub run_if: RunIf,
    /// The name of the concurrency limit that the task counts against.
    pub concurrency: Option<Cow<'static, str>>,
}

impl TaskPolicy {
    /// One attempt without limits.
    pub const DEFAULT: Self = Self {
        retry: RetryPolicy::NEVER,
        retry_after: false,
        times: Times::NONE,
        run_if: RunIf::Success,
        concurrency: None,
    };
}

/// How a task finds its items in a dependency's output, and what it makes of their outputs.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// How many items there may be, work at once, and fail.
    pub rule: MapRule,
    /// The position of the dependency whose output has the items.
    pub source: usize,
    /// Counts the items of that output, or finds what makes them; none if it is of another type.
    pub count: fn(Output) -> Option<Counted>,
    /// Makes the task's output of those of its items.
    pub collect: fn(Vec<Option<Output>>) -> Output,
}

/// The code that makes an attempt.
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
// Annotated functions become tasks too, on their way into a graph.
pub struct Task {
    pub(crate) name: Cow<'static, str>,
    /// The place of an annotated function in the source, for messages.
    pub(crate) place: Option<String>,
    pub(crate) dependencies: Vec<(Cow<'static, str>, Use)>,
    pub(crate) policy: TaskPolicy,
    pub(crate) body: Body,
    pub(crate) requires: &'static [fn() -> Option<Requirement>],
    /// Whether the body opens the task's span itself.
    pub(crate) traced: bool,
    pub(crate) map: Option<Mapping>,
    /// The types of the errors that it can return, as far as they are known.
    pub(crate) error_types: &'static [fn() -> &'static str],
}

impl Task {
    /// Creates a task. The closure is called once for each attempt; an `Err` fails the attempt.
    ///
    /// Its error is a `String`, a `&str`, or any [`Error`](core::error::Error) that may go to other
    /// threads, also in a box or as `anyhow` and `eyre` have it.
    pub fn new<F, Fut, T, E>(name: impl Into<Cow<'static, str>>, run: F) -> Self
    where
        F: Fn(TaskContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let body = move |context: TaskContext| -> Attempt {
            let attempt = run(context);
            Box::pin(async move {
                match attempt.await {
                    Ok(value) => Ok(Attempted {
                        value: Arc::new(value),
                        records: None,
                        is_cached: false,
                    }),
                    Err(error) => Err(TaskError::from_any(error).into()),
                }
            })
        };
        Self {
            name: name.into(),
            place: None,
            dependencies: Vec::new(),
            policy: TaskPolicy::DEFAULT,
            body: Body::Closure(Box::new(body)),
            requires: &[],
            traced: false,
            map: None,
            error_types: error_types::<E>(),
        }
    }

    /// Adds tasks that must have succeeded before this one begins.
    pub fn depends_on<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(|name| name.to_owned().into());
        self.dependencies
            .extend(names.map(|name| (name, Use::Read)));
        self
    }

    /// Sets how often the task is repeated at most after its first attempt. The default is 0.
    pub fn retries(mut self, retries: u32) -> Self {
        self.policy.retry.retries = retries;
        self
    }

    /// Sets how the pause between attempts grows.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.policy.retry.backoff = backoff;
        self
    }

    /// Sets all rules of repetition at once.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy.retry = policy;
        self
    }

    /// Sets the longest that one attempt may take. By default there is no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.policy.times.timeout = Some(timeout);
        self
    }

    /// Counts the task's attempts against the limit of this name.
    ///
    /// [`Pipeline::concurrency`](crate::pipeline::Pipeline::concurrency) sets how many may run at once.
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

/// Returns the type of an error; one that is a [`TaskError`] already may have any.
fn error_types<E: 'static>() -> &'static [fn() -> &'static str] {
    if TypeId::of::<E>() == TypeId::of::<TaskError>() {
        return &[];
    }
    const { &[type_name::<E> as fn() -> &'static str] }
}
