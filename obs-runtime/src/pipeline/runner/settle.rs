//! What attempts leave behind, and the results that are made of it.

use core::time::Duration;
use std::sync::Arc;

use crate::guarded::guarded;
#[cfg(feature = "llm")]
use crate::pipeline::account::Account;
use crate::pipeline::driver::{Cause, End, Skip, Slot, Unit, Verdict, Why};
use crate::pipeline::items::Counted;
use crate::pipeline::result::{ItemResult, Output, SkipReason, TaskError, TaskResult};
use crate::pipeline::runner::{Ended, Finished, Runner};
use crate::pipeline::state::TaskState;

impl Runner {
    /// Keeps what an attempt has left, and returns what the driver is to know of its end.
    pub(super) fn keep(&self, unit: Unit, ended: Ended) -> End {
        let mut cell = self.run.cell(unit.task as usize);
        let own = cell.of(unit);
        let stop = own.stop.take();
        let (end, error) = match ended {
            Ended::Done(done) => {
                own.output = Some(done.value);
                if done.records.is_some() {
                    own.records = done.records;
                }
                let end = if done.is_cached {
                    End::Cached
                } else {
                    End::Succeeded
                };
                return end;
            }
            Ended::Declined => return End::Declined,
            Ended::Failed(error, hint) => (End::Failed(hint), Some(error)),
            Ended::Panicked(error) => (End::Panicked, Some(error)),
            // What the unit itself was stopped for is no error of an attempt before.
            Ended::Dropped(error) => (End::Stopped, error.filter(|_| stop == Some(Why::Timeout))),
        };
        if let Some(error) = error {
            own.error = Some(Box::new(error));
        }
        end
    }

    /// Counts the items of a mapped task, or finds what makes them; none if they cannot be read.
    pub(super) fn count_items(&self, task: u32) -> Option<Counted> {
        let graph = &self.run.graph;
        let map = graph.nodes[task as usize].map.as_ref()?;
        let source = graph.rule(task).dependencies.get(map.source)?.task;
        let output = self
            .run
            .cell(source as usize)
            .of(Unit::task(source))
            .output
            .clone();
        guarded(|| (map.count)(output?))?
    }

    /// A unit has ended.
    pub(super) fn settle(&mut self, unit: Unit, verdict: Verdict) {
        let error = self.error(unit, verdict);
        if let Some(item) = unit.item_number() {
            let mut cell = self.run.cell(unit.task as usize);
            cell.of(unit).error = error.map(Box::new);
            drop(cell);
            return self.release_item(unit.task, item);
        }
        let at = unit.task as usize;
        self.run.cell(at).ended = Some(verdict.state);
        if self.run.graph.nodes[at].map.is_some() {
            self.end_feed(unit.task);
            self.settle_items(unit.task);
        }
        let mut result = self.result(unit.task, verdict.state, error);
        if let Cause::Skipped(skip) = verdict.cause {
            result.skip_reason = Some(self.skip_reason(skip));
        }
        let may_wait = self.driver.may_wait(unit.task);
        let pipeline = &self.run.graph.pipeline;
        self.run.meters.task(pipeline, &result, may_wait);
        self.results[at] = Some(result);
    }

    /// Makes the output of a mapped task of those of its items. Returns whether it could.
    pub(super) fn collect(&self, task: u32) -> bool {
        let len = self.driver.items(task).unwrap_or(0) as usize;
        let mut outputs = self.take_outputs(task);
        outputs.resize(len, None);
        let map = self.run.graph.nodes[task as usize].map.as_ref();
        let collected = map.and_then(|map| guarded(|| (map.collect)(outputs)));
        let is_whole = collected.is_some();
        self.run.cell(task as usize).of(Unit::task(task)).output = collected;
        is_whole
    }

    fn take_outputs(&self, task: u32) -> Vec<Option<Output>> {
        let mut cell = self.run.cell(task as usize);
        let items = cell.items.iter_mut();
        items.map(|item| item.output.take()).collect()
    }

    /// Adds up what the items counted, and lets the outputs go that make no whole.
    fn settle_items(&self, task: u32) {
        let mut cell = self.run.cell(task as usize);
        let records = cell.items.iter().filter_map(|item| item.records);
        let records = records.reduce(u64::saturating_add);
        cell.of(Unit::task(task)).records = records;
        drop(cell);
        let unneeded = self.take_outputs(task);
        guarded(|| drop(unneeded));
    }

    /// The result of a task as it is now.
    fn result(&self, task: u32, state: TaskState, error: Option<TaskError>) -> TaskResult {
        let node = &self.run.graph.nodes[task as usize];
        let slot = self.driver.slot(Unit::task(task));
        let mut cell = self.run.cell(task as usize);
        let firsts = cell.items.iter().filter_map(|item| item.began);
        let first = firsts.min();
        let own = cell.of(Unit::task(task));
        let began = own.began.or(first);
        let records = own.records.filter(|_| state.is_success());
        // What it uses from now on is the run's.
        #[cfg(feature = "llm")]
        let spent = if state.is_terminal() {
            cell.account.take().and_then(|account| account.spent())
        } else {
            cell.account.as_ref().and_then(Account::spent)
        };
        drop(cell);
        let attempts = slot.map_or(0, |slot| slot.attempts);
        let ended = slot.map(|slot| self.run.began + Duration::from_nanos(slot.ended.0));
        let lasted = |began| {
            let ended = ended.filter(|_| state.is_terminal());
            let ended = ended.unwrap_or_else(tokio::time::Instant::now);
            ended.saturating_duration_since(began)
        };
        TaskResult {
            name: node.name.clone(),
            state,
            attempts,
            began_after: began
                .filter(|_| attempts > 0)
                .map(|began| began.saturating_duration_since(self.run.began)),
            duration: began
                .filter(|_| attempts > 0)
                .map_or(Duration::ZERO, lasted),
            waited: self.waited(task),
            records,
            error,
            skip_reason: None,
            #[cfg(feature = "llm")]
            spent,
            items: self.item_results(task, state),
            still_running: 0,
        }
    }

    /// How long the attempts of a task have waited for slots, those of its items added up.
    fn waited(&self, task: u32) -> Duration {
        let whole = self.driver.slot(Unit::task(task));
        let items = 0..self.driver.items(task).unwrap_or(0);
        let items = items.map_while(|item| self.driver.slot(Unit::item(task, item)));
        let all = whole.into_iter().chain(items).map(Slot::waited);
        all.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// The results of the items of a task in this state.
    fn item_results(&self, task: u32, of_task: TaskState) -> Vec<ItemResult> {
        let Some(len) = self.driver.items(task) else {
            return Vec::new();
        };
        let mut cell = self.run.cell(task as usize);
        let results = (0..len).map(|item| {
            let unit = Unit::item(task, item);
            let Some(slot) = self.driver.slot(unit) else {
                return ItemResult {
                    item: item as usize,
                    // As long as the task goes on, it may be made still.
                    state: if of_task.is_terminal() {
                        TaskState::Skipped
                    } else {
                        TaskState::Scheduled
                    },
                    attempts: 0,
                    duration: Duration::ZERO,
                    error: None,
                };
            };
            let own = cell.of(unit);
            let ended = self.run.began + Duration::from_nanos(slot.ended.0);
            ItemResult {
                item: item as usize,
                state: slot.state,
                attempts: slot.attempts,
                duration: own.began.map_or(Duration::ZERO, |began| {
                    ended.saturating_duration_since(began)
                }),
                error: own.error.as_deref().cloned(),
            }
        });
        results.collect()
    }

    /// What there is to say of a unit that did not succeed.
    fn error(&self, unit: Unit, verdict: Verdict) -> Option<TaskError> {
        let mut cell = self.run.cell(unit.task as usize);
        let last = cell.of(unit).error.take().map(|error| *error);
        let items = if unit.item_number().is_none() {
            let errors = cell.items.iter().enumerate();
            let mut errors = errors.filter_map(|(at, i)| Some((at, i.error.clone()?)));
            errors.next()
        } else {
            None
        };
        drop(cell);
        let graph = &self.run.graph;
        let times = &graph.rule(unit.task).times;
        let with_last = |kind: &'static str, mut text: String| {
            if let Some(last) = &last {
                text.push_str("; the last error before: ");
                text.push_str(last.message());
            }
            Some(TaskError::new(kind, text))
        };
        match verdict.cause {
            Cause::Attempt if verdict.state.is_success() => None,
            Cause::Attempt if verdict.state == TaskState::Crashed => {
                with_last("crashed", "what ran the attempt is gone".to_owned())
            }
            Cause::Attempt | Cause::Unmade => last,
            Cause::Skipped(_) => None,
            Cause::Stopped(Why::Cancel) => {
                with_last("cancelled", "the run was cancelled".to_owned())
            }
            Cause::Stopped(Why::RunDeadline) => with_last(
                "run_deadline",
                "the deadline of the run has passed".to_owned(),
            ),
            Cause::Stopped(Why::Deadline | Why::Timeout) => {
                let limit = times.deadline.unwrap_or_default();
                with_last(
                    "deadline",
                    format!("not done within its deadline of {limit:?}"),
                )
            }
            Cause::QueueTimeout => {
                let limit = times.queue_timeout.unwrap_or_default();
                with_last("queue_timeout", format!("waited for a slot for {limit:?}"))
            }
            Cause::TooMany(found) => Some(self.too_many(unit.task, found)),
            Cause::Unreadable => Some(TaskError::new(
                "items",
                format!(
                    "the output of `{}` has no items that can be counted: it is of another type, or a                      `Lazy` list that another task is mapped over",
                    self.source(unit.task)
                ),
            )),
            Cause::Uncollected => Some(TaskError::new(
                "items",
                "the outputs of the items could not be made into one list: one is missing, or of \
                 another type",
            )),
            Cause::Items { failed, allowed } => {
                let first = items.map_or(String::new(), |(at, error)| {
                    format!("; the first is item {at}: {}", error.message())
                });
                Some(TaskError::new(
                    "items",
                    format!("{failed} items failed, and {allowed} may{first}"),
                ))
            }
        }
    }

    fn too_many(&self, task: u32, found: u32) -> TaskError {
        let max = self.run.graph.rule(task).map.map_or(0, |map| map.max);
        TaskError::new(
            "items",
            format!(
                "`{}` gave {found} items, and at most {max} may be mapped: raise `max`, or give less",
                self.source(task)
            ),
        )
    }

    /// The name of the task whose output a mapped one takes apart.
    fn source(&self, task: u32) -> &str {
        let graph = &self.run.graph;
        let map = graph.nodes[task as usize].map.as_ref();
        let edge = map.and_then(|map| graph.rule(task).dependencies.get(map.source));
        edge.map_or("", |edge| &graph.nodes[edge.task as usize].name)
    }

    fn skip_reason(&self, skip: Skip) -> SkipReason {
        let name = |task: u32| self.run.graph.nodes[task as usize].name.clone();
        match skip {
            Skip::Condition => SkipReason::Condition,
            Skip::UpstreamFailed(task) => SkipReason::UpstreamFailed(name(task)),
            Skip::UpstreamSkipped(task) => SkipReason::UpstreamSkipped(name(task)),
            Skip::NotReached => SkipReason::NotReached,
        }
    }

    /// The results of all tasks, those that have not ended included.
    pub(super) fn results_so_far(&self) -> Vec<TaskResult> {
        let results = self.results.iter().enumerate();
        let results = results.map(|(at, result)| {
            result.clone().unwrap_or_else(|| {
                let slot = self.driver.slot(Unit::task(at as u32));
                let state = slot.map_or(TaskState::Scheduled, |slot| slot.state);
                self.result(at as u32, state, None)
            })
        });
        results.collect()
    }

    pub(super) fn finish(mut self) -> Finished {
        #[cfg(test)]
        {
            self.driver.audit();
            assert_eq!(self.driver.running_attempts(), []);
        }
        let results = core::mem::take(&mut self.results);
        let results = results.into_iter().flatten().enumerate();
        let results = results.map(|(at, mut result)| {
            // Now, since work that a task gave up may have ended meanwhile.
            result.still_running = self.run.cell(at).threads.len() as u32;
            result
        });
        let results: Vec<TaskResult> = results.collect();
        let outputs = (0..self.run.cells.len()).map(|task| {
            let unit = Unit::task(task as u32);
            self.run.cell(task).of(unit).output.take()
        });
        let outputs: Arc<[Option<Output>]> = outputs.collect();
        Finished {
            state: self.driver.state(),
            results,
            outputs,
        }
    }
}
