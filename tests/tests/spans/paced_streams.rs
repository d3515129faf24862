//! The times of a streamed answer: first chunk, first token, and who waited for whom.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, Stream};
use obs_runtime::llm::{self, LlmCall, LlmResponse, RunningCall, StreamTimes, Usage, openai};
use obs_runtime::metrics::{HistogramPoint, MetricData};
use obs_runtime::testing::{Captured, capture_async};
use obs_runtime::{llm_call, propagation, traced};
use serde_json::{Value, json};

const CHAT: &str = "chat gpt-4o-mini";
/// Long enough that nothing else takes as long by itself; only lower bounds are asserted of it.
const WHILE: Duration = Duration::from_millis(30);

#[derive(Clone, Copy, Debug)]
struct Chunk(&'static str);

/// A role, and after a while the text.
fn role_first() -> impl Stream<Item = Chunk> + Send {
    let text = async {
        tokio::time::sleep(WHILE).await;
        Chunk("It is so.")
    };
    stream::iter([Chunk("")]).chain(stream::once(text))
}

fn times<R>(captured: &Captured<R>) -> StreamTimes {
    StreamTimes::of(captured.span(CHAT)).expect("a stream that was followed")
}

/// The points of a histogram, by the value of a label.
fn points<'a, R>(captured: &'a Captured<R>, metric: &str) -> &'a [HistogramPoint] {
    let family = captured.metrics.iter().find(|family| family.name == metric);
    match family.map(|family| &family.data) {
        Some(MetricData::Histogram(points)) => points,
        None => &[],
        other => panic!("{other:?}"),
    }
}

/// Number and sum of a metric's values.
fn observed<R>(captured: &Captured<R>, metric: &str) -> (u64, f64) {
    let points = points(captured, metric).iter();
    points.fold((0, 0.0), |(count, sum), p| (count + p.count, sum + p.sum))
}

const PER_CHUNK: &str = "gen_ai.client.inference.time_per_output_chunk";
const FIRST_CHUNK: &str = "gen_ai.client.inference.time_to_first_chunk";
const FIRST_TOKEN: &str = "obs.llm.time_to_first_token";

/// One function of each form.
mod forms {
    use super::*;

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, token = |chunk| !chunk.0.is_empty())]
    pub(super) fn direct() -> impl Stream<Item = Chunk> {
        role_first()
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, token = |chunk: &Chunk| !chunk.0.is_empty())]
    pub(super) async fn later() -> Result<impl Stream<Item = Result<Chunk, String>>, String> {
        Ok(role_first().map(Ok))
    }

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |_| None::<Usage>, token = holds_text)]
    pub(super) async fn boxed() -> BoxStream<'static, Chunk> {
        role_first().boxed()
    }

    fn holds_text(chunk: &Chunk) -> bool {
        !chunk.0.is_empty()
    }
}

#[tokio::test]
async fn the_first_chunk_and_the_first_token_are_apart() {
    let captures = [
        capture_async(async { assert_eq!(forms::direct().count().await, 2) }).await,
        capture_async(async { assert_eq!(forms::later().await.unwrap().count().await, 2) }).await,
        capture_async(async { assert_eq!(forms::boxed().await.count().await, 2) }).await,
    ];
    for captured in captures {
        let times = times(&captured);
        let (chunk, token) = (times.first_chunk.unwrap(), times.first_token.unwrap());
        assert!(token >= chunk + WHILE, "{times:?}");
        assert_eq!(times.chunks, 2);
        assert_eq!(observed(&captured, FIRST_CHUNK), (1, chunk.as_secs_f64()));
        assert_eq!(observed(&captured, FIRST_TOKEN), (1, token.as_secs_f64()));
        // One for the chunk after the first, and as long as it was waited for.
        let (count, sum) = observed(&captured, PER_CHUNK);
        assert!(count == 1 && sum >= WHILE.as_secs_f64(), "{sum}");
    }
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = openai::chat)]
fn known_format(chunks: Vec<Value>) -> impl Stream<Item = Value> {
    stream::iter(chunks)
}

fn chunk(delta: Value) -> Value {
    json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]})
}

#[tokio::test]
async fn a_known_format_needs_no_closure() {
    let (role, text) = (
        json!({"role": "assistant", "content": ""}),
        json!({"content": "It"}),
    );
    let tool = json!({"tool_calls": [{"index": 0, "function": {"name": "find", "arguments": ""}}]});
    for (deltas, has_token) in [
        (vec![role.clone(), text], true),
        // A turn of tools alone has a first token too.
        (vec![role.clone(), tool], true),
        (vec![role], false),
    ] {
        let chunks: Vec<Value> = deltas.into_iter().map(chunk).collect();
        let captured = capture_async(async { known_format(chunks).count().await }).await;
        let times = times(&captured);
        assert!(times.first_chunk.is_some());
        assert_eq!(times.first_token.is_some(), has_token, "{times:?}");
        assert_eq!(observed(&captured, FIRST_TOKEN).0, u64::from(has_token));
    }
}

#[tokio::test]
async fn a_layer_of_the_client_sees_the_first_token_and_the_program_knows_better() {
    fn seen_by_a_layer() -> impl Stream<Item = Chunk> {
        stream::iter([Chunk("It"), Chunk("is")])
            .inspect(|_| llm::attempt("client").answered(LlmResponse::new().token(true)))
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    fn silent() -> impl Stream<Item = Chunk> {
        seen_by_a_layer()
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, token = |_| false)]
    fn denies() -> impl Stream<Item = Chunk> {
        seen_by_a_layer()
    }
    let seen = capture_async(async { silent().count().await }).await;
    assert!(times(&seen).first_token.is_some());
    let denied = capture_async(async { denies().count().await }).await;
    assert_eq!(times(&denied).first_token, None);
}

#[traced(name = "reader")]
async fn read_slowly(mut chunks: impl Stream<Item = Chunk> + Unpin) {
    while chunks.next().await.is_some() {
        tokio::time::sleep(WHILE).await;
    }
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
fn ready() -> impl Stream<Item = Chunk> {
    stream::iter([Chunk("a"), Chunk("b"), Chunk("c")])
}

/// The sum of the waits for one side, in the metrics.
fn side<R>(captured: &Captured<R>, side: &str) -> f64 {
    let points = points(captured, "obs.llm.stream.duration").iter();
    let of_side = points.filter(|point| point.labels.get("side") == Some(side));
    of_side.map(|point| point.sum).sum()
}

#[tokio::test]
async fn a_slow_consumer_does_not_look_like_a_slow_provider() {
    let begin = Instant::now();
    let captured = capture_async(async { read_slowly(ready()).await }).await;
    let all = begin.elapsed();
    let times = times(&captured);
    assert!(times.consumer >= 3 * WHILE, "{times:?}");
    assert!(times.provider <= all - 3 * WHILE, "{times:?} of {all:?}");
    let (count, sum) = observed(&captured, PER_CHUNK);
    assert_eq!(count, 2);
    assert!(sum <= times.provider.as_secs_f64());
    assert_eq!(side(&captured, "consumer"), times.consumer.as_secs_f64());
    assert_eq!(side(&captured, "provider"), times.provider.as_secs_f64());
}

#[tokio::test]
async fn a_slow_provider_is_waited_for() {
    let begin = Instant::now();
    let captured = capture_async(async { forms::direct().count().await }).await;
    let all = begin.elapsed();
    let times = times(&captured);
    assert!(times.provider >= WHILE, "{times:?}");
    assert!(times.consumer <= all - WHILE, "{times:?} of {all:?}");
}

#[tokio::test]
async fn a_reader_that_waits_before_it_reads_delays_no_first_chunk() {
    let begin = Instant::now();
    let captured = capture_async(async {
        let chunks = ready();
        tokio::time::sleep(WHILE).await;
        chunks.count().await
    })
    .await;
    let first = times(&captured).first_chunk.unwrap();
    assert!(first <= begin.elapsed() - WHILE, "{first:?}");
}

#[tokio::test]
async fn what_is_not_sampled_has_the_metrics() {
    const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    #[traced(parent = propagation::extract(&[("traceparent", UNSAMPLED)][..]))]
    async fn root() {
        forms::direct().count().await;
    }
    let captured = capture_async(root()).await;
    assert!(captured.spans.is_empty());
    for metric in [FIRST_CHUNK, FIRST_TOKEN, PER_CHUNK] {
        assert_eq!(observed(&captured, metric).0, 1, "{metric}");
    }
}

#[tokio::test]
async fn a_stream_without_chunks_has_no_times_of_chunks() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, token = |_| true)]
    fn broken(first: Result<u8, String>) -> impl Stream<Item = Result<u8, String>> {
        stream::iter([first])
    }
    let captured = capture_async(async { broken(Err("cut off".to_owned())).count().await }).await;
    let times = times(&captured);
    assert_eq!(
        (times.chunks, times.first_chunk, times.first_token),
        (0, None, None)
    );
    for metric in [
        FIRST_CHUNK,
        FIRST_TOKEN,
        PER_CHUNK,
        "obs.llm.stream.duration",
    ] {
        assert_eq!(observed(&captured, metric).0, 0, "{metric}");
    }
    // A call that is no stream has none at all.
    #[llm_call(provider = "openai", model = "gpt-4o-mini")]
    async fn whole() {}
    let captured = capture_async(whole()).await;
    assert_eq!(StreamTimes::of(captured.span(CHAT)), None);
}

#[tokio::test]
async fn the_times_are_readable_while_the_stream_is() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    fn looks() -> impl Stream<Item = u64> {
        let inside = || {
            RunningCall::current()
                .unwrap()
                .stream_times()
                .unwrap()
                .chunks
        };
        stream::iter(0..3).map(move |_| inside())
    }
    let captured = capture_async(async { looks().collect::<Vec<u64>>().await }).await;
    assert_eq!(captured.value, [0, 1, 2]);

    let call = LlmCall::new("openai", "chat", "gpt-4o-mini");
    let look = |chunk: &Chunk| LlmResponse::new().token(!chunk.0.is_empty());
    let mut chunks = llm::observe_stream(call, role_first().boxed(), look);
    chunks.next().await;
    let times = chunks.times().unwrap();
    assert_eq!((times.chunks, times.first_token), (1, None));
    chunks.next().await;
    let times = chunks.times().unwrap();
    assert!(
        times.first_token.unwrap() >= WHILE && times.provider >= WHILE,
        "{times:?}"
    );
    chunks.next().await;
    assert_eq!(chunks.times(), None);
}

#[tokio::test]
async fn a_stream_that_breaks_off_has_an_error_in_place_of_its_reason() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk: &LlmResponse| chunk.clone())]
    fn said(chunks: Vec<LlmResponse>) -> impl Stream<Item = LlmResponse> {
        stream::iter(chunks).chain(stream::pending())
    }
    for (chunk, reason) in [
        (LlmResponse::new(), "error"),
        (LlmResponse::new().finish_reason("stop"), "stop"),
    ] {
        let cut = capture_async(async { said(vec![chunk]).next().await }).await;
        let reasons = cut.span(CHAT).attribute("gen_ai.response.finish_reasons");
        let expected = obs_runtime::AttributeValue::StringArray(vec![reason.into()]);
        assert_eq!(reasons, Some(&expected));
    }
}
