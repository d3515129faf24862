//! The driver alone, with an executor that only pretends: random graphs in random orders, with and
//! without cancels and deadlines, beside the sequential reference.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use super::model::{ASKED, Act, Cut, Model, Outcome, Random, TICK};
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
    /// How many items have been made of tasks that are mapped over a lazy list.
    items: HashMap<u32, u32>,
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
            items: HashMap::new(),
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
                    Act::FailAndAsk => End::Failed(Hint::After(ASKED)),
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
            Command::Expand { task } if model.is_lazy(task) => {
                self.plan(Duration::ZERO, Event::Opened { task });
            }
            Command::Make { task, most } => self.make(model, task, most),
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

    /// Makes items, each after a while.
    fn make(&mut self, model: &Model, task: u32, most: u32) {
        let source = model.plan.tasks[task as usize].dependencies[0].task;
        let all = model.gives[source as usize];
        let before = self.items.get(&task).copied().unwrap_or(0);
        let now = most.min(all - before);
        self.items.insert(task, before + now);
        let mut after = Duration::ZERO;
        for _ in 0..now {
            after += self.a_while();
            let made = Made::Item;
            self.plan(after, Event::Made { task, made });
        }
        let made = if now < most { Made::All } else { Made::Lot };
        self.plan(after, Event::Made { task, made });
    }

    /// Runs to the end.
    fn run(&mut self, model: &Model) {
        if let Cut::Cancel(after) | Cut::Drop(after) = model.cut {
            self.plan(after, Event::Cancel);
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
        self.driver.audit();
        assert_eq!(self.driver.running_attempts(), []);
        for (unit, attempt) in self.driver.left_attempts() {
            self.tell(model, Event::Released { unit, attempt });
        }
        self.driver.audit();
        assert_eq!(self.driver.left_attempts(), [], "all permits are back");
    }

    fn outcomes(&self, model: &Model) -> Vec<Outcome> {
        let of = |unit: Unit| match self.driver.slot(unit) {
            Some(slot) => (slot.state, slot.attempts),
            None => (TaskState::Skipped, 0),
        };
        let tasks = 0..model.plan.tasks.len() as u32;
        let outcomes = tasks.map(|task| {
            let verdict = self.verdicts[&Unit::task(task)];
            let items = 0..self.driver.items(task).unwrap_or(0);
            let (state, attempts) = of(Unit::task(task));
            assert_eq!(state, verdict.state);
            Outcome {
                state,
                attempts,
                skip: match verdict.cause {
                    Cause::Skipped(skip) => Some(skip),
                    _ => None,
                },
                items: items.map(|item| of(Unit::item(task, item))).collect(),
            }
        });
        outcomes.collect()
    }

    /// The state of the run as its tasks' ends say.
    fn state(&self) -> RunState {
        let ends = || {
            self.verdicts
                .iter()
                .filter(|(u, _)| u.item_number().is_none())
        };
        let is_cut = |cause| {
            let by_run = Cause::Stopped(Why::RunDeadline);
            cause == by_run || cause == Cause::Skipped(Skip::NotReached)
        };
        if ends().any(|(_, end)| end.state == TaskState::Cancelled) {
            RunState::Cancelled
        } else if ends().any(|(_, end)| is_cut(end.cause)) {
            RunState::TimedOut
        } else if ends().any(|(_, end)| end.state.is_failure()) {
            RunState::Failed
        } else {
            RunState::Succeeded
        }
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
fn random_graphs_end_as_the_reference_says_whatever_comes_first_or_cuts_them_short() {
    let (mut cut, mut whole) = (0, 0);
    for seed in 0..8_000 {
        let model = Model::random(seed).cut_at_random(&mut Random::new(seed ^ 0x5eed));
        let mut pretender = Pretender::new(&model, seed);
        pretender.run(&model);
        let judged = model.judge(&pretender.outcomes(&model));
        assert_eq!(judged, Ok(()), "seed {seed}, {:?}", model.cut);
        let state = pretender.driver.state();
        assert_eq!(state, pretender.state(), "seed {seed}");
        match state {
            RunState::Cancelled | RunState::TimedOut => cut += 1,
            _ => whole += 1,
        }
        assert!(pretender.late <= 1);
        let now = pretender.now;
        let mut commands = Vec::new();
        let cancelled = pretender.driver.apply(now, Event::Cancel, &mut commands);
        assert!(!cancelled && commands.is_empty(), "it is over");
    }
    assert!(cut > 500 && whole > 4_000, "{cut} and {whole}");
}
