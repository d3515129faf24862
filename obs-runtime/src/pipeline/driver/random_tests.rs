//! The driver under events that make no sense: whatever it is told, it neither panics nor lets a unit
//! leave a state in which it has ended.

use core::time::Duration;
use std::collections::HashMap;

use super::model::{Model, Random, TICK};
use super::*;
use crate::pipeline::RetryPolicy;
use crate::pipeline::plan::{Edge, MapRule, RunIf, Times};
use crate::retry::Hint;

/// Throws this many random events at drivers of random graphs, and lets each of them end; the number
/// of graphs, and how many of them had begun.
fn throw(events: u64, seed: u64) -> (u64, u64) {
    let mut random = Random::new(seed);
    let (mut thrown, mut graphs, mut begun) = (0, 0, 0);
    let mut commands = Vec::new();
    let mut ended: HashMap<Unit, TaskState> = HashMap::new();
    while thrown < events {
        graphs += 1;
        let mut model = Model::random(random.next());
        model.limits.deadline = random.one_in(3).then(|| TICK * random.below(300));
        model.limits.late = random.one_in(3).then(|| TICK * random.below(300));
        for rule in &mut model.plan.tasks {
            let mut times = |most| random.one_in(3).then(|| TICK * random.below(most));
            rule.times.deadline = times(100);
            rule.times.queue_timeout = times(20);
        }
        let tasks = model.plan.tasks.len() as u32;
        let mut driver = Driver::new(Arc::new(model.plan), &model.limits);
        ended.clear();
        let mut now = Time(0);
        for _ in 0..200 + random.below(400) {
            thrown += 1;
            now = now.after(Duration::from_millis(u64::from(random.below(2_000))));
            let event = event(&mut random, &driver, tasks);
            commands.clear();
            driver.apply(now, event, &mut commands);
            note(&commands, &mut ended);
        }
        driver.audit();
        begun += u64::from(driver.slot(Unit::task(0)).is_some_and(|s| s.attempts > 0));
        let_end(&mut driver, now, &mut random, &mut ended);
        for (unit, state) in &ended {
            let slot = driver.slot(*unit).map(|slot| slot.state);
            assert_eq!(slot, Some(*state), "{unit:?} left its end");
        }
        let whole = ended.keys().filter(|unit| unit.item_number().is_none());
        assert_eq!(whole.count() as u32, tasks, "each task has ended");
    }
    (graphs, begun)
}

fn note(commands: &[Command], ended: &mut HashMap<Unit, TaskState>) {
    for command in commands {
        match command {
            Command::End { unit, verdict } => {
                let before = ended.insert(*unit, verdict.state);
                assert_eq!(before, None, "{unit:?} ended twice");
            }
            Command::Start { unit, .. } => {
                assert!(!ended.contains_key(unit), "{unit:?} begins after its end");
            }
            _ => {}
        }
    }
}

/// Cancels the run, and lets everything end that runs: then nothing is taken any more.
fn let_end(
    driver: &mut Driver,
    now: Time,
    random: &mut Random,
    ended: &mut HashMap<Unit, TaskState>,
) {
    let mut commands = Vec::new();
    driver.apply(now, Event::Cancel, &mut commands);
    for (unit, attempt) in driver.running_attempts() {
        let event = Event::Ended {
            unit,
            attempt,
            end: End::Stopped,
            left: random.one_in(2),
        };
        assert!(driver.apply(now, event, &mut commands), "{event:?}");
    }
    note(&commands, ended);
    assert!(driver.is_over(), "{driver:?}");
    driver.audit();
    for (unit, attempt) in driver.left_attempts() {
        let event = Event::Released { unit, attempt };
        assert!(driver.apply(now, event, &mut commands), "{event:?}");
    }
    // With nothing that runs or was left, all permits are free.
    assert_eq!(driver.left_attempts(), []);
    driver.audit();
}

fn event(random: &mut Random, driver: &Driver, tasks: u32) -> Event {
    let task = random.below(tasks + 1);
    let unit = if random.one_in(3) {
        Unit::item(task, random.below(7))
    } else {
        Unit::task(task)
    };
    // Half of the time the attempt is the one that runs.
    let known = driver.slot(unit).map_or(0, |slot| slot.attempts);
    let attempt = if random.one_in(2) {
        known
    } else {
        random.below(5)
    };
    match random.below(40) {
        0 => Event::Begin,
        1 if random.one_in(10) => Event::Cancel,
        1..4 => Event::Released { unit, attempt },
        4 => Event::Collected {
            task,
            is_whole: !random.one_in(4),
        },
        5..7 => Event::Expanded {
            task,
            items: (!random.one_in(8)).then(|| random.below(9)),
        },
        7..10 => Event::Tick,
        10 if random.one_in(2) => Event::Opened { task },
        10 | 11 => Event::Made {
            task,
            made: match random.below(12) {
                0 => Made::Broken,
                1 => Made::All,
                2..4 => Made::Lot,
                _ => Made::Item,
            },
        },
        12..18 => Event::Began { unit, attempt },
        _ => Event::Ended {
            unit,
            attempt,
            end: match random.below(9) {
                0 => End::Cached,
                1 => End::Declined,
                2 => End::Failed(Hint::Never),
                3 => End::Failed(Hint::After(TICK * random.below(20))),
                4 => End::Panicked,
                5 => End::Stopped,
                6 => End::Failed(Hint::None),
                _ => End::Succeeded,
            },
            left: random.one_in(4),
        },
    }
}

/// `OBS_RANDOM_EVENTS=100000000 cargo test --release … random_events` throws more of them.
#[test]
#[allow(clippy::print_stdout, reason = "`--nocapture` shows the rate")]
fn no_event_leaves_an_end() {
    let events = std::env::var("OBS_RANDOM_EVENTS").ok();
    let events = events.and_then(|n| n.parse().ok()).unwrap_or(300_000);
    let began = std::time::Instant::now();
    let (graphs, begun) = throw(events, 7);
    assert!(begun > graphs / 2, "most of the {graphs} graphs began");
    // No verdict hangs on it.
    let rate = events as f64 / began.elapsed().as_secs_f64();
    println!(
        "{events} events in {graphs} graphs, {rate:.0} a second, making and checking included"
    );
}

/// How fast the machine is: tasks in layers, and a mapped task, each attempt of which ends at once.
#[test]
#[allow(clippy::print_stdout, reason = "`--nocapture` shows the rate")]
fn a_run_of_a_million_events_ends() {
    let few = cfg!(debug_assertions);
    let items = if few { 2_000 } else { 200_000 };
    let mut rules: Vec<Rule> = Vec::new();
    for task in 0..items {
        let before = (task >= 1_000).then(|| Edge {
            task: task - 1_000,
            reads: true,
        });
        if let Some(edge) = before {
            rules[edge.task as usize].dependants.push(task);
        }
        rules.push(Rule {
            dependencies: before.into_iter().collect(),
            dependants: Vec::new(),
            limit: Some(0),
            retry: RetryPolicy::NEVER,
            times: Times {
                timeout: Some(TICK * 1_000),
                ..Times::NONE
            },
            run_if: RunIf::Success,
            map: (task == items - 1).then(|| MapRule::DEFAULT.max(u32::MAX - 1)),
        });
    }
    let limits = RunLimits {
        parallel: Some(64),
        named: vec![32],
        deadline: None,
        late: None,
        seed: 1,
    };
    let mut driver = Driver::new(Arc::new(Plan { tasks: rules }), &limits);
    let (mut commands, mut next, mut events) = (Vec::new(), Vec::new(), 1_u64);
    let mut now = Time(0);
    let began = std::time::Instant::now();
    driver.apply(now, Event::Begin, &mut commands);
    while !driver.is_over() {
        core::mem::swap(&mut commands, &mut next);
        assert!(!next.is_empty() || driver.next_timer().is_some());
        if next.is_empty() {
            now = now.max(driver.next_timer().unwrap_or(now));
            events += 1;
            driver.apply(now, Event::Tick, &mut commands);
        }
        for command in next.drain(..) {
            now = now.after(Duration::from_micros(1));
            let mut tell = |event| {
                events += 1;
                assert!(driver.apply(now, event, &mut commands), "{event:?}");
            };
            match command {
                Command::Start { unit, attempt } => {
                    tell(Event::Began { unit, attempt });
                    tell(Event::Ended {
                        unit,
                        attempt,
                        end: End::Succeeded,
                        left: false,
                    });
                }
                Command::Expand { task } => tell(Event::Expanded {
                    task,
                    items: Some(items * 2),
                }),
                Command::Collect { task } => tell(Event::Collected {
                    task,
                    is_whole: true,
                }),
                _ => {}
            }
        }
    }
    let rate = events as f64 / began.elapsed().as_secs_f64();
    println!("{events} events of one run, {rate:.0} a second");
    assert_eq!(driver.state(), crate::pipeline::state::RunState::Succeeded);
    assert!(events > u64::from(items) * 5);
    driver.audit();
}
