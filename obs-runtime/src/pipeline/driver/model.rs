//! Random graphs, what each attempt in them does, and how they end by the rules alone: the sequential
//! reference that the driver and the runner are held against.

use core::time::Duration;

use crate::pipeline::driver::Skip;
use crate::pipeline::plan::{AllowFailed, Edge, MapRule, Plan, Rule, RunIf, RunLimits, Times};
use crate::pipeline::state::TaskState;
use crate::pipeline::{Backoff, RetryPolicy};

/// A random number generator of which a seed says all (xorshift64*).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, end: u32) -> u32 {
        (self.next() % u64::from(end.max(1))) as u32
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }
}

/// What an attempt does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Succeed,
    Fail,
    /// Fails with an error that is not to be repeated.
    FailForGood,
    Panic,
    /// Goes on until it is stopped.
    Hang,
}

/// The unit of time of a model.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// A graph, and what its attempts do.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) plan: Plan,
    /// What attempts do, by task, item and attempt.
    acts: Vec<Vec<Vec<Act>>>,
    /// The tasks whose own condition does not hold.
    pub(crate) declines: Vec<bool>,
    /// How many items the output of each task has.
    pub(crate) gives: Vec<u32>,
    pub(crate) limits: RunLimits,
}

/// How a task ends by the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) state: TaskState,
    /// The attempts, unless they depend on what came first.
    pub(crate) attempts: Option<u32>,
    pub(crate) skip: Option<Skip>,
}

impl Model {
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let tasks = 1 + random.below(12);
        let named = random.below(3);
        let mut model = Self {
            plan: Plan::default(),
            acts: Vec::new(),
            declines: Vec::new(),
            gives: Vec::new(),
            limits: RunLimits {
                parallel: random.one_in(2).then(|| 1 + random.below(4)),
                named: (0..named).map(|_| 1 + random.below(2)).collect(),
                deadline: None,
                late: None,
                seed,
            },
        };
        for task in 0..tasks {
            model.add(task, named, &mut random);
        }
        model
    }

    fn add(&mut self, task: u32, named: u32, random: &mut Random) {
        let mut dependencies: Vec<Edge> = Vec::new();
        for before in 0..task {
            if random.below(task + 2) < 2 {
                let reads = random.one_in(2);
                dependencies.push(Edge {
                    task: before,
                    reads,
                });
            }
        }
        let run_if = match random.below(8) {
            0 if !dependencies.is_empty() => RunIf::Done,
            1 if !dependencies.is_empty() => RunIf::Failed,
            2 if !dependencies.is_empty() => RunIf::AnySuccess,
            _ => RunIf::Success,
        };
        let is_mapped = run_if == RunIf::Success && random.one_in(4);
        let map =
            (is_mapped && dependencies.first().is_some_and(|edge| edge.reads)).then(|| MapRule {
                parallel: random.one_in(2).then(|| 1 + random.below(3)),
                max: if random.one_in(6) { 2 } else { 100 },
                allow_failed: match random.below(3) {
                    0 => AllowFailed::Count(1),
                    1 => AllowFailed::Part(0.5),
                    _ => AllowFailed::Count(0),
                },
            });
        let retries = random.below(3);
        let backoff = [Backoff::None, Backoff::Constant, Backoff::Exponential];
        let retry = RetryPolicy::new(retries)
            .delay(TICK)
            .backoff(backoff[random.below(3) as usize])
            .jitter(0.3);
        let has_timeout = random.one_in(2);
        for edge in &dependencies {
            self.plan.tasks[edge.task as usize].dependants.push(task);
        }
        let items = map.and_then(|_| Some(self.gives[dependencies.first()?.task as usize]));
        let mut unit = || {
            (0..=retries)
                .map(|_| match random.below(10) {
                    0 => Act::FailForGood,
                    1 => Act::Panic,
                    2 if has_timeout => Act::Hang,
                    3 | 4 => Act::Fail,
                    _ => Act::Succeed,
                })
                .collect()
        };
        self.acts
            .push((0..items.unwrap_or(1)).map(|_| unit()).collect());
        self.declines.push(map.is_none() && random.one_in(12));
        self.gives.push(random.below(6));
        self.plan.tasks.push(Rule {
            dependencies: dependencies.into(),
            dependants: Vec::new(),
            limit: (named > 0 && random.one_in(2)).then(|| random.below(named)),
            retry,
            times: Times {
                timeout: has_timeout.then_some(TICK * 3),
                ..Times::NONE
            },
            run_if,
            map,
        });
    }

    pub(crate) fn act(&self, task: u32, item: Option<u32>, attempt: u32) -> Act {
        let of_task = &self.acts[task as usize];
        of_task[item.unwrap_or(0) as usize][attempt as usize - 1]
    }

    /// How one unit ends whose attempts are made.
    fn unit(&self, task: u32, item: Option<u32>) -> (TaskState, u32) {
        let retries = self.plan.tasks[task as usize].retry.retries();
        for attempt in 1..=retries + 1 {
            let is_last = attempt > retries;
            match self.act(task, item, attempt) {
                Act::Succeed => return (TaskState::Succeeded, attempt),
                Act::Panic => return (TaskState::Panicked, attempt),
                Act::FailForGood => return (TaskState::Failed, attempt),
                Act::Fail if is_last => return (TaskState::Failed, attempt),
                Act::Hang if is_last => return (TaskState::TimedOut, attempt),
                Act::Fail | Act::Hang => {}
            }
        }
        unreachable!("the last attempt returns")
    }

    /// How all tasks end, one after the other.
    pub(crate) fn reference(&self) -> Vec<Expected> {
        let mut ends: Vec<Expected> = Vec::new();
        for task in 0..self.plan.tasks.len() as u32 {
            let end = match self.verdict(task, &ends) {
                Some(skip) => Expected {
                    state: TaskState::Skipped,
                    attempts: Some(0),
                    skip: Some(skip),
                },
                None => self.whole(task),
            };
            ends.push(end);
        }
        ends
    }

    fn whole(&self, task: u32) -> Expected {
        let end = |state, attempts| Expected {
            state,
            attempts,
            skip: None,
        };
        let rule = &self.plan.tasks[task as usize];
        let Some(map) = rule.map else {
            let (state, attempts) = self.unit(task, None);
            return end(state, Some(attempts));
        };
        let items = self.acts[task as usize].len() as u32;
        if items > map.max {
            return end(TaskState::Failed, Some(0));
        }
        let ends: Vec<_> = (0..items).map(|item| self.unit(task, Some(item))).collect();
        let failed = ends.iter().filter(|(state, _)| state.is_failure()).count() as u32;
        if failed > map.allow_failed.of(items) {
            return end(TaskState::Failed, None);
        }
        let attempts = ends.iter().map(|(_, attempts)| *attempts).max();
        end(TaskState::Succeeded, Some(attempts.unwrap_or(0)))
    }

    /// Why a task does not run, if it does not. It is written as the documentation says it, and not
    /// as the driver does.
    fn verdict(&self, task: u32, ends: &[Expected]) -> Option<Skip> {
        let rule = &self.plan.tasks[task as usize];
        let root = |before: u32| match (ends[before as usize].state, ends[before as usize].skip) {
            (state, _) if state.is_failure() => Some(before),
            (_, Some(Skip::UpstreamFailed(root))) => Some(root),
            _ => None,
        };
        let missing = |before: u32| match ends[before as usize].skip {
            Some(Skip::Condition) => Some(before),
            Some(Skip::UpstreamSkipped(root)) => Some(root),
            _ => None,
        };
        let all = || rule.dependencies.iter().map(|edge| edge.task);
        let failed = all().find_map(root);
        let has_good = all().any(|before| ends[before as usize].state.is_success());
        let skip = match rule.run_if {
            RunIf::Done => None,
            RunIf::Failed => failed.is_none().then_some(Skip::Condition),
            RunIf::AnySuccess if has_good => None,
            RunIf::AnySuccess => Some(match (failed, all().find_map(missing)) {
                (Some(root), _) => Skip::UpstreamFailed(root),
                (None, Some(root)) => Skip::UpstreamSkipped(root),
                (None, None) => Skip::Condition,
            }),
            RunIf::Success => {
                let read = rule.dependencies.iter().filter(|edge| edge.reads);
                let read = read.map(|edge| edge.task).find_map(missing);
                let skipped = read.map(Skip::UpstreamSkipped);
                failed.map(Skip::UpstreamFailed).or(skipped)
            }
        };
        skip.or(self.declines[task as usize].then_some(Skip::Condition))
    }
}
