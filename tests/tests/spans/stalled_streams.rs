//! `stall = "…"`: a stream of a model call that stands still. No runtime with a timer is needed.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_executor::block_on;
use futures_util::stream::{self, BoxStream, FusedStream as _, Stream};
use futures_util::{FutureExt as _, StreamExt as _, select};
use obs_runtime::llm::{self, LlmCall, Request, Stalled, StreamTimes, Usage};
use obs_runtime::metrics::MetricFamily;
use obs_runtime::testing::{Captured, capture};
use obs_runtime::{AttributeValue, Observability, llm_call, trace::Outcome};
use obs_tests::cases::total;
use tokio::sync::mpsc;

const CHAT: &str = "chat gpt-4o-mini";
const LIMIT: Duration = Duration::from_millis(15);

#[derive(Debug)]
enum ModelError {
    Stalled(Stalled),
    Broken,
}

impl From<Stalled> for ModelError {
    fn from(stalled: Stalled) -> Self {
        Self::Stalled(stalled)
    }
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stalled(stalled) => write!(f, "the model: {stalled}"),
            Self::Broken => f.write_str("broken"),
        }
    }
}

type Chunk = Result<Usage, ModelError>;

/// As many chunks, which say more and more, and then nothing for ever.
fn silent(chunks: u64) -> impl Stream<Item = Chunk> + Send {
    let said = |n| Ok(Usage::new(1_000, n + 1).partial());
    stream::iter((0..chunks).map(said)).chain(stream::pending())
}

/// One function of each form.
mod forms {
    use super::*;

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| *chunk, stall = "15ms")]
    pub(super) fn direct(chunks: u64) -> impl Stream<Item = Chunk> {
        silent(chunks)
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| *chunk, stall = LIMIT)]
    pub(super) fn boxed(chunks: u64) -> BoxStream<'static, Chunk> {
        silent(chunks).boxed()
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| *chunk, stall = "15ms",
        token = |_| true)]
    pub(super) async fn later(chunks: u64) -> Result<impl Stream<Item = Chunk>, ModelError> {
        if chunks > 100 {
            return Err(ModelError::Broken);
        }
        Ok(silent(chunks))
    }

    pub(super) struct Client;

    #[async_trait::async_trait]
    pub(super) trait Model {
        async fn ask(&self, chunks: u64) -> Result<BoxStream<'static, Chunk>, ModelError>;
    }

    #[async_trait::async_trait]
    impl Model for Client {
        #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| *chunk, stall = "15ms")]
        async fn ask(&self, chunks: u64) -> Result<BoxStream<'static, Chunk>, ModelError> {
            Ok(silent(chunks).boxed())
        }
    }
}

fn of_metric(metrics: &[MetricFamily], name: &str) -> f64 {
    total(metrics, name, &[("gen_ai.request.model", "gpt-4o-mini")])
}

/// Reads to the end; the stream must end with the error.
async fn read(chunks: impl Stream<Item = Chunk>) -> Stalled {
    let mut chunks = std::pin::pin!(chunks);
    let stalled = loop {
        match chunks.next().await {
            Some(Ok(_)) => {}
            Some(Err(ModelError::Stalled(stalled))) => break stalled,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(chunks.size_hint(), (0, Some(0)));
    for _ in 0..2 {
        assert!(chunks.next().await.is_none());
    }
    stalled
}

fn assert_stalled(captured: &Captured<Stalled>) {
    let stalled = &captured.value;
    assert_eq!(
        (stalled.provider(), stalled.model()),
        ("openai", "gpt-4o-mini")
    );
    assert_eq!(stalled.chunks(), 2);
    assert!(stalled.waited() >= LIMIT);
    // 1,000 tokens at $0.15 a million and 2 at $0.60, and nobody knows how many more.
    assert_eq!(stalled.cost().at_least.to_string(), "0.0001512");
    assert_eq!(stalled.cost().at_most, None);
    let span = captured.span(CHAT);
    assert_eq!(span.outcome, Outcome::Error);
    let error = span.error.as_ref().unwrap();
    assert_eq!(error.kind, "stalled");
    assert!(
        error
            .message
            .as_deref()
            .unwrap()
            .starts_with("the model: the stream of openai/")
    );
    let least = span.attribute("obs.cost.at_least");
    assert_eq!(least, Some(&AttributeValue::F64(0.000_151_2)));
    let times = StreamTimes::of(span).unwrap();
    assert_eq!(times.chunks, 2);
    assert!(times.provider >= LIMIT);
    assert_eq!(of_metric(&captured.metrics, "obs.llm.stalls"), 1.0);
    assert_eq!(of_metric(&captured.metrics, "obs.llm.stalled"), 0.0);
    let duration = captured.assert_metric("gen_ai.client.inference.duration");
    duration.labels([("error.type", "stalled")]).count(1);
}

#[test]
fn a_stream_that_stands_still_ends_with_the_programs_error() {
    use forms::Model as _;
    assert_stalled(&capture(|| block_on(read(forms::direct(2)))));
    assert_stalled(&capture(|| block_on(read(forms::boxed(2)))));
    assert_stalled(&capture(|| {
        block_on(async { read(forms::later(2).await.unwrap()).await })
    }));
    assert_stalled(&capture(|| {
        block_on(async { read(forms::Client.ask(2).await.unwrap()).await })
    }));
    // Nothing at all is a stall too, and an error in place of the stream is none.
    assert_eq!(block_on(read(forms::direct(0))).chunks(), 0);
    let refused = capture(|| block_on(forms::later(101)).map(drop));
    assert!(matches!(refused.value, Err(ModelError::Broken)));
    assert!(
        refused
            .metrics
            .iter()
            .all(|family| family.name != "obs.llm.stalls")
    );
}

#[test]
fn on_tokio_it_is_the_same() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let stalled = runtime.block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|n| tokio::spawn(read(forms::boxed(n))))
            .collect();
        futures_util::future::join_all(tasks).await
    });
    let chunks: Vec<u64> = stalled
        .into_iter()
        .map(|task| task.unwrap().chunks())
        .collect();
    assert_eq!(chunks, (0..8).collect::<Vec<u64>>());
}

#[test]
fn any_error_that_can_be_made_from_it_will_do() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = "5ms")]
    fn any() -> impl Stream<Item = Result<u8, Box<dyn Error + Send + Sync>>> {
        stream::pending()
    }
    let error = block_on(any().next()).unwrap().unwrap_err();
    assert!(error.is::<Stalled>());

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = "5ms")]
    fn itself() -> impl Stream<Item = Result<u8, Stalled>> {
        stream::pending()
    }
    assert_eq!(block_on(itself().next()).unwrap().unwrap_err().chunks(), 0);
}

#[test]
fn the_cost_so_far_is_bounded_by_what_was_asked_for() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| *chunk, stall = "5ms")]
    fn bounded() -> impl Stream<Item = Chunk> {
        llm::asked(Request::new().max_tokens(1_000).max_input_tokens(1_000));
        silent(1)
    }
    let captured = capture(|| block_on(read(bounded())));
    // As in the end.
    assert_eq!(
        captured.value.cost().to_string(),
        "$0.0001506 to $0.00075 (cut)"
    );
    let most = captured.span(CHAT).attribute("obs.cost.at_most");
    assert_eq!(most, Some(&AttributeValue::F64(0.000_75)));
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = "5ms")]
fn plain(chunks: mpsc::UnboundedReceiver<u8>) -> impl Stream<Item = u8> {
    received(chunks)
}

fn received(mut chunks: mpsc::UnboundedReceiver<u8>) -> impl Stream<Item = u8> {
    stream::poll_fn(move |cx| chunks.poll_recv(cx))
}

#[test]
fn a_stream_that_cannot_hold_the_error_waits_on_and_is_counted() {
    let standing = capture(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut chunks = Box::pin(plain(receiver));
        wait_for_stall(&mut chunks);
        (sender, chunks)
    });
    assert_eq!(of_metric(&standing.metrics, "obs.llm.stalled"), 1.0);
    assert_eq!(of_metric(&standing.metrics, "obs.llm.stalls"), 1.0);
    let gone_on = capture(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut chunks = Box::pin(plain(receiver));
        wait_for_stall(&mut chunks);
        sender.send(1).unwrap();
        assert_eq!(block_on(chunks.next()), Some(1));
        (sender, chunks)
    });
    assert_eq!(of_metric(&gone_on.metrics, "obs.llm.stalled"), 0.0);
    assert_eq!(of_metric(&gone_on.metrics, "obs.llm.stalls"), 1.0);
    // Whatever becomes of it, it stands no more.
    let dropped = capture(|| {
        let (_sender, receiver) = mpsc::unbounded_channel();
        wait_for_stall(&mut Box::pin(plain(receiver)));
    });
    assert_eq!(of_metric(&dropped.metrics, "obs.llm.stalled"), 0.0);
    assert_eq!(dropped.span(CHAT).outcome, Outcome::Cancelled);
}

/// Waits for a chunk that does not come, until the stream is one that stands still.
fn wait_for_stall(chunks: &mut (impl Stream<Item = u8> + Unpin)) {
    let stalls = || {
        let metrics = Observability::current().unwrap().metrics().collect_all();
        metrics.iter().any(|family| family.name == "obs.llm.stalls")
    };
    // Whoever wakes the task is the timer.
    block_on(std::future::poll_fn(|cx| {
        assert!(chunks.poll_next_unpin(cx).is_pending());
        if stalls() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }));
}

#[test]
fn a_slow_consumer_is_no_stall() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = "5ms")]
    fn ready() -> impl Stream<Item = Result<u8, Stalled>> {
        stream::iter([Ok(1), Ok(2)])
    }
    let captured = capture(|| {
        let mut chunks = ready();
        let mut read = 0;
        while let Some(chunk) = block_on(chunks.next()) {
            read += chunk.unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        read
    });
    assert_eq!(captured.value, 3);
    assert_eq!(captured.span(CHAT).outcome, Outcome::Ok);
}

#[test]
fn who_selects_is_waiting_all_the_time() {
    let captured = capture(|| {
        block_on(async {
            let mut chunks = Box::pin(forms::direct(1)).fuse();
            let mut others = stream::iter(0..100).fuse();
            let mut read = 0;
            loop {
                // The future of the next chunk is dropped each time.
                select! {
                    chunk = chunks.next() => match chunk {
                        Some(Ok(_)) => read += 1,
                        Some(Err(_)) => break,
                        None => panic!("without an error"),
                    },
                    _ = others.select_next_some() => {}
                }
            }
            read
        })
    });
    assert_eq!(captured.value, 1);
    assert_eq!(captured.span(CHAT).error.as_ref().unwrap().kind, "stalled");
}

#[test]
fn without_obs_a_stream_ends_all_the_same() {
    let stalled = block_on(read(forms::direct(1)));
    assert_eq!(stalled.chunks(), 1);
    let mut unsampled = forms::direct(1);
    assert!(block_on(unsampled.next()).unwrap().is_ok());
    assert!(matches!(
        block_on(unsampled.next()),
        Some(Err(ModelError::Stalled(_)))
    ));
}

#[test]
fn who_stops_at_the_error_has_a_failed_call() {
    let captured = capture(|| {
        let mut chunks = Box::pin(forms::direct(0));
        assert!(matches!(block_on(chunks.next()), Some(Err(_))));
    });
    assert_eq!(captured.span(CHAT).error.as_ref().unwrap().kind, "stalled");
}

#[test]
fn a_panic_while_it_is_watched_is_one() {
    struct Explodes(bool);
    impl Stream for Explodes {
        type Item = Result<u8, Stalled>;
        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            assert!(!self.0, "boom");
            self.0 = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = "1h")]
    fn explodes() -> impl Stream<Item = Result<u8, Stalled>> {
        Explodes(false)
    }
    let captured = capture(|| {
        let read = || block_on(explodes().count());
        assert!(catch_unwind(AssertUnwindSafe(read)).is_err());
    });
    assert_eq!(captured.span(CHAT).outcome, Outcome::Panicked);
    assert!(
        captured
            .metrics
            .iter()
            .all(|family| family.name != "obs.llm.stalls")
    );
}

#[test]
fn a_stream_that_no_signature_shows_may_fail_or_be_warned_of() {
    let call = || LlmCall::new("openai", "chat", "gpt-4o-mini");
    let failed = capture(|| {
        let chunks = llm::observe_try_stream(call(), silent(2), |usage| *usage);
        block_on(read(chunks.fail_if_stalled(LIMIT)))
    });
    let error = failed.span(CHAT).error.as_ref().unwrap();
    assert_eq!(error.kind, "stalled");
    assert_eq!(failed.value.chunks(), 2);
    assert_eq!(failed.value.cost().at_least.to_string(), "0.0001512");

    let warned = capture(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        let chunks = llm::observe_stream(call(), received(receiver), |_| None::<Usage>);
        let mut chunks = chunks.warn_if_stalled(LIMIT);
        wait_for_stall(&mut chunks);
        sender.send(1).unwrap();
        drop(sender);
        block_on(chunks.count())
    });
    assert_eq!(warned.value, 1);
    assert_eq!(of_metric(&warned.metrics, "obs.llm.stalls"), 1.0);
    assert_eq!(of_metric(&warned.metrics, "obs.llm.stalled"), 0.0);
}

#[test]
fn a_fused_stream_knows_that_it_has_stopped() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = "5ms")]
    fn fused() -> impl stream::FusedStream<Item = Result<u8, Stalled>> {
        stream::pending().fuse()
    }
    let mut chunks = fused();
    assert!(!chunks.is_terminated());
    assert!(block_on(chunks.next()).unwrap().is_err());
    assert!(chunks.is_terminated());
    assert!(chunks.next().now_or_never().unwrap().is_none());
}
