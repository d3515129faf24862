//! Single rules of the driver.

use core::time::Duration;

use super::model::TICK;
use super::*;
use crate::pipeline::plan::{Edge, MapRule, RunIf, Times};
use crate::pipeline::state::RunState;
use crate::pipeline::{Backoff, RetryPolicy};
use crate::retry::Hint;

fn rule(dependencies: &[u32]) -> Rule {
    let edge = |task: &u32| Edge {
        task: *task,
        reads: true,
    };
    Rule {
        dependencies: dependencies.iter().map(edge).collect(),
        dependants: Vec::new(),
        limit: None,
        retry: RetryPolicy::NEVER,
        times: Times::NONE,
        run_if: RunIf::Success,
        map: None,
    }
}

fn driver(mut rules: Vec<Rule>, limits: &RunLimits) -> (Driver, Vec<Command>) {
    for at in 0..rules.len() {
        for edge in rules[at].dependencies.clone() {
            rules[edge.task as usize].dependants.push(at as u32);
        }
    }
    let mut driver = Driver::new(Arc::new(Plan { tasks: rules }), limits);
    let mut commands = Vec::new();
    assert!(driver.apply(Time(0), Event::Begin, &mut commands));
    (driver, commands)
}

const ENDLESS: RunLimits = RunLimits {
    parallel: None,
    named: Vec::new(),
    deadline: None,
    late: None,
    seed: 1,
};

fn ended(unit: Unit, attempt: u32, end: End) -> Event {
    Event::Ended {
        unit,
        attempt,
        end,
        left: false,
    }
}

fn seconds(seconds: u64) -> Time {
    Time::of(Duration::from_secs(seconds))
}

const A: Unit = Unit::task(0);

#[test]
fn a_server_that_asks_for_a_pause_gets_it_unless_the_task_cannot_wait() {
    for (deadline, expected) in [(None, true), (Some(400), true), (Some(300), false)] {
        let mut task = rule(&[]);
        task.retry = RetryPolicy::new(1).max_delay(TICK);
        task.times.deadline = deadline.map(Duration::from_secs);
        let (mut driver, mut commands) = driver(vec![task], &ENDLESS);
        commands.clear();
        let asks = End::Failed(Hint::After(Duration::from_secs(300)));
        driver.apply(seconds(10), ended(A, 1, asks), &mut commands);
        let state = driver.slot(A).unwrap().state;
        let retries = state == TaskState::Retrying;
        assert_eq!(retries, expected, "{deadline:?}");
        assert_eq!(state == TaskState::Failed, !expected);
        if expected {
            assert!(driver.next_timer() <= Some(seconds(310)));
            driver.apply(seconds(309), Event::Tick, &mut commands);
            assert_eq!(commands, []);
            driver.apply(seconds(310), Event::Tick, &mut commands);
            assert_eq!(
                commands,
                [Command::Start {
                    unit: A,
                    attempt: 2
                }]
            );
        }
    }
}

#[test]
fn no_attempt_begins_after_the_longest_time_for_repetitions() {
    let mut task = rule(&[]);
    task.retry = RetryPolicy::new(100)
        .backoff(Backoff::Constant)
        .delay(TICK * 10)
        .max_elapsed(TICK * 25);
    let (mut driver, mut commands) = driver(vec![task], &ENDLESS);
    let mut begun = Vec::new();
    let mut now = 0;
    while !driver.is_over() {
        for command in core::mem::take(&mut commands) {
            if let Command::Start { attempt, .. } = command {
                begun.push(now);
                let failed = ended(A, attempt, End::Failed(Hint::None));
                driver.apply(seconds(now), failed, &mut commands);
            }
        }
        if let Some(next) = driver.next_timer() {
            now = next.0 / 1_000_000_000;
            driver.apply(next, Event::Tick, &mut commands);
        }
    }
    assert_eq!(begun, [0, 10, 20]);
}

#[test]
fn who_waits_too_long_for_a_slot_gives_up() {
    let mut waits = rule(&[]);
    waits.times.queue_timeout = Some(TICK * 5);
    let limits = RunLimits {
        parallel: Some(1),
        ..ENDLESS
    };
    let (mut driver, mut commands) = driver(vec![rule(&[]), waits], &limits);
    assert_eq!(
        commands,
        [Command::Start {
            unit: A,
            attempt: 1
        }]
    );
    commands.clear();
    assert_eq!(driver.next_timer(), Some(seconds(5)));
    driver.apply(seconds(5), Event::Tick, &mut commands);
    let verdict = Verdict {
        state: TaskState::TimedOut,
        cause: Cause::QueueTimeout,
    };
    let unit = Unit::task(1);
    assert_eq!(commands, [Command::End { unit, verdict }]);
    assert_eq!(driver.slot(unit).unwrap().waited(), TICK * 5);
}

#[test]
fn a_late_run_says_so_once_and_goes_on() {
    let limits = RunLimits {
        late: Some(TICK * 3),
        ..ENDLESS
    };
    let (mut driver, mut commands) = driver(vec![rule(&[])], &limits);
    commands.clear();
    driver.apply(seconds(3), Event::Tick, &mut commands);
    assert_eq!(commands, [Command::Late]);
    driver.apply(seconds(4), Event::Tick, &mut commands);
    driver.apply(seconds(5), ended(A, 1, End::Succeeded), &mut commands);
    assert_eq!(driver.state(), RunState::Succeeded);
    assert_eq!(commands.iter().filter(|c| **c == Command::Late).count(), 1);
}

#[test]
fn the_first_items_begin_before_the_last_ones_are_made() {
    const ITEMS: u32 = 100_000;
    let mut mapped = rule(&[0]);
    mapped.map = Some(MapRule::DEFAULT.max(ITEMS));
    let (mut driver, mut commands) = driver(vec![rule(&[]), mapped], &ENDLESS);
    commands.clear();
    driver.apply(seconds(1), ended(A, 1, End::Succeeded), &mut commands);
    assert!(commands.contains(&Command::Expand { task: 1 }));
    commands.clear();
    let items = Event::Expanded {
        task: 1,
        items: Some(ITEMS),
    };
    driver.apply(seconds(1), items, &mut commands);
    let starts = |commands: &[Command]| {
        let starts = commands
            .iter()
            .filter(|c| matches!(c, Command::Start { .. }));
        starts.count()
    };
    assert!(starts(&commands) < 2_000, "{}", starts(&commands));
    let mut all = starts(&commands);
    while driver.next_timer() == Some(seconds(1)) {
        commands.clear();
        driver.apply(seconds(1), Event::Tick, &mut commands);
        all += starts(&commands);
    }
    assert_eq!(all as u32, ITEMS);
}

#[test]
fn outputs_that_make_no_list_fail_the_task() {
    for is_whole in [true, false] {
        let mut mapped = rule(&[0]);
        mapped.map = Some(MapRule::DEFAULT);
        let (mut driver, mut commands) = driver(vec![rule(&[]), mapped, rule(&[1])], &ENDLESS);
        driver.apply(seconds(1), ended(A, 1, End::Succeeded), &mut commands);
        let items = Event::Expanded {
            task: 1,
            items: Some(1),
        };
        driver.apply(seconds(1), items, &mut commands);
        let collected = Event::Collected { task: 1, is_whole };
        assert!(!driver.apply(seconds(1), collected, &mut commands));
        let item = ended(Unit::item(1, 0), 1, End::Succeeded);
        driver.apply(seconds(1), item, &mut commands);
        assert_eq!(commands.last(), Some(&Command::Collect { task: 1 }));
        assert!(driver.apply(seconds(1), collected, &mut commands));
        assert!(!driver.apply(seconds(1), collected, &mut commands));
        assert_eq!(driver.is_over(), !is_whole);
        let state = driver.slot(Unit::task(1)).unwrap().state;
        assert_eq!(state == TaskState::Failed, !is_whole);
    }
}

// bug: such a task stayed in the state retrying, without a timer, and its run never ended.
#[test]
fn a_pause_without_an_end_is_no_repetition() {
    let mut task = rule(&[]);
    task.retry = RetryPolicy::new(1);
    let (mut driver, mut commands) = driver(vec![task], &ENDLESS);
    let asks = End::Failed(Hint::After(Duration::MAX));
    driver.apply(seconds(1), ended(A, 1, asks), &mut commands);
    assert_eq!(driver.slot(A).unwrap().state, TaskState::Failed);
    assert!(driver.is_over());
}

#[test]
fn too_many_items_fail_the_task_before_one_begins() {
    let mut mapped = rule(&[0]);
    mapped.map = Some(MapRule::DEFAULT.max(10));
    let (mut driver, mut commands) = driver(vec![rule(&[]), mapped], &ENDLESS);
    driver.apply(seconds(1), ended(A, 1, End::Succeeded), &mut commands);
    commands.clear();
    let items = Event::Expanded {
        task: 1,
        items: Some(11),
    };
    driver.apply(seconds(1), items, &mut commands);
    let verdict = Verdict {
        state: TaskState::Failed,
        cause: Cause::TooMany(11),
    };
    let unit = Unit::task(1);
    assert_eq!(commands[0], Command::End { unit, verdict });
    assert_eq!(driver.state(), RunState::Failed);
}

#[test]
fn among_those_who_can_begin_the_one_that_was_ready_first_does() {
    let limited = |limit| Rule { limit, ..rule(&[]) };
    let rules = vec![
        limited(Some(0)),
        limited(Some(0)),
        limited(None),
        limited(Some(0)),
        limited(None),
    ];
    let limits = RunLimits {
        parallel: Some(2),
        named: vec![1],
        ..ENDLESS
    };
    let (mut driver, commands) = driver(rules, &limits);
    let mut order: Vec<u32> = Vec::new();
    let mut note = |commands: Vec<Command>| {
        for command in commands {
            if let Command::Start { unit, .. } = command {
                order.push(unit.task);
            }
        }
    };
    note(commands);
    for done in [0, 2, 1, 4, 3] {
        let mut commands = Vec::new();
        let done = ended(Unit::task(done), 1, End::Succeeded);
        assert!(driver.apply(seconds(1), done, &mut commands));
        note(commands);
    }
    assert_eq!(order, [0, 2, 1, 4, 3]);
    assert_eq!(driver.permits.free(), (Some(2), vec![Some(1)]));
}

#[test]
fn timers_that_have_lost_their_reason_do_not_pile_up() {
    let mut task = rule(&[]);
    task.retry = RetryPolicy::new(u32::MAX).backoff(Backoff::None);
    task.times.timeout = Some(Duration::from_secs(86_400));
    let (mut driver, mut commands) = driver(vec![task], &ENDLESS);
    for attempt in 1..100_000 {
        commands.clear();
        driver.apply(seconds(1), Event::Began { unit: A, attempt }, &mut commands);
        driver.apply(
            seconds(1),
            ended(A, attempt, End::Failed(Hint::None)),
            &mut commands,
        );
    }
    assert!(driver.timers() < 5_000, "{}", driver.timers());
}

#[test]
fn a_lost_attempt_is_a_crash() {
    let (mut driver, mut commands) = driver(vec![rule(&[])], &ENDLESS);
    driver.apply(seconds(1), ended(A, 1, End::Stopped), &mut commands);
    assert_eq!(driver.slot(A).unwrap().state, TaskState::Crashed);
    assert_eq!(driver.state(), RunState::Failed);
}

// bug: the repetition of an item waited until all others had begun.
#[test]
fn a_repetition_of_an_item_comes_before_those_that_have_not_begun() {
    let mut mapped = rule(&[0]);
    mapped.retry = RetryPolicy::new(1).backoff(Backoff::Constant).delay(TICK);
    mapped.map = Some(MapRule::DEFAULT.parallel(1));
    let (mut driver, mut commands) = driver(vec![rule(&[]), mapped], &ENDLESS);
    driver.apply(seconds(1), ended(A, 1, End::Succeeded), &mut commands);
    let items = Event::Expanded {
        task: 1,
        items: Some(9),
    };
    driver.apply(seconds(1), items, &mut commands);
    let item = |item| Unit::item(1, item);
    let failed = ended(item(0), 1, End::Failed(Hint::None));
    driver.apply(seconds(1), failed, &mut commands);
    driver.apply(seconds(2), Event::Tick, &mut commands);
    commands.clear();
    let second = ended(item(1), 1, End::Succeeded);
    driver.apply(seconds(3), second, &mut commands);
    let (unit, attempt) = (item(0), 2);
    assert!(commands.contains(&Command::Start { unit, attempt }));
}
