use super::*;
use crate::pipeline::task::{Dependency, TaskPolicy, Use};

/// A task of a pipeline and what it depends on.
macro_rules! meta {
    ($pipeline:literal, $path:literal, [$($task:expr),*]) => {
        TaskMeta {
            pipeline: $pipeline,
            name: $path,
            path: $path,
            file: "f.rs",
            line: 1,
            dependencies: &[$(Dependency {
                task: &$task,
                usage: Use::Order,
            }),*],
            policy: TaskPolicy::DEFAULT,
            about: crate::pipeline::about::About::NONE,
            map: None,
            error_types: &[],
            requires: &[],
            run: |_| Box::pin(core::future::pending()),
        }
    };
}

fn message(task: &'static TaskMeta) -> Option<String> {
    (0..task.dependencies.len()).find_map(|position| {
        let payload = std::panic::catch_unwind(|| check(task, position)).err()?;
        payload.downcast_ref::<String>().cloned()
    })
}

static A: TaskMeta = meta!("p", "m::a", [ENTRY, C]);
static B: TaskMeta = meta!("p", "m::b", [A]);
static C: TaskMeta = meta!("p", "m::c", [ENTRY, B]);
static BEHIND: TaskMeta = meta!("p", "m::aa", [C]);
static ENTRY: TaskMeta = meta!("p", "m::entry", []);
static ITSELF: TaskMeta = meta!("p", "m::itself", [ITSELF]);

#[test]
fn one_task_of_a_cycle_reports_its_path() {
    assert_eq!(
        message(&A).unwrap(),
        "tasks of pipeline \"p\" depend on each other: m::a -> m::c -> m::b -> m::a"
    );
    assert_eq!(message(&B), None);
    assert_eq!(message(&C), None);
}

#[test]
fn a_task_behind_a_cycle_is_not_on_it() {
    assert_eq!(message(&BEHIND), None);
    assert_eq!(message(&ENTRY), None);
}

#[test]
fn a_task_may_not_depend_on_itself() {
    assert_eq!(
        message(&ITSELF).unwrap(),
        "tasks of pipeline \"p\" depend on each other: m::itself -> m::itself"
    );
}

#[test]
fn a_dependency_in_another_pipeline_is_refused() {
    static OTHER: TaskMeta = meta!("q", "q::first", []);
    static TASK: TaskMeta = meta!("p", "p::second", [OTHER]);
    assert_eq!(
        message(&TASK).unwrap(),
        "`p::second` belongs to pipeline \"p\" and depends on `q::first` of pipeline \"q\": \
         a task depends on tasks of its own pipeline only"
    );
}

/// Each level depends twice on the one below: walked again and again this would take 2^20 steps.
#[test]
fn a_graph_of_diamonds_is_walked_once() {
    static LEVELS: [TaskMeta; 21] = [
        meta!("p", "l0", []),
        meta!("p", "l1", [LEVELS[0], LEVELS[0]]),
        meta!("p", "l2", [LEVELS[1], LEVELS[1]]),
        meta!("p", "l3", [LEVELS[2], LEVELS[2]]),
        meta!("p", "l4", [LEVELS[3], LEVELS[3]]),
        meta!("p", "l5", [LEVELS[4], LEVELS[4]]),
        meta!("p", "l6", [LEVELS[5], LEVELS[5]]),
        meta!("p", "l7", [LEVELS[6], LEVELS[6]]),
        meta!("p", "l8", [LEVELS[7], LEVELS[7]]),
        meta!("p", "l9", [LEVELS[8], LEVELS[8]]),
        meta!("p", "l10", [LEVELS[9], LEVELS[9]]),
        meta!("p", "l11", [LEVELS[10], LEVELS[10]]),
        meta!("p", "l12", [LEVELS[11], LEVELS[11]]),
        meta!("p", "l13", [LEVELS[12], LEVELS[12]]),
        meta!("p", "l14", [LEVELS[13], LEVELS[13]]),
        meta!("p", "l15", [LEVELS[14], LEVELS[14]]),
        meta!("p", "l16", [LEVELS[15], LEVELS[15]]),
        meta!("p", "l17", [LEVELS[16], LEVELS[16]]),
        meta!("p", "l18", [LEVELS[17], LEVELS[17]]),
        meta!("p", "l19", [LEVELS[18], LEVELS[18]]),
        meta!("p", "l20", [LEVELS[19], LEVELS[19]]),
    ];
    // In a constant: the compiler itself would stop a walk of that many steps.
    const { check(&LEVELS[20], 0) }
}

#[test]
#[should_panic(expected = "take this output as `&T` or `Arc<T>`")]
fn a_repeated_task_may_not_take_an_output_away() {
    check_moves(true, 0);
    check_moves(false, 3);
    check_moves(true, 1);
}
