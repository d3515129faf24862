//! What was paid is counted, however the call ends; what is not known is said to be.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use obs_runtime::llm::{self, LlmResponse, Usage};
use obs_runtime::testing::{Captured, capture, capture_async};
use obs_runtime::{AttributeValue, Instrument as _, llm_call, trace::Outcome};
use obs_tests::cases::{block_on, cancel, yield_now};

const CHAT: &str = "chat claude-sonnet-4-0";

/// The tokens on the span, and the cost as it reads: 3 dollars for a million input tokens, 15 of output.
fn paid<T>(captured: &Captured<T>) -> String {
    let span = captured.span(CHAT);
    let number = |key: &str| match span.attribute(key) {
        Some(AttributeValue::I64(n)) => n.to_string(),
        Some(AttributeValue::F64(n)) => n.to_string(),
        _ => "?".to_owned(),
    };
    let tokens = format!(
        "{}/{}",
        number("gen_ai.usage.input_tokens"),
        number("gen_ai.usage.output_tokens")
    );
    let Some(AttributeValue::StringArray(reasons)) = span.attribute("obs.cost.reasons") else {
        return format!("{tokens} ${}", number("operation.cost"));
    };
    assert_eq!(span.attribute("operation.cost"), None);
    format!(
        "{tokens} ${} to ${} ({})",
        number("obs.cost.at_least"),
        number("obs.cost.at_most"),
        reasons.join(", ")
    )
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0")]
async fn extract(answer: &str) -> Result<u32, ParseIntError> {
    yield_now().await;
    llm::answered(Usage::new(100_000, 5_000).nothing_else());
    yield_now().await;
    answer.parse()
}

// bug: an answer that the caller's own parser refused cost $0, and that was said to be all.
#[test]
fn an_answer_that_is_not_understood_is_paid() {
    let captured = capture(|| block_on(extract("no number")).unwrap_err());
    assert_eq!(captured.span(CHAT).outcome, Outcome::Error);
    assert_eq!(paid(&captured), "100000/5000 $0.375");
    let captured = capture(|| block_on(extract("7")).unwrap());
    assert_eq!(paid(&captured), "100000/5000 $0.375");
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0")]
fn explodes(reports: bool) -> u32 {
    if reports {
        llm::answered(Usage::new(100_000, 5_000).nothing_else());
    }
    panic!("after the answer")
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0")]
async fn explodes_later() -> u32 {
    llm::answered(Usage::new(100_000, 5_000).nothing_else());
    yield_now().await;
    panic!("after the answer")
}

// bug: a panic after the answer cost $0.
#[test]
fn an_answer_before_a_panic_is_paid() {
    let run = |call: &dyn Fn()| capture(|| assert!(catch_unwind(AssertUnwindSafe(call)).is_err()));
    let captured = run(&|| assert_eq!(explodes(true), 0));
    assert_eq!(captured.span(CHAT).outcome, Outcome::Panicked);
    assert!(llm::RunningCall::current().is_none());
    assert_eq!(cost(&captured), 0.375);
    let captured = run(&|| assert_eq!(block_on(explodes_later()), 0));
    assert_eq!(captured.span(CHAT).outcome, Outcome::Panicked);
    assert!(llm::RunningCall::current().is_none());
    assert_eq!(cost(&captured), 0.375);
    // Nothing was said, which is not nothing.
    let captured = run(&|| assert_eq!(explodes(false), 0));
    assert_eq!(unpriced(&captured), ["no_usage", "unbounded"]);
}

/// The sum of `obs.llm.cost`.
fn cost<T>(captured: &Captured<T>) -> f64 {
    obs_tests::cases::total(&captured.metrics, "obs.llm.cost", &[])
}

/// The reasons of `obs.llm.unpriced`.
fn unpriced<T>(captured: &Captured<T>) -> Vec<&'static str> {
    let all = ["cut", "no_usage", "unbounded", "tier_unknown"];
    let count = |reason: &&&str| {
        obs_tests::cases::total(
            &captured.metrics,
            "obs.llm.unpriced",
            &[("reason", **reason)],
        )
    };
    all.iter()
        .filter(|reason| count(reason) > 0.0)
        .copied()
        .collect()
}

/// A chunk: its usage, and why the model stopped.
type Chunk = (Option<Usage>, Option<&'static str>);

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0", stream, usage = |chunk: &Chunk| {
    let response = LlmResponse::new().usage(chunk.0);
    match chunk.1 {
        Some(reason) => response.finish_reason(reason),
        None => response,
    }
})]
fn streamed(
    chunks: Vec<Result<Chunk, &'static str>>,
) -> impl Stream<Item = Result<Chunk, &'static str>> {
    stream::iter(chunks)
}

fn start() -> Result<Chunk, &'static str> {
    Ok((Some(Usage::new(100_000, 1).nothing_else()), None))
}

fn delta() -> Result<Chunk, &'static str> {
    Ok((Some(Usage::output(500)), Some("end_turn")))
}

// bug: a stream that broke before its usage cost $0, and that was said to be all.
#[test]
fn a_stream_that_breaks_before_its_usage_has_an_unknown_cost() {
    let mut chunks = vec![Ok((None, None)); 1_000];
    chunks.push(Err("connection reset"));
    let captured = capture(|| block_on(streamed(chunks).count()));
    assert_eq!(captured.span(CHAT).outcome, Outcome::Error);
    assert_eq!(paid(&captured), "?/? $0 to $? (no_usage, unbounded)");
}

// bug: of cumulative reports only the last was kept: $0.0075 in place of $0.3075.
#[test]
fn the_reports_of_a_stream_come_together() {
    let captured = capture(|| block_on(streamed(vec![start(), delta()]).count()));
    assert_eq!(paid(&captured), "100000/500 $0.3075");
    // Twice the same, and zeros, change nothing.
    let zeros = Ok((Some(Usage::new(0, 0)), Some("end_turn")));
    let chunks = vec![start(), start(), delta(), delta(), zeros];
    let captured = capture(|| block_on(streamed(chunks).count()));
    assert_eq!(paid(&captured), "100000/500 $0.3075");
    // bug: finish reasons piled up.
    assert_eq!(
        captured
            .span(CHAT)
            .attribute("gen_ai.response.finish_reasons"),
        Some(&AttributeValue::StringArray(vec!["end_turn".into()]))
    );
}

// bug: the same stream, dropped after its first report, was said to be complete.
#[test]
fn a_stream_that_is_dropped_cost_at_least_what_was_reported() {
    let read = |chunks: Vec<_>, items: usize| {
        capture(|| {
            block_on(async {
                let mut chunks = Box::pin(streamed(chunks));
                for _ in 0..items {
                    chunks.next().await;
                }
            });
        })
    };
    let captured = read(vec![start(), delta()], 1);
    assert_eq!(captured.span(CHAT).outcome, Outcome::Cancelled);
    assert_eq!(paid(&captured), "100000/1 $0.300015 to $? (cut, unbounded)");
    // After the last word there is nothing left to learn.
    let captured = read(vec![start(), delta(), Ok((None, None))], 2);
    assert_eq!(captured.span(CHAT).outcome, Outcome::Cancelled);
    assert_eq!(paid(&captured), "100000/500 $0.3075");
}

#[derive(Debug)]
enum Error {
    Limited,
    Broken,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

#[llm_call(
    provider = "anthropic",
    model = "claude-sonnet-4-0",
    usage = |out: &u64| Usage::new(*out, 0).nothing_else(),
    refused = |error| matches!(error, Error::Limited),
)]
async fn asked(error: Option<Error>) -> Result<u64, Error> {
    yield_now().await;
    error.map_or(Ok(1_000), Err)
}

#[test]
fn only_a_proved_refusal_is_free() {
    let captured = capture(|| block_on(asked(Some(Error::Limited))).unwrap_err());
    assert_eq!(paid(&captured), "?/? $0");
    let captured = capture(|| block_on(asked(Some(Error::Broken))).unwrap_err());
    assert_eq!(paid(&captured), "?/? $0 to $? (no_usage, unbounded)");
    let captured = capture(|| block_on(asked(None)).unwrap());
    assert_eq!(paid(&captured), "1000/0 $0.003");
    let captured = capture(|| cancel(asked(None)));
    assert_eq!(unpriced(&captured), ["no_usage", "unbounded"]);
}

/// A shared client, which knows nothing of who calls it.
async fn client(statuses: &[u16]) -> Option<Usage> {
    for status in statuses {
        let attempt = llm::attempt("client");
        yield_now().await;
        let wait = (*status == 429).then_some(Duration::from_secs(1));
        attempt.status(*status, wait);
        if *status == 200 {
            let usage = Usage::new(1_000, 100).nothing_else();
            attempt.answered(usage);
            return Some(usage);
        }
    }
    None
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0", usage = |usage: &Usage| *usage)]
async fn through_client(statuses: &[u16]) -> Result<Usage, String> {
    client(statuses).await.ok_or_else(|| "given up".to_owned())
}

#[test]
fn a_client_that_repeats_makes_attempts_of_one_call() {
    let captured = capture(|| block_on(through_client(&[429, 429, 200])).unwrap());
    // What the layer read and what the closure sees is the same answer.
    assert_eq!(paid(&captured), "1000/100 $0.0045");
    let attempts = captured.span(CHAT).attribute("obs.llm.attempts");
    assert_eq!(attempts, Some(&AttributeValue::I64(3)));
    let limited = obs_tests::cases::total(&captured.metrics, "obs.llm.rate_limited", &[]);
    assert_eq!(limited, 2.0);
    // Refused to the end is free; what the server broke off is not known to be.
    let captured = capture(|| block_on(through_client(&[429, 401])).unwrap_err());
    assert_eq!(paid(&captured), "?/? $0");
    let captured = capture(|| block_on(through_client(&[429, 500])).unwrap_err());
    assert_eq!(paid(&captured), "?/? $0 to $? (no_usage, unbounded)");
}

#[tokio::test]
async fn a_spawned_task_reports_to_the_call_that_it_carries() {
    #[llm_call(provider = "anthropic", model = "claude-sonnet-4-0")]
    async fn spawns(carries: bool) {
        let work = async {
            yield_now().await;
            llm::answered(Usage::new(1_000, 100).nothing_else());
        };
        if carries {
            tokio::spawn(work.in_current_span()).await.unwrap();
        }
    }
    let captured = capture_async(spawns(true)).await;
    assert_eq!(paid(&captured), "1000/100 $0.0045");
}

#[test]
fn calls_that_are_polled_in_turns_are_told_apart() {
    #[llm_call(provider = "anthropic", model = "claude-sonnet-4-0")]
    async fn slow(input: u64) {
        for _ in 0..3 {
            yield_now().await;
        }
        llm::answered(Usage::new(input, 0));
        yield_now().await;
    }
    let captured = capture(|| {
        block_on(futures_util::future::join_all((1..=8).map(slow)));
    });
    let mut inputs: Vec<_> = captured
        .spans
        .iter()
        .map(|span| span.attribute("gen_ai.usage.input_tokens").cloned())
        .collect();
    inputs.sort_by_key(|input| format!("{input:?}"));
    assert_eq!(inputs, (1..=8).map(|n| Some(n.into())).collect::<Vec<_>>());
    assert!(llm::RunningCall::current().is_none());
}

#[test]
fn what_is_reported_does_not_depend_on_the_span() {
    #[llm_call(provider = "anthropic", model = "claude-sonnet-4-0", level = "debug")]
    async fn without_span() {
        yield_now().await;
        llm::answered(Usage::new(1_000, 100).nothing_else());
    }
    let captured = capture(|| block_on(without_span()));
    assert!((cost(&captured) - 0.0045).abs() < 1e-12);
}

// bug: what a future reported went to the call of whoever polled it.
#[test]
fn a_future_belongs_to_the_call_that_made_it() {
    #[llm_call(provider = "anthropic", model = "claude-sonnet-4-0")]
    async fn polls<F: std::future::Future>(other: F) {
        llm::answered(Usage::new(1_000, 100).nothing_else());
        other.await;
    }
    let captured = capture(|| {
        let made_outside = async {
            yield_now().await;
            llm::answered(Usage::new(7, 7));
        };
        block_on(polls(made_outside.in_span_context(None)));
    });
    assert_eq!(paid(&captured), "1000/100 $0.0045");
    let outside = captured
        .llm_calls
        .iter()
        .find(|call| call.provider() == "_OTHER");
    assert_eq!(outside.unwrap().usage().unwrap().input_tokens(), Some(7));
}

#[test]
fn attempts_are_events_of_the_span() {
    let captured = capture(|| block_on(through_client(&[429, 200])).unwrap());
    let events: Vec<_> = captured.span(CHAT).events.iter().collect();
    assert!(events.iter().all(|event| event.name == "obs.llm.attempt"));
    let of = |at: usize, key: &str| {
        let found = events[at].attributes.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(of(0, "obs.llm.attempt.end"), Some("refused".into()));
    assert_eq!(
        of(0, "http.response.status_code"),
        Some(AttributeValue::I64(429))
    );
    assert_eq!(
        of(0, "obs.llm.attempt.retry_after"),
        Some(AttributeValue::F64(1.0))
    );
    assert_eq!(of(1, "obs.llm.attempt.end"), Some("answered".into()));
    assert_eq!(of(1, "obs.llm.attempt.made_by"), Some("client".into()));
    assert_eq!(
        of(1, "gen_ai.usage.output_tokens"),
        Some(AttributeValue::I64(100))
    );
    assert_eq!(of(1, "obs.cost.at_most"), Some(AttributeValue::F64(0.0045)));
    // One attempt that went well is the call itself.
    let captured = capture(|| block_on(through_client(&[200])).unwrap());
    assert_eq!(captured.span(CHAT).events.len(), 0);
}

/// What a client's library says of a failure.
#[derive(Debug)]
struct Answered(u16);

impl llm::ProviderError for Answered {
    fn status(&self) -> Option<u16> {
        Some(self.0)
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_secs(3))
    }
}

type Said<T> = Result<T, Answered>;

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0")]
async fn plain(status: u16) -> Said<u32> {
    yield_now().await;
    Err(Answered(status))
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0", refused = |_| false)]
fn knows_better(status: u16) -> Said<u32> {
    Err(Answered(status))
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0")]
fn generic<E: std::fmt::Debug>(error: E) -> Result<u32, E> {
    Err(error)
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-0", stream)]
fn begins(status: u16) -> impl Stream<Item = Said<u32>> {
    stream::iter([Err(Answered(status))])
}

#[test]
fn an_error_says_itself_that_the_provider_refused() {
    let captured = capture(|| block_on(plain(429)).unwrap_err());
    assert_eq!(paid(&captured), "?/? $0");
    let attempt = &captured.llm_calls[0].attempts()[0];
    assert_eq!(attempt.status(), Some(429));
    assert_eq!(attempt.retry_after(), Some(Duration::from_secs(3)));
    let limited = obs_tests::cases::total(&captured.metrics, "obs.llm.rate_limited", &[]);
    assert_eq!(limited, 1.0);
    let unknown = "?/? $0 to $? (no_usage, unbounded)";
    let captured = capture(|| block_on(plain(500)).unwrap_err());
    assert_eq!(paid(&captured), unknown);
    let captured = capture(|| knows_better(429).unwrap_err());
    assert_eq!(paid(&captured), unknown);
    // Where the type is not known nothing is proved.
    let captured = capture(|| generic(Answered(429)).unwrap_err());
    assert_eq!(paid(&captured), unknown);
    // The errors of a stream are those of its items.
    let captured = capture(|| block_on(begins(429).count()));
    assert_eq!(paid(&captured), "?/? $0");
}
