//! The registry of annotated tasks and handlers, and the graphs that are made from it.
//!
//! Generated code adds its statics before `main`. The linker may leave out a registration, never a
//! static that the code names: a graph also takes what its tasks depend on.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::Error;
use crate::error::ErrorKind;
use crate::init::component::{Component, Startup};
use crate::pipeline::Task;
use crate::pipeline::graph::{Graph, pipeline_error};
use crate::pipeline::meters::Meters;
use crate::pipeline::task::{Body, TaskMeta};
use crate::scope::Scope;

/// The entry of an annotated task.
#[derive(Debug)]
pub struct TaskEntry(pub &'static TaskMeta);

inventory::collect!(TaskEntry);

/// The annotated pipelines as a part of an `Observability`, whose metrics know them before they run.
#[derive(Default)]
pub(crate) struct Registered;

impl Component for Registered {
    fn start(&mut self, _: &mut Startup) -> Result<(), Error> {
        Ok(())
    }

    fn started(&mut self, scope: &Scope) {
        // A graph that is wrong says so when it is run.
        let graphs = names().into_iter().filter_map(|name| graph(name).ok());
        graphs.for_each(|graph| drop(Meters::of(scope, &graph, &[])));
    }
}

/// Returns the names of all pipelines that annotated tasks belong to, sorted.
///
/// ```
/// for name in obs_runtime::pipeline::names() {
///     println!("{name}");
/// }
/// ```
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = registered().map(|meta| meta.pipeline).collect();
    names.sort_unstable();
    names.dedup();
    names
}

pub(super) fn registered() -> impl Iterator<Item = &'static TaskMeta> {
    inventory::iter::<TaskEntry>
        .into_iter()
        .map(|entry| entry.0)
}

/// Returns the graph of the annotated tasks of a pipeline.
pub(crate) fn graph(pipeline: &str) -> Result<Graph, Error> {
    let tasks = tasks(registered().filter(|meta| meta.pipeline == pipeline));
    let Some(first) = tasks.first() else {
        return Err(unknown(pipeline));
    };
    build(Cow::Borrowed(first.pipeline), &tasks)
}

/// Returns the given tasks and all that they depend on, in the order of the source.
fn tasks(given: impl Iterator<Item = &'static TaskMeta>) -> Vec<&'static TaskMeta> {
    let mut found: Vec<&'static TaskMeta> = Vec::new();
    let mut seen: HashSet<*const TaskMeta> = HashSet::new();
    let mut open: Vec<&'static TaskMeta> = given.collect();
    // The code names a dependency even where the linker left its registration out.
    while let Some(task) = open.pop() {
        if seen.insert(core::ptr::from_ref(task)) {
            found.push(task);
            open.extend(task.dependencies.iter().map(|d| d.task));
        }
    }
    found.sort_by_key(|task| (task.file, task.line, task.path));
    found
}

pub(crate) fn build(
    pipeline: Cow<'static, str>,
    tasks: &[&'static TaskMeta],
) -> Result<Graph, Error> {
    for task in tasks {
        if task.pipeline != pipeline {
            return Err(pipeline_error(
                &pipeline,
                &format!(
                    "`{}` is a task of pipeline `{}`: a task depends on tasks of its own pipeline only",
                    task.path, task.pipeline
                ),
            ));
        }
    }
    let tasks = tasks.iter().map(|task| Task {
        name: Cow::Borrowed(task.name),
        place: Some(format!("{}:{}", task.file, task.line)),
        dependencies: task
            .dependencies
            .iter()
            .map(|d| (Cow::Borrowed(d.task.name), d.usage))
            .collect(),
        policy: task.policy.clone(),
        body: Body::Function(task.run),
        requires: task.requires,
        traced: true,
        map: task.map,
        error_types: task.error_types,
    });
    Graph::build(pipeline, tasks.collect())
}

fn unknown(pipeline: &str) -> Error {
    let known = names();
    let known = if known.is_empty() {
        "no `#[pipeline_task]` is linked into this program".to_owned()
    } else {
        format!("the program's pipelines are `{}`", known.join("`, `"))
    };
    Error::new(
        ErrorKind::Pipeline,
        format!(
            "no task belongs to pipeline `{pipeline}`; {known}. A crate that no path names is not linked: `use my_tasks as _;`"
        ),
    )
}
