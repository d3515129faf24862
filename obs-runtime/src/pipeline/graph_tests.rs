use super::*;
use crate::pipeline::task::TaskPolicy;

fn spec(name: &'static str, dependencies: &[(&'static str, Use)]) -> Task {
    Task {
        name: name.into(),
        place: Some(format!("{name}.rs:1")),
        dependencies: dependencies
            .iter()
            .map(|(n, u)| ((*n).into(), *u))
            .collect(),
        policy: TaskPolicy::DEFAULT,
        body: Task::new(name, |_| async { Ok::<_, String>(()) }).body,
        requires: &[],
        traced: false,
        map: None,
        error_types: &[],
    }
}

fn build(specs: Vec<Task>) -> Result<Graph, String> {
    Graph::build("p".into(), specs).map_err(|e| e.to_string())
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|n| &*n.name).collect()
}

#[test]
fn tasks_come_after_their_dependencies_and_else_as_given() {
    use Use::Read;
    let graph = build(vec![
        spec("load", &[("b", Read), ("a", Read)]),
        spec("b", &[("extract", Read)]),
        spec("extract", &[]),
        spec("a", &[("extract", Read)]),
        spec("other", &[]),
    ])
    .unwrap();
    assert_eq!(names(&graph), ["extract", "other", "b", "a", "load"]);
    let load = &graph.plan.tasks[graph.position("load").unwrap()];
    // In the order of the declaration: generated code counts on it.
    let dependencies: Vec<&str> = load
        .dependencies
        .iter()
        .map(|edge| &*graph.nodes[edge.task as usize].name)
        .collect();
    assert_eq!(dependencies, ["b", "a"]);
    assert_eq!(graph.plan.tasks[0].dependants.len(), 2);
    assert_eq!(graph.position("nowhere"), None);
}

#[test]
fn a_cycle_is_named_with_its_path() {
    let error = build(vec![
        spec("start", &[]),
        spec("a", &[("start", Use::Order), ("c", Use::Order)]),
        spec("b", &[("a", Use::Order)]),
        spec("c", &[("b", Use::Order)]),
        spec("behind", &[("c", Use::Order)]),
    ])
    .err()
    .unwrap();
    assert_eq!(
        error,
        "pipeline `p`: tasks depend on each other: a -> c -> b -> a"
    );
}

#[test]
fn a_task_that_depends_on_itself_is_a_cycle() {
    let error = build(vec![spec("a", &[("a", Use::Order)])]).err().unwrap();
    assert_eq!(error, "pipeline `p`: tasks depend on each other: a -> a");
}

#[test]
fn all_problems_are_said_at_once() {
    let error = build(vec![
        spec("a", &[("nobody", Use::Read)]),
        spec("a", &[]),
        spec(" ", &[]),
    ])
    .err()
    .unwrap();
    for part in [
        "two tasks have the name `a` (a.rs:1 and a.rs:1)",
        "a task has an empty name",
        "`a` depends on `nobody`, which is no task of it; its tasks are `a`, `a`, ` `",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn an_output_that_is_taken_has_one_reader() {
    use Use::{Move, Order, Read};
    for (first, second) in [(Move, Read), (Read, Move), (Move, Move)] {
        let error = build(vec![
            spec("rows", &[]),
            spec("one", &[("rows", first)]),
            spec("two", &[("rows", second)]),
        ])
        .err()
        .unwrap();
        assert!(error.contains("take `&T` or `Arc<T>`"), "{error}");
        assert!(
            error.contains("`one`") && error.contains("`two`"),
            "{error}"
        );
    }
    let fine = vec![
        spec("rows", &[]),
        spec("one", &[("rows", Move)]),
        spec("two", &[("rows", Order)]),
    ];
    assert!(build(fine).is_ok());
}

#[test]
fn limits_are_listed_once() {
    let limited = |name, limit: &'static str| {
        let mut spec = spec(name, &[]);
        spec.policy.concurrency = Some(limit.into());
        spec
    };
    let graph = build(vec![
        limited("a", "gpu"),
        limited("b", "db"),
        limited("c", "gpu"),
    ])
    .unwrap();
    assert_eq!(graph.limits, ["gpu", "db"]);
    assert_eq!(graph.plan.tasks[2].limit, Some(0));
}

#[test]
fn a_chain_of_100_000_tasks_needs_no_deep_stack() {
    let names: Vec<String> = (0..100_000).map(|i| i.to_string()).collect();
    let specs = (0..names.len())
        .map(|i| Task {
            name: names[i].clone().into(),
            dependencies: (i > 0)
                .then(|| (names[i - 1].clone().into(), Use::Read))
                .into_iter()
                .collect(),
            ..spec("", &[])
        })
        .rev()
        .collect();
    let graph = Graph::build("p".into(), specs).unwrap();
    assert_eq!(graph.nodes[0].name, "0");
    assert_eq!(graph.nodes[99_999].name, "99999");
}
