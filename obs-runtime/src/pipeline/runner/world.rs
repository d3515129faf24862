//! A random graph on the real runner: what its attempts do, and what they saw.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use crate::pipeline::blocking::blocking;
use crate::pipeline::driver::model::{ASKED, Act, Cut, Model, Outcome, Random, TICK};
use crate::pipeline::items::{collect_all, collect_some, count_items};
use crate::pipeline::plan::AllowFailed;
use crate::pipeline::result::Output;
use crate::pipeline::task::{Attempt, Attempted, Body, Mapping, Unmade, Use};
use crate::pipeline::telemetry::task_span;
use crate::pipeline::{Lazy, Pipeline, Task, TaskContext, TaskError};
use crate::retry::Hint;
use crate::trace::SpanRecord;

type Made = Result<Attempted, Unmade>;

/// A graph, and what its attempts saw.
pub(super) struct World {
    pub(super) model: Model,
    pub(super) seed: u64,
    /// Whether attempts take time.
    pub(super) has_clock: bool,
    pub(super) seen: Mutex<Seen>,
}

#[derive(Default)]
pub(super) struct Seen {
    /// Begins and ends of attempts, in their order.
    log: Vec<(u32, Option<u32>, u32, bool)>,
    working: Vec<u32>,
    problems: Vec<String>,
}

/// Until it is dropped, an attempt works.
struct Working(Arc<World>, (u32, Option<u32>, u32));

impl Working {
    fn begin(world: &Arc<World>, task: u32, context: &TaskContext) -> Self {
        let item = context.item().map(|item| item as u32);
        let at = (task, item, context.attempt());
        let mut seen = world.seen.lock().unwrap();
        seen.log.push((at.0, at.1, at.2, true));
        seen.working.push(task);
        let rule = |task: &u32| world.model.plan.tasks[*task as usize].limit;
        let limits = &world.model.limits;
        let all = seen.working.len() as u32;
        let mut problems = Vec::new();
        if limits.parallel.is_some_and(|limit| all > limit) {
            problems.push(format!("{all} attempts at once"));
        }
        if let Some(limit) = rule(&task) {
            let of_it = seen.working.iter().filter(|t| rule(t) == Some(limit));
            if of_it.count() as u32 > limits.named[limit as usize] {
                problems.push(format!("too many attempts of the limit {limit}"));
            }
        }
        seen.problems.append(&mut problems);
        drop(seen);
        Self(Arc::clone(world), at)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let (task, item, attempt) = self.1;
        let mut seen = self.0.seen.lock().unwrap();
        seen.log.push((task, item, attempt, false));
        let at = seen.working.iter().position(|t| *t == task);
        at.map(|at| seen.working.swap_remove(at));
    }
}

impl World {
    fn is_synchronous(&self, task: u32) -> bool {
        self.has_clock && Random::new(self.seed ^ u64::from(task)).one_in(8)
    }

    /// What an attempt does that does not hang.
    fn act(&self, task: u32, context: &TaskContext) -> Made {
        if self.model.declines[task as usize] {
            return Err(Unmade::Declined);
        }
        let item = context.item().map(|item| item as u32);
        let failed = |hint| Err(Unmade::Failed(TaskError::new("act", "failed"), hint));
        match self.model.act(task, item, context.attempt()) {
            Act::Succeed => Ok(Attempted {
                value: match item {
                    Some(item) => Arc::new(item as u8),
                    None if self.model.lazy[task as usize] => self.lazy(task),
                    None => Arc::new(vec![0_u8; self.model.gives[task as usize] as usize]),
                },
                records: None,
                is_cached: false,
            }),
            Act::Fail => failed(Hint::None),
            Act::FailForGood => failed(Hint::Never),
            Act::FailAndAsk => failed(Hint::After(ASKED)),
            // Without the panic hook, which would write it.
            Act::Panic => std::panic::resume_unwind(Box::new("boom")),
            Act::Hang => unreachable!("it is waited for"),
        }
    }

    /// Items that are made while others work, each after a while or at once.
    fn lazy(&self, task: u32) -> Output {
        let items = self.model.gives[task as usize];
        if self.seed.is_multiple_of(2) || !self.has_clock {
            return Arc::new(Lazy::new((0..items).map(|item| item as u8)));
        }
        Arc::new(Lazy::stream(futures_util::stream::unfold(
            0,
            move |at| async move {
                tokio::time::sleep(TICK * (at % 3) / 4).await;
                (at < items).then_some((at as u8, at + 1))
            },
        )))
    }

    fn attempt(self: &Arc<Self>, task: u32, context: TaskContext) -> Attempt {
        let this = Arc::clone(self);
        let item = context.item().map(|item| item as u32);
        let hangs = !this.model.declines[task as usize]
            && this.model.act(task, item, context.attempt()) == Act::Hang;
        if self.is_synchronous(task) && !hangs {
            return Box::pin(blocking(move || {
                let span = task_span(&context);
                let _inside = span.enter();
                let _working = Working::begin(&this, task, &context);
                this.act(task, &context)
            }));
        }
        let span = self.is_synchronous(task).then(|| task_span(&context));
        Box::pin(async move {
            let _span = span;
            let _working = Working::begin(&this, task, &context);
            let which = u64::from(task) << 32 | u64::from(item.unwrap_or(99));
            let mut random = Random::new(this.seed ^ which ^ u64::from(context.attempt()) << 20);
            match random.below(8) {
                0 => {}
                quarters if this.has_clock => tokio::time::sleep(TICK * quarters / 4).await,
                times => {
                    for _ in 0..times {
                        tokio::task::yield_now().await;
                    }
                }
            }
            if hangs {
                core::future::pending::<()>().await;
            }
            this.act(task, &context)
        })
    }

    pub(super) fn pipeline(self: &Arc<Self>) -> Pipeline {
        let mut builder = Pipeline::builder(if self.has_clock {
            super::NAME
        } else {
            "busy graphs"
        });
        // Backwards: the order of the graph is not that of the calls.
        for (at, rule) in self.model.plan.tasks.iter().enumerate().rev() {
            let number = at as u32;
            let mut task = Task::new(format!("t{at}"), |_| async { Ok::<_, String>(()) });
            let this = Arc::clone(self);
            task.body = Body::Closure(Box::new(move |context| this.attempt(number, context)));
            task.traced = self.is_synchronous(number);
            let dependencies = rule.dependencies.iter().map(|edge| {
                let usage = if edge.reads { Use::Read } else { Use::Order };
                (format!("t{}", edge.task).into(), usage)
            });
            task.dependencies = dependencies.collect();
            task.policy.retry = rule.retry;
            task.policy.times = rule.times;
            task.policy.run_if = rule.run_if;
            task.policy.concurrency = rule.limit.map(|limit| format!("l{limit}").into());
            task.map = rule.map.map(|rule| Mapping {
                rule,
                source: 0,
                count: if self.model.is_lazy(number) {
                    count_items::<Lazy<u8>>
                } else {
                    count_items::<Vec<u8>>
                },
                collect: match rule.allow_failed {
                    AllowFailed::Count(0) => collect_all::<u8>,
                    _ => collect_some::<u8>,
                },
            });
            builder = builder.add_task(task);
        }
        let mut pipeline = builder.build().unwrap();
        let limits = &self.model.limits;
        for (at, limit) in limits.named.iter().enumerate() {
            let is_used = |rule: &crate::pipeline::plan::Rule| rule.limit == Some(at as u32);
            if self.model.plan.tasks.iter().any(is_used) {
                pipeline = pipeline.concurrency(format!("l{at}"), *limit as usize);
            }
        }
        if let Some(limit) = limits.parallel {
            pipeline = pipeline.max_parallel_tasks(limit as usize);
        }
        if let Some(deadline) = limits.deadline {
            pipeline = pipeline.deadline(deadline);
        }
        if let Some(late) = limits.late {
            pipeline = pipeline.late(late);
        }
        pipeline
    }

    /// Holds what the attempts saw against the result.
    pub(super) fn check_log(&self, outcomes: &[Outcome]) -> Result<(), String> {
        let seen = self.seen.lock().unwrap();
        if let Some(problem) = seen.problems.first() {
            return Err(problem.clone());
        }
        let mut begun: HashMap<(u32, Option<u32>), u32> = HashMap::new();
        let mut ended: HashSet<(u32, Option<u32>, u32)> = HashSet::new();
        let is_cut = self.model.cut != Cut::Nothing;
        for (task, item, attempt, begins) in seen.log.iter().copied() {
            if !begins {
                ended.insert((task, item, attempt));
                continue;
            }
            let last = begun.entry((task, item)).or_insert(0);
            // One that was given up may never have begun to work.
            if attempt != *last + 1 && !(is_cut && attempt > *last) {
                return Err(format!(
                    "attempt {attempt} after {last} of {task}, {item:?}"
                ));
            }
            if *last > 0 && !ended.contains(&(task, item, *last)) && !self.is_synchronous(task) {
                return Err(format!("two attempts of {task}, {item:?} at once"));
            }
            *last = attempt;
            for edge in &self.model.plan.tasks[task as usize].dependencies {
                let of_it = |(before, ..): &&(u32, _, _)| *before == edge.task;
                let mut before = begun.iter().filter(|((task, _), _)| *task == edge.task);
                let is_over =
                    before.all(|((task, item), last)| ended.contains(&(*task, *item, *last)));
                if !is_over && !self.is_synchronous(edge.task) {
                    let ended: Vec<_> = ended.iter().filter(of_it).collect();
                    return Err(format!(
                        "{task} began before {} ended: {ended:?}",
                        edge.task
                    ));
                }
            }
        }
        for (at, end) in outcomes.iter().enumerate() {
            let units = if self.model.plan.tasks[at].map.is_some() {
                let items = end.items.iter().enumerate();
                items
                    .map(|(item, end)| (Some(item as u32), end.1))
                    .collect()
            } else {
                vec![(None, end.attempts + u32::from(self.model.declines[at]))]
            };
            for (item, attempts) in units {
                let last = begun.get(&(at as u32, item)).copied().unwrap_or(0);
                let is_known = last == attempts || self.model.declines[at] && last < attempts;
                if !(is_known || is_cut && last <= attempts) {
                    return Err(format!(
                        "{last} attempts of {at}, {item:?} instead of {attempts}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Looks whether the spans are a tree: the run, and below it each attempt that began.
    pub(super) fn check_spans(&self, spans: &[SpanRecord]) -> Result<(), String> {
        let roots: Vec<_> = spans.iter().filter(|s| s.parent_id.is_none()).collect();
        let [root] = roots[..] else {
            return Err(format!("{} roots", roots.len()));
        };
        let ids: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
        if ids.len() != spans.len() {
            return Err("two spans have one id".to_owned());
        }
        for span in spans {
            let is_below = span.parent_id == Some(root.span_id) || span.span_id == root.span_id;
            if !is_below || span.trace_id != root.trace_id {
                return Err(format!("`{}` is not below the run", span.name));
            }
            let mut links = span.links.iter().map(|link| link.context.span_id());
            if !links.all(|id| ids.contains(&id)) {
                return Err(format!("`{}` links to a span that is not there", span.name));
            }
        }
        let begun = self.seen.lock().unwrap().log.iter().filter(|l| l.3).count();
        if spans.len() != begun + 1 {
            return Err(format!("{} spans of {begun} attempts", spans.len()));
        }
        Ok(())
    }
}
