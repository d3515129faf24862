//! Pipelines: task graphs that run each task as soon as its dependencies have succeeded.
//!
//! Tasks are annotated functions (`#[pipeline_task]`) or closures ([`Pipeline::builder`]). They run
//! on tokio's threads. A task that fails skips those that depend on it; everything else continues.
//! A run whose tasks failed is an ordinary [`RunResult`].
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use obs_runtime::pipeline::Pipeline;
//!
//! let result = Pipeline::builder("etl")
//!     .task("extract", [], |_| async { Ok::<_, String>(vec![1, 2, 3]) })
//!     .task("load", ["extract"], |context| async move {
//!         let rows = context.output::<Vec<i32>>("extract").map_err(|e| e.to_string())?;
//!         Ok::<_, String>(rows.iter().sum::<i32>())
//!     })
//!     .build()?
//!     .run()
//!     .await?;
//! assert!(result.succeeded());
//! assert_eq!(result.output::<i32>("load"), Some(&6));
//! # Ok::<(), obs_runtime::Error>(()) }).unwrap();
//! ```

pub(crate) mod about;
#[cfg(feature = "llm")]
mod account;
mod analysis;
pub(crate) mod blocking;
mod builder;
#[cfg(feature = "cache")]
pub(crate) mod cached;
mod cancel;
pub(crate) mod check;
pub(crate) mod context;
pub(crate) mod driver;
pub(crate) mod effect_key;
mod error;
mod graph;
pub(crate) mod handler;
pub(crate) mod items;
pub(crate) mod lazy;
mod listing;
mod meters;
pub(crate) mod params;
pub(crate) mod plan;
mod progress;
pub(crate) mod registry;
pub(crate) mod result;
mod run_handle;
mod runner;
#[cfg(feature = "progress")]
mod show;
mod start;
mod state;
mod summary;
pub(crate) mod task;
pub(crate) mod telemetry;

pub use crate::retry::{Backoff, RetryPolicy};
pub use about::Effects;
pub use builder::PipelineBuilder;
pub use cancel::CancelHandle;
pub(crate) use cancel::{all_ended, cancel_all};
pub use context::TaskContext;
pub use effect_key::EffectKey;
pub use error::TaskError;
pub use handler::HandlerReturn;
pub use items::Items;
pub use lazy::Lazy;
pub use listing::{CacheInfo, DependencyInfo, MapInfo, TaskInfo, tasks};
pub use params::{Input, Resource};
pub use plan::RunIf;
pub use progress::{ItemProgress, Progress, ProgressWatch, TaskProgress};
pub use registry::names;
pub use result::{
    HandlerError, ItemResult, RunResult, RunState, SkipReason, Succeeded, TaskResult, TaskResults,
    TaskState,
};
pub use run_handle::RunHandle;
pub use start::Pipeline;
pub use summary::Summary;
pub use task::Task;
