//! The driver alone, with an executor that only pretends: random graphs in random orders, with and
//! without cancels and deadlines, beside the sequential reference.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use super::model::{Act, Model, Random, TICK};
use super::*;
use crate::pipeline::state::RunState;
use crate::retry::Hint;

/// An executor in which every attempt takes a random time.
struct Pretender {
    driver: Driver,
    random: Random,
    now: Time,
    /// What happens when, in the order of its making.
    agenda: BTreeMap<(Time, u64), Event>,
    made: u64,
    verdicts: HashMap<Unit, Verdict>,
    /// The attempts that run or were left, with the limit that they count against.
    working: HashMap<(Unit, u32), Option<u32>>,
    stopped: Vec<(Unit, u32)>,
    overruns: usize,
    starts: usize,
    late: usize,
}

impl Pretender {
    fn new(model: &Model, seed: u64) -> Self {
        let plan = Plan {
            tasks: model.plan.tasks.iter().map(copy).collect(),
        };
        Self {
            driver: Driver::new(Arc::new(plan), &model.limits),
            random: Random::new(seed ^ 0xabcd),
            now: Time(0),
            agenda: BTreeMap::new(),
            made: 0,
            verdicts: HashMap::new(),
            working: HashMap::new(),
            stopped: Vec::new(),
            overruns: 0,
            starts: 0,
            late: 0,
        }
    }

    fn plan(&mut self, after: Duration, event: Event) {
        self.made += 1;
        self.agenda
            .insert((self.now.after(after), self.made), event);
    }

    fn a_while(&mut self) -> Duration {
        TICK * self.random.below(8) / 4
    }

    fn tell(&mut self, model: &Model, event: Event) {
        let mut commands = Vec::new();
        if let Event::Ended {
            unit,
            attempt,
            left: false,
            ..
        } = event
        {
            self.working.remove(&(unit, attempt));
        }
        if let Event::Released { unit, attempt } = event {
            self.working.remove(&(unit, attempt));
        }
        self.driver.apply(self.now, event, &mut commands);
        for command in commands {
            self.execute(model, command);
        }
        if self.overruns == 0 {
            self.check_limits(model);
        }
    }

    fn check_limits(&self, model: &Model) {
        let all = self.working.len() as u32;
        assert!(
            model.limits.parallel.is_none_or(|limit| all <= limit),
            "{all}"
        );
        for (at, limit) in model.limits.named.iter().enumerate() {
            let of_it = self.working.values().filter(|l| **l == Some(at as u32));
            assert!(of_it.count() as u32 <= *limit);
        }
    }

    fn execute(&mut self, model: &Model, command: Command) {
        match command {
            Command::Start { unit, attempt } => {
                assert!(!self.verdicts.contains_key(&unit), "{unit:?} has ended");
                self.starts += 1;
                let limit = model.plan.tasks[unit.task as usize].limit;
                self.working.insert((unit, attempt), limit);
                self.plan(Duration::ZERO, Event::Began { unit, attempt });
                let end = match model.act(unit.task, unit.item_number(), attempt) {
                    _ if model.declines[unit.task as usize] => End::Declined,
                    Act::Succeed => End::Succeeded,
                    Act::Fail => End::Failed(Hint::None),
                    Act::FailForGood => End::Failed(Hint::Never),
                    Act::Panic => End::Panicked,
                    Act::Hang => return,
                };
                let after = self.a_while();
                self.plan(
                    after,
                    Event::Ended {
                        unit,
                        attempt,
                        end,
                        left: false,
                    },
                );
            }
            Command::Stop { unit, attempt, .. } => {
                assert!(!self.stopped.contains(&(unit, attempt)), "stopped once");
                self.stopped.push((unit, attempt));
                let left = self.random.one_in(3);
                let after = self.a_while();
                self.plan(
                    after,
                    Event::Ended {
                        unit,
                        attempt,
                        end: End::Stopped,
                        left,
                    },
                );
                // Some work never ends.
                if left && self.random.one_in(2) {
                    self.plan(after * 3, Event::Released { unit, attempt });
                }
            }
            Command::Expand { task } => {
                let source = model.plan.tasks[task as usize].dependencies[0].task;
                let items = Some(model.gives[source as usize]);
                self.plan(Duration::ZERO, Event::Expanded { task, items });
            }
            Command::Collect { task } => {
                let is_whole = true;
                self.plan(Duration::ZERO, Event::Collected { task, is_whole });
            }
            Command::End { unit, verdict } => {
                assert!(verdict.state.is_terminal());
                let before = self.verdicts.insert(unit, verdict);
                assert_eq!(before, None, "{unit:?} has ended before");
            }
            Command::Free { .. } => {}
            Command::Overrun { .. } => self.overruns += 1,
            Command::Late => self.late += 1,
        }
    }

    /// Runs to the end; what `disturb` gives happens at that time.
    fn run(&mut self, model: &Model, disturb: Option<(Duration, Event)>) {
        if let Some((after, event)) = disturb {
            self.plan(after, event);
        }
        self.tell(model, Event::Begin);
        while !self.driver.is_over() {
            let next = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let timer = self.driver.next_timer();
            if timer.is_some_and(|timer| next.is_none_or(|next| timer <= next)) {
                self.now = self.now.max(timer.unwrap());
                self.tell(model, Event::Tick);
                continue;
            }
            let Some(((at, _), event)) = self.agenda.pop_first() else {
                panic!("nothing will ever happen: {:?}", self.driver);
            };
            self.now = self.now.max(at);
            self.tell(model, event);
        }
        assert!(self.driver.state().is_terminal());
    }
}

fn copy(rule: &Rule) -> Rule {
    Rule {
        dependencies: rule.dependencies.clone(),
        dependants: rule.dependants.clone(),
        limit: rule.limit,
        retry: rule.retry,
        times: rule.times,
        run_if: rule.run_if,
        map: rule.map,
    }
}

#[test]
fn random_graphs_end_as_the_reference_says_whatever_comes_first() {
    for seed in 0..4_000 {
        let model = Model::random(seed);
        let mut pretender = Pretender::new(&model, seed);
        pretender.run(&model, None);
        for (task, expected) in model.reference().iter().enumerate() {
            let unit = Unit::task(task as u32);
            let verdict = pretender.verdicts[&unit];
            assert_eq!(verdict.state, expected.state, "seed {seed}, task {task}");
            let attempts = pretender.driver.slot(unit).unwrap().attempts;
            assert_eq!(
                attempts,
                expected.attempts.unwrap_or(attempts),
                "seed {seed}, task {task}"
            );
            if let Cause::Skipped(skip) = verdict.cause {
                assert_eq!(Some(skip), expected.skip, "seed {seed}, task {task}");
            }
        }
        let failed = model.reference().iter().any(|end| end.state.is_failure());
        let state = if failed {
            RunState::Failed
        } else {
            RunState::Succeeded
        };
        assert_eq!(pretender.driver.state(), state, "seed {seed}");
    }
}

#[test]
fn a_run_that_is_cut_off_ends_every_task_once_and_begins_nothing_more() {
    for seed in 0..4_000 {
        let mut model = Model::random(seed);
        let after = TICK * (seed % 13) as u32 / 2;
        let by_deadline = seed % 2 == 0;
        let disturb = if by_deadline {
            model.limits.deadline = Some(after);
            None
        } else {
            Some((after, Event::Cancel))
        };
        let mut pretender = Pretender::new(&model, seed);
        pretender.run(&model, disturb);
        let cut_off = if by_deadline {
            TaskState::TimedOut
        } else {
            TaskState::Cancelled
        };
        let mut is_cut = false;
        for task in 0..model.plan.tasks.len() as u32 {
            let unit = Unit::task(task);
            let verdict = pretender.verdicts[&unit];
            let state_of = |task: u32| pretender.verdicts[&Unit::task(task)].state;
            let fits = match verdict.cause {
                Cause::Stopped(_) => verdict.state == cut_off,
                Cause::Skipped(Skip::UpstreamFailed(root)) => state_of(root).is_failure(),
                Cause::Skipped(Skip::UpstreamSkipped(root)) => state_of(root) == TaskState::Skipped,
                Cause::Skipped(_) => verdict.state == TaskState::Skipped,
                Cause::Attempt if model.plan.tasks[task as usize].map.is_some() => {
                    verdict.state == TaskState::Succeeded
                }
                Cause::Attempt => {
                    let attempts = pretender.driver.slot(unit).unwrap().attempts;
                    let expected = match model.act(task, None, attempts) {
                        Act::Succeed => TaskState::Succeeded,
                        Act::Fail | Act::FailForGood => TaskState::Failed,
                        Act::Panic => TaskState::Panicked,
                        Act::Hang => TaskState::TimedOut,
                    };
                    verdict.state == expected
                }
                _ => verdict.state == TaskState::Failed,
            };
            assert!(fits, "seed {seed}, task {task}: {verdict:?}");
            let not_reached = verdict.cause == Cause::Skipped(Skip::NotReached);
            is_cut |= matches!(verdict.cause, Cause::Stopped(_)) || not_reached;
        }
        let expected = match (is_cut, by_deadline) {
            (true, true) => [RunState::TimedOut; 2],
            (true, false) => [RunState::Cancelled; 2],
            (false, _) => [RunState::Failed, RunState::Succeeded],
        };
        assert!(expected.contains(&pretender.driver.state()), "seed {seed}");
        let mut commands = Vec::new();
        let cancelled = pretender
            .driver
            .apply(Time::NEVER, Event::Cancel, &mut commands);
        assert!(!cancelled && commands.is_empty(), "it is over");
    }
}
