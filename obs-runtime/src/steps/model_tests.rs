//! Random compositions do what a sequential reference says they do: the same value or error, however steps wait, fail
//! and hang, and the trace is a tree, also if the call is dropped on the way.

use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::testing;

type Number = Flow<u64, u64, String>;

/// A composition.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(Leaf),
    /// One after the other; whether the operators are nested to the right.
    Sequence(Vec<Self>, bool),
    /// At the same time; the sum.
    Parallel(Vec<Self>),
    Both(Box<Self>, Box<Self>),
    Retry(Box<Self>, u32),
    Fallback(Box<Self>, Box<Self>),
    Timeout(Box<Self>, u64),
    OnTimeout(Box<Self>, u64, Box<Self>),
    /// By whether the input is odd.
    Route(Box<Self>, Box<Self>),
}

/// A step: waits, yields, and ends.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    id: u64,
    millis: u64,
    yields: u64,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Good,
    Bad,
    Never,
}

/// When something is ready: milliseconds, and polls since the clock last moved.
type Time = (u64, u64);

fn then(before: Time, (millis, yields): Time) -> Time {
    if millis > 0 {
        (before.0 + millis, yields)
    } else {
        (before.0, before.1 + yields)
    }
}

/// How a composition ends and when; none if never.
type Ended = Option<(Result<u64, String>, Time)>;

impl Leaf {
    fn value(self, input: u64) -> Result<u64, String> {
        match self.end {
            End::Good => Ok(input.wrapping_mul(3).wrapping_add(self.id)),
            End::Bad | End::Never => Err(format!("{} failed on {input}", self.id)),
        }
    }
}

/// The reference: one after the other, without a future.
fn expected(tree: &Tree, input: u64) -> Ended {
    match tree {
        Tree::Leaf(leaf) => {
            let is_ready = !matches!(leaf.end, End::Never);
            is_ready.then(|| (leaf.value(input), (leaf.millis, leaf.yields)))
        }
        Tree::Sequence(steps, _) => {
            let mut so_far = (Ok(input), (0, 0));
            for step in steps {
                let (Ok(value), time) = so_far else { break };
                let (result, took) = expected(step, value)?;
                so_far = (result, then(time, took));
            }
            Some(so_far)
        }
        Tree::Parallel(branches) => all(branches.iter(), input),
        Tree::Both(a, b) => all([&**a, &**b].into_iter(), input),
        Tree::Retry(tree, retries) => {
            let mut time = (0, 0);
            for _ in 0..*retries {
                let (result, took) = expected(tree, input)?;
                time = then(time, took);
                if result.is_ok() {
                    return Some((result, time));
                }
            }
            let (result, took) = expected(tree, input)?;
            Some((result, then(time, took)))
        }
        Tree::Fallback(a, b) => match expected(a, input)? {
            (Err(_), time) => {
                let (result, took) = expected(b, input)?;
                Some((result, then(time, took)))
            }
            good => Some(good),
        },
        Tree::Timeout(tree, limit) => Some(
            in_time(expected(tree, input), *limit)
                .unwrap_or_else(|| (Err("timed out".to_owned()), (*limit, 0))),
        ),
        Tree::OnTimeout(tree, limit, other) => {
            in_time(expected(tree, input), *limit).or_else(|| {
                let (result, took) = expected(other, input)?;
                Some((result, then((*limit, 0), took)))
            })
        }
        Tree::Route(odd, even) => expected(if input % 2 == 1 { odd } else { even }, input),
    }
}

/// Whatever is ready when the time is over, counts.
fn in_time(ended: Ended, limit: u64) -> Ended {
    ended.filter(|(_, time)| *time <= (limit, 0))
}

fn all<'a>(branches: impl Iterator<Item = &'a Tree>, input: u64) -> Ended {
    let ended: Vec<Ended> = branches.map(|branch| expected(branch, input)).collect();
    let failed = ended.iter().flatten().filter(|(result, _)| result.is_err());
    // Of several at once, the first in order.
    if let Some(first) = failed.min_by_key(|(_, time)| *time) {
        return Some(first.clone());
    }
    let ended: Vec<_> = ended.into_iter().collect::<Option<_>>()?;
    let time = ended.iter().map(|(_, time)| *time).max()?;
    let sum = ended.into_iter().filter_map(|(result, _)| result.ok());
    Some((Ok(sum.fold(0, u64::wrapping_add)), time))
}

fn build(tree: &Tree) -> Number {
    match tree {
        Tree::Leaf(leaf) => {
            let leaf = *leaf;
            let run = move |input: u64| async move {
                if leaf.millis > 0 {
                    tokio::time::sleep(Duration::from_millis(leaf.millis)).await;
                }
                for _ in 0..leaf.yields {
                    tokio::task::yield_now().await;
                }
                if matches!(leaf.end, End::Never) {
                    core::future::pending::<()>().await;
                }
                leaf.value(input)
            };
            step(format!("leaf {}", leaf.id % 8), run).boxed()
        }
        Tree::Sequence(steps, to_the_right) => {
            let steps = steps.iter().map(build);
            let joined = if *to_the_right {
                steps.rev().reduce(|behind, flow| (flow >> behind).boxed())
            } else {
                steps.reduce(|flow, behind| (flow >> behind).boxed())
            };
            joined.unwrap()
        }
        Tree::Parallel(branches) => {
            let sum = |all: Vec<u64>| async move {
                Ok::<_, String>(all.into_iter().fold(0, u64::wrapping_add))
            };
            (parallel(branches.iter().map(build)).unwrap() >> step("sum", sum)).boxed()
        }
        Tree::Both(a, b) => {
            let sum = |(a, b): (u64, u64)| async move { Ok::<_, String>(a.wrapping_add(b)) };
            ((build(a) | build(b)) >> step("sum", sum)).boxed()
        }
        Tree::Retry(tree, retries) => {
            let policy = RetryPolicy::new(*retries).backoff(Backoff::None);
            build(tree).retry(policy).boxed()
        }
        Tree::Fallback(a, b) => build(a).fallback(build(b)).boxed(),
        Tree::Timeout(tree, limit) => {
            let limited = build(tree).map_err(Failure::Step);
            let limited = limited.timeout(Duration::from_millis(*limit)).unwrap();
            limited.map_err(Failure::text).boxed()
        }
        Tree::OnTimeout(tree, limit, other) => {
            let limited = build(tree).timeout(Duration::from_millis(*limit)).unwrap();
            limited.on_timeout(build(other)).boxed()
        }
        Tree::Route(odd, even) => {
            let name = |input: &u64| if input % 2 == 1 { "odd" } else { "even" };
            let router = Router::new("parity", name);
            let router = router.route("odd", build(odd)).route("even", build(even));
            router.build().unwrap().boxed()
        }
    }
}

/// The error of a step, or that it was too late.
enum Failure {
    Step(String),
    Late,
}

impl Failure {
    fn text(self) -> String {
        match self {
            Self::Step(text) => text,
            Self::Late => "timed out".to_owned(),
        }
    }
}

impl From<TimedOut> for Failure {
    fn from(_: TimedOut) -> Self {
        Self::Late
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("failed")
    }
}

fn leaf() -> impl Strategy<Value = Tree> {
    let end = prop_oneof![5 => Just(End::Good), 2 => Just(End::Bad), 1 => Just(End::Never)];
    let leaf = (
        0_u64..100,
        prop_oneof![Just(0_u64), 1_u64..5],
        0_u64..4,
        end,
    );
    leaf.prop_map(|(id, millis, yields, end)| {
        Tree::Leaf(Leaf {
            id,
            millis,
            yields,
            end,
        })
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(5, 24, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let some = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            3 => (some(), any::<bool>()).prop_map(|(steps, right)| Tree::Sequence(steps, right)),
            2 => some().prop_map(Tree::Parallel),
            2 => (boxed(), boxed()).prop_map(|(a, b)| Tree::Both(a, b)),
            1 => (boxed(), 0_u32..3).prop_map(|(tree, retries)| Tree::Retry(tree, retries)),
            1 => (boxed(), boxed()).prop_map(|(a, b)| Tree::Fallback(a, b)),
            1 => (boxed(), 1_u64..6).prop_map(|(tree, limit)| Tree::Timeout(tree, limit)),
            1 => (boxed(), 1_u64..6, boxed())
                .prop_map(|(tree, limit, other)| Tree::OnTimeout(tree, limit, other)),
            1 => (boxed(), boxed()).prop_map(|(odd, even)| Tree::Route(odd, even)),
        ]
    })
}

/// Runs a composition; a call that is dropped, or that waits for ever, gives none.
fn run(tree: &Tree, input: u64, drop_after: Option<usize>) -> Option<Result<u64, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let flow = build(tree);
    let context = WorkflowContext::new("model");
    let captured = runtime.block_on(testing::capture_async(async {
        let call = context.run(&flow, input);
        let mut call = pin!(tokio::time::timeout(Duration::from_secs(3600), call));
        let mut polls = 0;
        core::future::poll_fn(|cx| {
            if drop_after.is_some_and(|most| polls >= most) {
                return Poll::Ready(None);
            }
            polls += 1;
            call.as_mut().poll(cx).map(Result::ok)
        })
        .await
    }));
    let passed = context.checkpoints();
    let begun = passed.iter().filter(|point| point.phase == Phase::Start);
    let ended = passed.iter().filter(|point| point.phase == Phase::End);
    let (begun, ended) = (begun.count(), ended.count());
    // Whatever began has ended, and is a span of one tree.
    assert_eq!((begun, captured.spans.len()), (ended, begun));
    let roots = captured
        .spans
        .iter()
        .filter(|span| span.parent_id.is_none());
    assert_eq!(roots.count(), usize::from(begun > 0));
    for span in &captured.spans {
        let has_parent = |id| captured.spans.iter().any(|other| other.span_id == id);
        assert!(span.parent_id.is_none_or(has_parent), "{}", span.name);
    }
    captured.value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_composition_is_what_the_reference_says(tree in tree(), input in 0_u64..8) {
        prop_assert_eq!(run(&tree, input, None), expected(&tree, input).map(|(result, _)| result));
    }

    #[test]
    fn a_call_that_is_dropped_leaves_a_whole_tree(tree in tree(), polls in 0_usize..12) {
        let _ = run(&tree, 1, Some(polls));
    }
}
