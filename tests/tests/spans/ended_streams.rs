//! What a streamed answer cost, whatever its end.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_executor::block_on;
use futures_util::future::{self, FutureExt as _};
use futures_util::select;
use futures_util::stream::{Stream, StreamExt as _, TryStreamExt as _};
use obs_runtime::llm::{self, LlmCall, LlmResponse, LlmTotals, Request, Stalled, Usage};
use obs_runtime::testing::capture;
use obs_runtime::{llm_call, propagation, span, trace::Outcome, traced};

const CHAT: &str = "chat gpt-4o-mini";

/// What a stream does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A chunk that says: so much output up to here.
    Counts(u64),
    /// The chunk in which the model stops, with the last word on the usage.
    Stops(u64),
    /// A chunk that says nothing.
    Says,
    Fails,
    Panics,
    Waits,
}

type Chunk = Result<LlmResponse, Stop>;

#[derive(Debug)]
enum Stop {
    Broken,
    Stalled,
}

impl From<Stalled> for Stop {
    fn from(_: Stalled) -> Self {
        Self::Stalled
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

struct Played(Vec<Step>);

impl Stream for Played {
    type Item = Chunk;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Chunk>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let usage = |output| Usage::new(1_000, output);
        Poll::Ready(Some(match self.0.remove(0) {
            Step::Counts(output) => Ok(LlmResponse::new().usage(usage(output).partial())),
            Step::Stops(output) => Ok(LlmResponse::new()
                .usage(usage(output))
                .finish_reason("stop")),
            Step::Says => Ok(LlmResponse::new()),
            Step::Fails => Err(Stop::Broken),
            Step::Panics => panic!("in the stream"),
            Step::Waits => {
                self.0.insert(0, Step::Waits);
                return Poll::Pending;
            }
        }))
    }
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.clone(), stall = "5ms")]
fn macro_call(steps: &[Step]) -> impl Stream<Item = Chunk> + use<> {
    llm::asked(Request::new().max_tokens(100).max_input_tokens(1_000));
    Played(steps.to_vec())
}

fn observed(steps: &[Step]) -> impl Stream<Item = Chunk> + use<> {
    let call = LlmCall::new("openai", "chat", "gpt-4o-mini")
        .max_tokens(100)
        .max_input_tokens(1_000);
    let limit = std::time::Duration::from_millis(5);
    llm::observe_try_stream(call, Played(steps.to_vec()), |chunk| chunk.clone())
        .fail_if_stalled(limit)
}

type Boxed = Pin<Box<dyn Stream<Item = Chunk>>>;

/// How a stream is read.
type Reader = fn(Boxed);

fn not_at_all(chunks: Boxed) {
    drop(chunks);
}

fn to_the_end(chunks: Boxed) {
    block_on(chunks.count());
}

fn to_the_error(chunks: Boxed) {
    block_on(chunks.try_collect::<Vec<_>>()).unwrap_err();
}

/// And goes away while it waits.
fn until_it_waits(mut chunks: Boxed) {
    while let Some(Some(_)) = chunks.next().now_or_never() {}
}

fn until_another_is_quicker(chunks: Boxed) {
    let mut chunks = chunks.fuse();
    block_on(async {
        let mut quicker = future::ready(()).fuse();
        loop {
            // Whoever is ready is taken by chance.
            select! {
                chunk = chunks.next() => if chunk.is_none() { break },
                _ = quicker => break,
            }
        }
    });
}

fn until_it_panics(chunks: Boxed) {
    let read = || block_on(chunks.count());
    assert!(catch_unwind(AssertUnwindSafe(read)).is_err());
}

fn beyond_the_end(mut chunks: Boxed) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(_)) = chunks.as_mut().poll_next(&mut cx) {}
    for _ in 0..3 {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            chunks.as_mut().poll_next(&mut cx).is_ready()
        }));
        assert!(polled.is_ok());
    }
}

/// Input at $0.15 a million, output at $0.60; 1,000 and 100 tokens at most.
fn cases() -> Vec<(&'static str, Vec<Step>, Reader, Outcome, &'static str)> {
    use Step::{Counts, Fails, Panics, Says, Stops, Waits};
    let (ok, error) = (Outcome::Ok, Outcome::Error);
    let (cancelled, panicked) = (Outcome::Cancelled, Outcome::Panicked);
    // Nobody said anything, and it may be anything up to what was asked for.
    let anything = "$0.00 to $0.00021 (no_usage)";
    let at_least_ten = "$0.000156 to $0.00021 (cut)";
    let forty = "$0.000174";
    vec![
        (
            "ended with its usage",
            vec![Says, Counts(10), Stops(40)],
            to_the_end,
            ok,
            forty,
        ),
        ("ended without", vec![Says, Says], to_the_end, ok, anything),
        ("empty", vec![], to_the_end, ok, anything),
        (
            "never read",
            vec![Stops(40)],
            not_at_all,
            cancelled,
            anything,
        ),
        (
            "dropped after a count",
            vec![Counts(10), Waits],
            until_it_waits,
            cancelled,
            at_least_ten,
        ),
        (
            "dropped before a count",
            vec![Says, Waits],
            until_it_waits,
            cancelled,
            anything,
        ),
        (
            "dropped after the last word",
            vec![Stops(40), Waits],
            until_it_waits,
            cancelled,
            forty,
        ),
        (
            "failed after a count",
            vec![Counts(10), Fails],
            to_the_error,
            error,
            at_least_ten,
        ),
        (
            "failed and read on",
            vec![Counts(10), Fails],
            to_the_end,
            error,
            at_least_ten,
        ),
        ("failed at once", vec![Fails], to_the_error, error, anything),
        (
            "failed after the last word",
            vec![Stops(40), Fails],
            to_the_error,
            error,
            forty,
        ),
        (
            "stalled after a count",
            vec![Counts(10), Waits],
            to_the_end,
            error,
            at_least_ten,
        ),
        (
            "stalled and left",
            vec![Counts(10), Waits],
            to_the_error,
            error,
            at_least_ten,
        ),
        ("stalled at once", vec![Waits], to_the_end, error, anything),
        (
            "panicked after a count",
            vec![Counts(10), Panics],
            until_it_panics,
            panicked,
            at_least_ten,
        ),
        (
            "panicked at once",
            vec![Panics],
            until_it_panics,
            panicked,
            anything,
        ),
        (
            "polled beyond its end",
            vec![Counts(10), Stops(40)],
            beyond_the_end,
            ok,
            forty,
        ),
        (
            "polled beyond an error",
            vec![Counts(10), Fails],
            beyond_the_end,
            error,
            at_least_ten,
        ),
    ]
}

/// Reads a stream; gives the cost of its call.
fn cost_of(make: impl FnOnce() -> Boxed, read: Reader) -> String {
    let span = span!("reader");
    let trace = span.context().expect("it is recorded").trace_id();
    span.in_scope(|_| read(make()));
    LlmTotals::for_trace(trace)
        .expect("a call")
        .cost
        .to_string()
}

#[test]
fn each_end_has_its_interval() {
    for (name, steps, read, outcome, cost) in cases() {
        let by_macro = capture(|| cost_of(|| Box::pin(macro_call(&steps)), read));
        let observed = capture(|| cost_of(|| Box::pin(observed(&steps)), read));
        for (way, captured) in [("#[llm_call]", by_macro), ("observe_try_stream", observed)] {
            assert_eq!(captured.value, cost, "{name}, {way}: {steps:?}");
            assert_eq!(
                captured.span(CHAT).outcome,
                outcome,
                "{name}, {way}: {steps:?}"
            );
        }
    }
}

#[test]
fn who_selects_something_quicker_has_read_what_it_has_read() {
    let steps = [Step::Counts(10), Step::Waits];
    let makes: [fn(&[Step]) -> Boxed; 2] = [
        |steps| Box::pin(macro_call(steps)),
        |steps| Box::pin(observed(steps)),
    ];
    for make in makes {
        let captured = capture(|| cost_of(|| make(&steps), until_another_is_quicker));
        assert_eq!(captured.span(CHAT).outcome, Outcome::Cancelled);
        // By chance before the chunk, or after it.
        let read = [
            "$0.00 to $0.00021 (no_usage)",
            "$0.000156 to $0.00021 (cut)",
        ];
        assert!(read.contains(&&*captured.value), "{}", captured.value);
    }
}

#[test]
fn an_expected_error_does_not_make_a_stall_complete() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.clone(), stall = "5ms",
        err = false)]
    fn calm(steps: &[Step]) -> impl Stream<Item = Chunk> + use<> {
        llm::asked(Request::new().max_tokens(100).max_input_tokens(1_000));
        Played(steps.to_vec())
    }
    let steps = [Step::Counts(10), Step::Waits];
    let captured = capture(|| cost_of(|| Box::pin(calm(&steps)), to_the_end));
    assert_eq!(captured.value, "$0.000156 to $0.00021 (cut)");
    assert_eq!(captured.span(CHAT).error.as_ref().unwrap().kind, "stalled");
}

// bug: of a call that is neither sampled nor counted as a function, an error that its reader stopped at was a
// cancellation.
#[test]
fn a_call_without_a_span_ends_in_its_metrics_as_with_one() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, metrics = false)]
    fn quiet(steps: &[Step]) -> impl Stream<Item = Chunk> + use<> {
        Played(steps.to_vec())
    }
    const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    #[traced(parent = propagation::extract(&[("traceparent", UNSAMPLED)][..]))]
    fn root() {
        to_the_error(Box::pin(quiet(&[Step::Says, Step::Fails])));
    }
    let captured = capture(root);
    assert!(captured.spans.is_empty());
    let duration = captured.assert_metric("gen_ai.client.inference.duration");
    let kind = std::any::type_name::<Stop>();
    duration.labels([("error.type", kind)]).count(1);
}
