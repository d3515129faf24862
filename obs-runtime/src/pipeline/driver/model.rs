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
    /// Fails with an error that asks for a pause of its own.
    FailAndAsk,
    Panic,
    /// Goes on until it is stopped.
    Hang,
}

/// The unit of time of a model.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// What an error of [`Act::FailAndAsk`] asks for.
pub(crate) const ASKED: Duration = Duration::from_secs(2);

/// What cuts a run short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Nothing,
    /// It is cancelled by a handle.
    Cancel(Duration),
    /// The future that waits for it is dropped.
    Drop(Duration),
    /// It may take no longer.
    RunDeadline(Duration),
    /// Some of its tasks have deadlines, or wait for slots no longer than this.
    TaskTimes(Duration),
}

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
    /// The tasks whose output makes its items one after the other, for one mapped task.
    pub(crate) lazy: Vec<bool>,
    pub(crate) limits: RunLimits,
    pub(crate) cut: Cut,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) state: TaskState,
    pub(crate) attempts: u32,
    pub(crate) skip: Option<Skip>,
    /// How its items did.
    pub(crate) items: Vec<(TaskState, u32)>,
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
            lazy: Vec::new(),
            limits: RunLimits {
                parallel: random.one_in(2).then(|| 1 + random.below(4)),
                named: (0..named).map(|_| 1 + random.below(2)).collect(),
                deadline: None,
                late: None,
                seed,
            },
            cut: Cut::Nothing,
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
        let source = dependencies.first().filter(|edge| edge.reads && is_mapped);
        let source = source.map(|edge| edge.task as usize);
        let map = source.filter(|at| self.has_list(*at)).map(|_| MapRule {
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
        let source = source.filter(|_| map.is_some());
        let items = source.map(|at| self.gives[at]);
        if let Some(at) = source {
            let mut others = self.plan.tasks.iter().filter(|rule| rule.map.is_some());
            let is_shared = others.any(|rule| rule.dependencies[0].task as usize == at);
            let may_be = !is_shared && self.plan.tasks[at].map.is_none();
            self.lazy[at] = may_be && random.one_in(2);
        }
        self.lazy.push(false);
        let mut unit = || {
            (0..=retries)
                .map(|_| match random.below(11) {
                    0 => Act::FailForGood,
                    1 => Act::Panic,
                    2 if has_timeout => Act::Hang,
                    3 | 4 => Act::Fail,
                    5 => Act::FailAndAsk,
                    _ => Act::Succeed,
                })
                .collect()
        };
        self.acts
            .push((0..items.unwrap_or(1)).map(|_| unit()).collect());
        self.declines.push(map.is_none() && random.one_in(12));
        let gives = random.below(6);
        self.gives.push(items.unwrap_or(gives));
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

    /// Whether another task can be mapped over the output of one: the list of a mapped task some of
    /// whose items may fail has none, and a lazy one is for one task.
    fn has_list(&self, task: usize) -> bool {
        if self.lazy[task] {
            return false;
        }
        let map = self.plan.tasks[task].map;
        map.is_none_or(|map| map.allow_failed == AllowFailed::Count(0))
    }

    /// The same with something that cuts it short, or nothing.
    pub(crate) fn cut_at_random(mut self, random: &mut Random) -> Self {
        let after = TICK * random.below(30) / 2;
        self.cut = match random.below(8) {
            0 => Cut::Cancel(after),
            1 => Cut::Drop(after),
            2 => Cut::RunDeadline(after),
            3 => Cut::TaskTimes(after),
            _ => Cut::Nothing,
        };
        match self.cut {
            Cut::RunDeadline(deadline) => self.limits.deadline = Some(deadline),
            Cut::TaskTimes(longest) => {
                for rule in &mut self.plan.tasks {
                    rule.times.deadline = random.one_in(3).then_some(longest);
                    rule.times.queue_timeout = random.one_in(3).then_some(longest / 4);
                }
            }
            _ => {}
        }
        self.limits.late = random.one_in(4).then(|| TICK * random.below(30) / 2);
        self
    }

    /// The same without anything that hangs on the time: what would hang fails.
    pub(crate) fn without_times(mut self) -> Self {
        for rule in &mut self.plan.tasks {
            rule.times = Times::NONE;
            rule.retry = rule.retry.backoff(Backoff::None);
        }
        let acts = self.acts.iter_mut().flatten().flatten();
        for act in acts.filter(|act| matches!(act, Act::Hang | Act::FailAndAsk)) {
            *act = Act::Fail;
        }
        self
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
                Act::Fail | Act::FailAndAsk if is_last => return (TaskState::Failed, attempt),
                Act::Hang if is_last => return (TaskState::TimedOut, attempt),
                Act::Fail | Act::FailAndAsk | Act::Hang => {}
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Holds the ends of all tasks against the rules, one after the other.
    ///
    /// A task must have ended as the rules say of one whose dependencies have ended as these have. If
    /// nothing cuts the run short, that leaves one end for each task. If something does, a task may
    /// also have ended as that says, but never as it could have ended otherwise.
    pub(crate) fn judge(&self, ends: &[Outcome]) -> Result<(), String> {
        for task in 0..self.plan.tasks.len() as u32 {
            let end = &ends[task as usize];
            let fits = match self.verdict(task, ends) {
                Some(skip) => {
                    end.state == TaskState::Skipped && end.attempts == 0 && end.skip == Some(skip)
                }
                None => self.whole_fits(task, end),
            };
            // Whoever declines has begun to.
            let most = u32::from(self.declines[task as usize]);
            let is_cut =
                end.attempts <= most && self.is_cut(task, end.state, end.attempts, end.skip);
            if !(fits || is_cut) {
                let verdict = self.verdict(task, ends);
                return Err(format!("task {task}: {end:?}, the rules: {verdict:?}"));
            }
        }
        Ok(())
    }

    fn whole_fits(&self, task: u32, end: &Outcome) -> bool {
        let rule = &self.plan.tasks[task as usize];
        let attempts = (end.state, end.attempts);
        let Some(map) = rule.map else {
            let expected = self.unit(task, None);
            return attempts == expected
                || (end.attempts <= expected.1
                    && self.is_cut(task, end.state, end.attempts, end.skip))
                || self.was_not_repeated(task, None, attempts);
        };
        let ends: Vec<_> = (0..self.acts[task as usize].len() as u32)
            .map(|item| self.unit(task, Some(item)))
            .collect();
        let is_lazy = self.is_lazy(task);
        let are_too_many = ends.len() as u32 > map.max;
        if are_too_many && !is_lazy {
            return attempts == (TaskState::Failed, 0) && end.items.is_empty()
                || (end.attempts == 0 && self.is_cut(task, end.state, 0, end.skip));
        }
        let allowed = map.allow_failed.of(ends.len() as u32);
        let failures = |ends: &[(TaskState, u32)]| {
            ends.iter().filter(|(state, _)| state.is_failure()).count() as u32
        };
        // Those that were made before the one too many have run.
        let is_doomed = end.state == TaskState::Failed
            && (failures(&end.items) > allowed || are_too_many && end.items.len() as u32 > map.max);
        let may_be_fewer = is_lazy && end.items.len() <= ends.len();
        let is_cut = self.is_cut(task, end.state, end.attempts, end.skip);
        let mut items = end.items.iter().zip(&ends).enumerate();
        let fits = items.all(|(item, (end, expected))| {
            let item = Some(item as u32);
            let is_left_out = *end == (TaskState::Skipped, 0);
            let is_own = (end.1 <= expected.1 && self.is_cut(task, end.0, end.1, None))
                || self.was_not_repeated(task, item, *end);
            let was_given_up =
                end.1 > 0 && end.1 < expected.1 && end.0 == self.state_after(task, item, end.1);
            end == expected || is_own || (is_doomed || is_cut) && (is_left_out || was_given_up)
        });
        let most = end.items.iter().map(|(_, attempts)| *attempts).max();
        let all = failures(&end.items) <= allowed && end.items.len() == ends.len() && !are_too_many;
        fits && end.attempts == most.unwrap_or(0)
            && match end.state {
                TaskState::Succeeded => {
                    all && (self.cut != Cut::Nothing || failures(&ends) <= allowed)
                }
                _ => is_doomed && (end.items.len() == ends.len() || may_be_fewer) || is_cut,
            }
    }

    /// Whether the items of a mapped task are made while others work.
    pub(crate) fn is_lazy(&self, task: u32) -> bool {
        let edge = self.plan.tasks[task as usize].dependencies.first();
        edge.is_some_and(|edge| self.lazy[edge.task as usize])
    }

    /// How a unit would have ended if this attempt had been the last.
    fn state_after(&self, task: u32, item: Option<u32>, attempt: u32) -> TaskState {
        match self.act(task, item, attempt) {
            Act::Succeed => TaskState::Succeeded,
            Act::Panic => TaskState::Panicked,
            Act::Hang => TaskState::TimedOut,
            Act::Fail | Act::FailForGood | Act::FailAndAsk => TaskState::Failed,
        }
    }

    /// Whether it failed when nothing was to begin any more, or when a pause would have outlasted a
    /// deadline, so that no attempt came after it.
    fn was_not_repeated(&self, task: u32, item: Option<u32>, end: (TaskState, u32)) -> bool {
        let (state, attempts) = end;
        let may_be_the_last = match self.cut {
            Cut::Nothing => false,
            Cut::Cancel(_) | Cut::Drop(_) | Cut::RunDeadline(_) => true,
            Cut::TaskTimes(_) => self.plan.tasks[task as usize].times.deadline.is_some(),
        };
        may_be_the_last
            && attempts > 0
            && attempts < self.unit(task, item).1
            && state == self.state_after(task, item, attempts)
    }

    /// Whether what cuts the run short can end a unit like this.
    fn is_cut(&self, task: u32, state: TaskState, attempts: u32, skip: Option<Skip>) -> bool {
        let times = &self.plan.tasks[task as usize].times;
        match self.cut {
            Cut::Nothing => false,
            Cut::Cancel(_) | Cut::Drop(_) => state == TaskState::Cancelled,
            Cut::RunDeadline(_) => {
                let is_reached = attempts > 0 || skip != Some(Skip::NotReached);
                state == TaskState::TimedOut && is_reached
                    || state == TaskState::Skipped && attempts == 0
            }
            Cut::TaskTimes(_) => {
                let is_limited = times.deadline.is_some() || times.queue_timeout.is_some();
                state == TaskState::TimedOut && is_limited
            }
        }
    }

    /// Why a task does not run, if it does not. It is written as the documentation says it, and not
    /// as the driver does.
    fn verdict(&self, task: u32, ends: &[Outcome]) -> Option<Skip> {
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
