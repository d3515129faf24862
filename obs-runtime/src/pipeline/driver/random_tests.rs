//! The driver under events that make no sense: whatever it is told, it neither panics nor lets a unit
//! leave a state in which it has ended.

use core::time::Duration;
use std::collections::HashMap;

use super::model::{Model, Random, TICK};
use super::*;
use crate::retry::Hint;

/// Throws this many random events at drivers of random graphs; the number of graphs.
fn throw(events: u64, seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let (mut thrown, mut graphs) = (0, 0);
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
            for command in &commands {
                match command {
                    Command::End { unit, verdict } => {
                        let before = ended.insert(*unit, verdict.state);
                        assert_eq!(before, None, "{unit:?} ended twice: {event:?}");
                    }
                    Command::Start { unit, .. } => {
                        assert!(!ended.contains_key(unit), "{unit:?} begins after its end");
                    }
                    _ => {}
                }
            }
        }
        for (unit, state) in &ended {
            let slot = driver.slot(*unit).map(|slot| slot.state);
            assert_eq!(slot, Some(*state), "{unit:?} left its end");
        }
        assert_eq!(driver.is_over(), driver.state().is_terminal());
    }
    graphs
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
        7..12 => Event::Tick,
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
    let graphs = throw(events, 7);
    assert!(graphs > 0);
    // No verdict hangs on it.
    let rate = events as f64 / began.elapsed().as_secs_f64();
    println!(
        "{events} events in {graphs} graphs, {rate:.0} a second, making and checking included"
    );
}
