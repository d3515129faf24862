//! The task graph: the checks of a whole pipeline, and an order in which dependencies come first.
//!
//! Annotated tasks and closures both end up here. [`Graph::build`] reports everything that is wrong
//! at once. It works in linear time and without recursion, so that large or hostile graphs neither
//! hang nor overflow the stack.

use core::fmt::Write as _;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::Error;
use crate::error::ErrorKind;
use crate::pipeline::Task;
use crate::pipeline::plan::{Edge, Plan, Rule};
use crate::pipeline::task::{Body, Mapping, Requirement, Use};

/// A [`Task`] of a graph: what is done. When and how often is in its [`Rule`].
pub(crate) struct Node {
    pub(crate) name: Cow<'static, str>,
    pub(crate) body: Body,
    pub(crate) requires: &'static [fn() -> Option<Requirement>],
    pub(crate) traced: bool,
    /// Whether its errors may ask for a pause of their own.
    pub(crate) retry_after: bool,
    /// How its items are found, if it is mapped.
    pub(crate) map: Option<Mapping>,
    /// The types of the errors that it can return, as far as they are known.
    pub(crate) error_types: &'static [fn() -> &'static str],
}

pub(crate) struct Graph {
    pub(crate) pipeline: Cow<'static, str>,
    /// The tasks, each after its dependencies, and otherwise in the order they were handed in.
    pub(crate) nodes: Vec<Node>,
    /// Their rules, in the same order.
    pub(crate) plan: Arc<Plan>,
    /// The names of the concurrency limits that tasks count against.
    pub(crate) limits: Vec<Cow<'static, str>>,
    index: HashMap<Cow<'static, str>, u32>,
}

impl Graph {
    pub(crate) fn build(pipeline: Cow<'static, str>, tasks: Vec<Task>) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let index = index(&tasks, &mut problems);
        let edges = edges(&tasks, &index, &mut problems);
        all_well(&pipeline, &problems)?;
        let order = order(&edges).map_err(|cycle| {
            let names: Vec<&str> = cycle.iter().map(|i| &*tasks[*i as usize].name).collect();
            pipeline_error(
                &pipeline,
                &format!("tasks depend on each other: {}", names.join(" -> ")),
            )
        })?;
        Ok(Self::assemble(pipeline, tasks, &edges, &order))
    }

    /// Puts the tasks into their order.
    fn assemble(
        pipeline: Cow<'static, str>,
        tasks: Vec<Task>,
        edges: &[Vec<u32>],
        order: &[u32],
    ) -> Self {
        let mut new_position = vec![0_u32; tasks.len()];
        for (new, old) in order.iter().enumerate() {
            new_position[*old as usize] = new as u32;
        }
        let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
        let mut limits: Vec<Cow<'static, str>> = Vec::new();
        let mut index = HashMap::with_capacity(order.len());
        let mut nodes: Vec<Node> = Vec::with_capacity(order.len());
        let mut rules: Vec<Rule> = Vec::with_capacity(order.len());
        for old in order {
            let Some(task) = tasks[*old as usize].take() else {
                continue;
            };
            let position = nodes.len() as u32;
            let dependencies: Box<[Edge]> = edges[*old as usize]
                .iter()
                .zip(&task.dependencies)
                .map(|(old, (_, usage))| Edge {
                    task: new_position[*old as usize],
                    reads: *usage != Use::Order,
                })
                .collect();
            for edge in &dependencies {
                rules[edge.task as usize].dependants.push(position);
            }
            let limit = task.policy.concurrency.as_ref().map(|name| {
                let known = limits.iter().position(|n| n == name);
                known.unwrap_or_else(|| {
                    limits.push(name.clone());
                    limits.len() - 1
                }) as u32
            });
            index.insert(task.name.clone(), position);
            rules.push(Rule {
                dependencies,
                dependants: Vec::new(),
                limit,
                retry: task.policy.retry,
                times: task.policy.times,
                run_if: task.policy.run_if,
                map: task.map.as_ref().map(|map| map.rule),
            });
            nodes.push(Node {
                name: task.name,
                retry_after: task.policy.retry_after,
                map: task.map,
                error_types: task.error_types,
                body: task.body,
                requires: task.requires,
                traced: task.traced,
            });
        }
        Self {
            pipeline,
            nodes,
            plan: Arc::new(Plan { tasks: rules }),
            limits,
            index,
        }
    }

    /// Returns the rules of the task at a position.
    pub(crate) fn rule(&self, task: u32) -> &Rule {
        &self.plan.tasks[task as usize]
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).map(|i| *i as usize)
    }
}

/// Returns everything that is wrong with a pipeline as one error.
pub(crate) fn all_well(pipeline: &str, problems: &[String]) -> Result<(), Error> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(pipeline_error(pipeline, &problems.join("; ")))
}

pub(crate) fn pipeline_error(pipeline: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::Pipeline,
        format!("pipeline `{pipeline}`: {what}"),
    )
}

fn index<'a>(tasks: &'a [Task], problems: &mut Vec<String>) -> HashMap<&'a str, u32> {
    let mut index = HashMap::with_capacity(tasks.len());
    for (i, task) in tasks.iter().enumerate() {
        if task.name.trim().is_empty() {
            problems.push("a task has an empty name".to_owned());
        }
        match index.entry(&*task.name) {
            Entry::Vacant(slot) => {
                slot.insert(i as u32);
            }
            Entry::Occupied(first) => {
                let first = &tasks[*first.get() as usize];
                let mut text = format!("two tasks have the name `{}`", task.name);
                if let (Some(a), Some(b)) = (&first.place, &task.place) {
                    let _ = write!(text, " ({a} and {b})");
                }
                text.push_str("; give one of them another with `name = \"…\"`");
                problems.push(text);
            }
        }
    }
    index
}

/// Returns the positions of each task's dependencies, in their order.
fn edges(tasks: &[Task], index: &HashMap<&str, u32>, problems: &mut Vec<String>) -> Vec<Vec<u32>> {
    // An output that is taken by value must have no other reader.
    let mut first_reader: Vec<Option<u32>> = vec![None; tasks.len()];
    let mut taken_by: Vec<Option<u32>> = vec![None; tasks.len()];
    let mut edges = Vec::with_capacity(tasks.len());
    for (i, task) in tasks.iter().enumerate() {
        let mut found = Vec::with_capacity(task.dependencies.len());
        for (name, usage) in &task.dependencies {
            let Some(dependency) = index.get(&**name) else {
                problems.push(unknown(task, name, tasks));
                continue;
            };
            found.push(*dependency);
            let at = *dependency as usize;
            if *usage == Use::Order {
                continue;
            }
            let (other, mover) = match (taken_by[at], first_reader[at]) {
                (Some(mover), _) => (Some(i as u32), mover),
                (None, Some(reader)) if *usage == Use::Move => (Some(reader), i as u32),
                _ => (None, i as u32),
            };
            if let Some(other) = other {
                problems.push(format!(
                    "`{}` takes the output of `{name}` by value, but `{}` uses it too: take `&T` or `Arc<T>`",
                    tasks[mover as usize].name, tasks[other as usize].name
                ));
            }
            if *usage == Use::Move {
                taken_by[at].get_or_insert(i as u32);
            } else {
                first_reader[at].get_or_insert(i as u32);
            }
        }
        edges.push(found);
    }
    edges
}

fn unknown(task: &Task, dependency: &str, tasks: &[Task]) -> String {
    const SHOWN: usize = 10;
    let mut text = format!(
        "`{}` depends on `{dependency}`, which is no task of it; its tasks are",
        task.name
    );
    for (i, known) in tasks.iter().take(SHOWN).enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(text, "{comma} `{}`", known.name);
    }
    if tasks.len() > SHOWN {
        let _ = write!(text, " and {} more", tasks.len() - SHOWN);
    }
    text
}

/// Returns an order in which each task comes after its dependencies.
///
/// If there is none, the error holds the tasks of a cycle, with the first one again at the end.
/// The time is linear in tasks and edges, and nothing is recursive.
fn order(edges: &[Vec<u32>]) -> Result<Vec<u32>, Vec<u32>> {
    let mut open: Vec<u32> = edges.iter().map(|e| e.len() as u32).collect();
    let mut dependants: Vec<Vec<u32>> = vec![Vec::new(); edges.len()];
    for (i, dependencies) in edges.iter().enumerate() {
        for dependency in dependencies {
            dependants[*dependency as usize].push(i as u32);
        }
    }
    let mut order: Vec<u32> = (0..edges.len() as u32)
        .filter(|i| open[*i as usize] == 0)
        .collect();
    let mut next = 0;
    while let Some(task) = order.get(next).copied() {
        next += 1;
        for dependant in &dependants[task as usize] {
            let open = &mut open[*dependant as usize];
            *open -= 1;
            if *open == 0 {
                order.push(*dependant);
            }
        }
    }
    if order.len() == edges.len() {
        Ok(order)
    } else {
        Err(cycle(edges, &open))
    }
}

/// Follows open dependencies until a task comes again, and returns the cycle.
fn cycle(edges: &[Vec<u32>], open: &[u32]) -> Vec<u32> {
    let mut seen_at: Vec<Option<usize>> = vec![None; edges.len()];
    let mut path: Vec<u32> = Vec::new();
    // Each task that is left over depends on another one that is left over.
    let mut at = open.iter().position(|n| *n > 0);
    while let Some(task) = at {
        if let Some(start) = seen_at[task] {
            path.drain(..start);
            path.push(task as u32);
            break;
        }
        seen_at[task] = Some(path.len());
        path.push(task as u32);
        at = edges[task]
            .iter()
            .map(|d| *d as usize)
            .find(|d| open[*d] > 0);
    }
    path
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
