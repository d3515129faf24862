//! `stall = "…"`: a provider that takes a request and never answers, so that there is no stream yet.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_executor::block_on;
use futures_util::stream::{self, BoxStream, Stream};
use futures_util::{FutureExt as _, StreamExt as _};
use obs_runtime::llm::{self, Request, Stalled, StreamTimes, Usage};
use obs_runtime::metrics::MetricFamily;
use obs_runtime::testing::{Captured, capture};
use obs_runtime::{Observability, llm_call, trace::Outcome};
use obs_tests::cases::total;
use tokio::sync::oneshot;

const CHAT: &str = "chat gpt-4o-mini";
const LIMIT: Duration = Duration::from_millis(5);

#[derive(Debug)]
struct ModelError(Option<Stalled>);

impl From<Stalled> for ModelError {
    fn from(stalled: Stalled) -> Self {
        Self(Some(stalled))
    }
}

type Chunk = Result<Usage, ModelError>;

/// One function of each form, of which none comes to its stream.
mod forms {
    use super::*;

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| *chunk, stall = LIMIT)]
    pub(super) async fn later() -> Result<impl Stream<Item = Chunk>, ModelError> {
        llm::asked(Request::new().max_tokens(1_000).max_input_tokens(1_000));
        std::future::pending::<()>().await;
        Ok(stream::empty())
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = LIMIT)]
    pub(super) fn future() -> impl Future<Output = Result<BoxStream<'static, u8>, ModelError>> {
        llm::asked(Request::new().max_tokens(1_000).max_input_tokens(1_000));
        std::future::pending()
    }

    pub(super) struct Client;

    #[async_trait::async_trait]
    pub(super) trait Model {
        async fn ask(&self) -> Result<BoxStream<'static, Chunk>, ModelError>;
    }

    #[async_trait::async_trait]
    impl Model for Client {
        #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| *chunk, stall = LIMIT)]
        async fn ask(&self) -> Result<BoxStream<'static, Chunk>, ModelError> {
            llm::asked(Request::new().max_tokens(1_000).max_input_tokens(1_000));
            std::future::pending().await
        }
    }
}

#[track_caller]
fn assert_stalled<S>(captured: &Captured<Result<S, ModelError>>) {
    let Err(ModelError(Some(stalled))) = &captured.value else {
        panic!("it did not end by a stall")
    };
    assert_eq!(stalled.chunks(), 0);
    assert!(stalled.waited() >= LIMIT);
    // 1,000 tokens at $0.15 a million and 1,000 at $0.60; what it cost in the end is no more.
    assert_eq!(stalled.cost().to_string(), "$0.00 to $0.00075 (no_usage)");
    assert_eq!(captured.llm_calls[0].cost(), stalled.cost());
    let span = captured.span(CHAT);
    assert_eq!(span.outcome, Outcome::Error);
    assert_eq!(span.error.as_ref().unwrap().kind, "stalled");
    assert_eq!(StreamTimes::of(span).map(|times| times.chunks), Some(0));
    let stalls = |metric| of_metric(&captured.metrics, metric);
    assert_eq!(
        (stalls("obs.llm.stalls"), stalls("obs.llm.stalled")),
        (1, 0)
    );
    let duration = captured.assert_metric("gen_ai.client.inference.duration");
    duration.labels([("error.type", "stalled")]).count(1);
}

// bug: a provider that took the request and never answered was waited for, for ever.
#[test]
fn a_call_that_comes_to_no_stream_ends_with_the_programs_error() {
    use forms::Model as _;
    assert_stalled(&capture(|| block_on(forms::later())));
    assert_stalled(&capture(|| block_on(forms::future())));
    assert_stalled(&capture(|| block_on(forms::Client.ask())));
    // Nobody records it.
    assert!(matches!(block_on(forms::later()), Err(ModelError(Some(_)))));
}

/// What holds no such error.
#[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = LIMIT)]
async fn held(answered: oneshot::Receiver<()>) -> Result<impl Stream<Item = u8>, String> {
    answered.await.map_err(|gone| gone.to_string())?;
    Ok(stream::iter([1]).chain(stream::pending()))
}

/// The sum of a counter so far.
fn count(metric: &str) -> u64 {
    of_metric(
        &Observability::current().unwrap().metrics().collect_all(),
        metric,
    )
}

fn of_metric(metrics: &[MetricFamily], name: &str) -> u64 {
    if metrics.iter().any(|family| family.name == name) {
        total(metrics, name, &[]) as u64
    } else {
        0
    }
}

#[test]
fn a_call_whose_error_cannot_say_it_waits_on_and_is_counted() {
    let captured = capture(|| {
        let (answers, answered) = oneshot::channel();
        let mut answers = Some(answers);
        let mut call = pin!(held(answered));
        // Whoever wakes the task is the timer.
        let chunks = block_on(std::future::poll_fn(|cx| {
            let polled = call.poll_unpin(cx);
            if count("obs.llm.stalls") > 0
                && let Some(answers) = answers.take()
            {
                assert_eq!(count("obs.llm.stalled"), 1);
                answers.send(()).unwrap();
            }
            polled
        }));
        // The head of the response has come: it stands still no more, and the next wait is another one.
        assert_eq!(count("obs.llm.stalled"), 0);
        let mut chunks = pin!(chunks.unwrap());
        assert_eq!(block_on(chunks.next()), Some(1));
        block_on(std::future::poll_fn(|cx| {
            assert!(chunks.poll_next_unpin(cx).is_pending());
            match count("obs.llm.stalls") {
                2 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
    });
    assert_eq!(captured.span(CHAT).outcome, Outcome::Cancelled);
    assert_eq!(of_metric(&captured.metrics, "obs.llm.stalls"), 2);
    assert_eq!(of_metric(&captured.metrics, "obs.llm.stalled"), 0);
}

#[test]
fn a_call_that_is_dropped_while_it_stands_stands_no_more() {
    let captured = capture(|| {
        let (_answers, answered) = oneshot::channel();
        let mut call = Box::pin(held(answered));
        block_on(std::future::poll_fn(|cx| {
            assert!(call.poll_unpin(cx).is_pending());
            match count("obs.llm.stalls") {
                1 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
    });
    assert_eq!(captured.span(CHAT).outcome, Outcome::Cancelled);
    assert_eq!(of_metric(&captured.metrics, "obs.llm.stalled"), 0);
}
