//! What the registry says of annotated tasks, as data: each argument of `#[pipeline_task]`.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::pipeline::plan::{AllowFailed, RunIf};
use crate::pipeline::task::{TaskMeta, Use};
use crate::pipeline::{Backoff, registry};

/// An annotated task and all that its annotation says. Times are in seconds.
///
/// It is serialized with its fields, and can be read back.
///
/// ```
/// use obs_runtime::{pipeline, pipeline_task};
///
/// #[pipeline_task(pipeline = "billing", retries = 2, effects = "idempotent", version = 3)]
/// async fn store() -> Result<(), String> {
///     Ok(())
/// }
///
/// let store = pipeline::tasks().into_iter().find(|task| task.name == "store").unwrap();
/// assert_eq!((store.retries, store.effects.as_deref()), (2, Some("idempotent")));
/// assert!(store.version.starts_with("3-"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskInfo {
    /// The name of its pipeline.
    pub pipeline: String,
    /// Its name.
    pub name: String,
    /// The path of its function.
    pub path: String,
    /// The source file of its function.
    pub file: String,
    /// The line of its function.
    pub line: u32,
    /// What changes with its code: see `version` of `#[pipeline_task]`.
    pub version: String,
    /// What it does outside of its run, if it says so: `none`, `idempotent` or `once`.
    pub effects: Option<String>,
    /// The tasks that come first.
    pub depends_on: Vec<DependencyInfo>,
    /// The repetitions after the first attempt.
    pub retries: u32,
    /// How the pause between attempts grows: `none`, `constant`, `linear` or `exponential`.
    pub backoff: String,
    /// The first pause.
    pub delay: f64,
    /// The longest pause.
    pub max_delay: f64,
    /// By what part of itself each pause may be shortened.
    pub jitter: f64,
    /// How long after the first attempt another one may begin.
    pub max_elapsed: Option<f64>,
    /// Whether it says which errors are worth another attempt.
    pub retry_if: bool,
    /// Whether its errors may ask for a pause of their own.
    pub retry_after: bool,
    /// The longest that one attempt may take.
    pub timeout: Option<f64>,
    /// The longest that it may take as a whole.
    pub deadline: Option<f64>,
    /// The longest that an attempt may wait for a slot.
    pub queue_timeout: Option<f64>,
    /// The limit that its attempts count against.
    pub concurrency: Option<String>,
    /// Which ends of its dependencies it waits for: `success`, `done`, `failed` or `any_success`.
    pub run_if: String,
    /// The outputs that its condition looks at.
    pub when: Vec<String>,
    /// How it is made once for each item, if it is.
    pub map: Option<MapInfo>,
    /// Whether it counts the records of its output.
    pub records: bool,
    /// How its outputs are kept for later runs, if they are.
    pub cache: Option<CacheInfo>,
}

/// How the outputs of a task are kept for later runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CacheInfo {
    /// How long.
    pub ttl: f64,
    /// How many at most.
    pub max: u64,
    /// What they are known by: `all` that the task takes, or what a `closure` says.
    pub key: String,
}

/// A task that comes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DependencyInfo {
    /// Its name.
    pub task: String,
    /// What is done with its output: `order` (nothing), `read` or `move`.
    pub usage: String,
}

/// How a task is made once for each item of an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MapInfo {
    /// The task whose output has the items.
    pub source: String,
    /// How many items work at once.
    pub parallel: Option<u32>,
    /// How many items there may be.
    pub max: u32,
    /// How many items may fail, if that is a number.
    pub allow_failed: Option<u32>,
    /// The part of the items that may fail, from 0 to 1, if that is a part.
    pub allow_failed_part: Option<f64>,
}

/// Returns what the annotations of all tasks say, by pipeline and place in the source.
///
/// As JSON this is the manifest of the program's pipelines; nothing has to run for it.
///
/// ```
/// for task in obs_runtime::pipeline::tasks() {
///     println!("{} {} {}", task.pipeline, task.name, task.version);
/// }
/// ```
pub fn tasks() -> Vec<TaskInfo> {
    let mut tasks: Vec<_> = registry::registered().collect();
    tasks.sort_by_key(|task| (task.pipeline, task.file, task.line, task.path));
    tasks.into_iter().map(TaskInfo::of).collect()
}

impl TaskInfo {
    fn of(meta: &TaskMeta) -> Self {
        let (policy, about) = (&meta.policy, &meta.about);
        let (retry, times) = (&policy.retry, &policy.times);
        let seconds = |time: Option<Duration>| time.as_ref().map(Duration::as_secs_f64);
        Self {
            pipeline: meta.pipeline.to_owned(),
            name: meta.name.to_owned(),
            path: meta.path.to_owned(),
            file: meta.file.to_owned(),
            line: meta.line,
            version: about.version.to_string(),
            effects: about.effects.map(|effects| effects.to_string()),
            depends_on: dependencies(meta),
            retries: retry.retries,
            backoff: backoff(retry.backoff).to_owned(),
            delay: retry.delay.as_secs_f64(),
            max_delay: retry.max_delay.as_secs_f64(),
            jitter: retry.jitter,
            max_elapsed: seconds(retry.max_elapsed),
            retry_if: about.retry_if,
            retry_after: policy.retry_after,
            timeout: seconds(times.timeout),
            deadline: seconds(times.deadline),
            queue_timeout: seconds(times.queue_timeout),
            concurrency: policy.concurrency.as_deref().map(str::to_owned),
            run_if: run_if(policy.run_if).to_owned(),
            when: about.when.iter().map(|name| (*name).to_owned()).collect(),
            map: map(meta),
            records: about.records,
            cache: about.cache.as_ref().map(|cache| CacheInfo {
                ttl: cache.ttl.as_secs_f64(),
                max: cache.max,
                key: if cache.has_key { "closure" } else { "all" }.to_owned(),
            }),
        }
    }
}

fn dependencies(meta: &TaskMeta) -> Vec<DependencyInfo> {
    let dependencies = meta.dependencies.iter().map(|dependency| DependencyInfo {
        task: dependency.task.name.to_owned(),
        usage: match dependency.usage {
            Use::Order => "order",
            Use::Read => "read",
            Use::Move => "move",
        }
        .to_owned(),
    });
    dependencies.collect()
}

fn map(meta: &TaskMeta) -> Option<MapInfo> {
    let map = meta.map.as_ref()?;
    let source = meta.dependencies.get(map.source)?;
    let (count, part) = match map.rule.allow_failed {
        AllowFailed::Count(count) => (Some(count), None),
        AllowFailed::Part(part) => (None, Some(part)),
    };
    Some(MapInfo {
        source: source.task.name.to_owned(),
        parallel: map.rule.parallel,
        max: map.rule.max,
        allow_failed: count,
        allow_failed_part: part,
    })
}

/// The word for it in the annotation.
fn backoff(backoff: Backoff) -> &'static str {
    match backoff {
        Backoff::None => "none",
        Backoff::Constant => "constant",
        Backoff::Linear => "linear",
        Backoff::Exponential => "exponential",
    }
}

/// The word for it in the annotation.
fn run_if(rule: RunIf) -> &'static str {
    match rule {
        RunIf::Success => "success",
        RunIf::Done => "done",
        RunIf::Failed => "failed",
        RunIf::AnySuccess => "any_success",
    }
}
