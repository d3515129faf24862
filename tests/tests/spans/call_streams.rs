//! `#[llm_call(stream)]` and `#[vector_op(stream)]`: the span of a call lasts until its stream has ended.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, Stream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use obs_runtime::llm::Usage;
use obs_runtime::metrics::MetricData;
use obs_runtime::testing::{Captured, capture, capture_async};
use obs_runtime::{AttributeValue, llm_call, propagation, trace::Outcome, traced, vector_op};
use obs_tests::cases::{block_on, cancel, yield_now};

#[derive(Clone, Debug)]
struct Chunk {
    text: &'static str,
    usage: Option<Usage>,
}

fn chunks() -> [Chunk; 3] {
    let usage = |input, output| Some(Usage::new(input, output));
    [
        Chunk {
            text: "a",
            usage: None,
        },
        Chunk {
            text: "b",
            usage: usage(9, 1),
        },
        Chunk {
            text: "c",
            usage: usage(9, 2),
        },
    ]
}

fn good() -> impl Iterator<Item = Result<Chunk, String>> {
    chunks().into_iter().map(Ok)
}

fn broken() -> impl Iterator<Item = Result<Chunk, String>> {
    good().take(2).chain([Err("cut off".to_owned())])
}

#[traced]
fn leaf() {}

/// One function of each form.
mod forms {
    use super::*;

    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.usage)]
    pub(super) fn opaque() -> impl Stream<Item = Chunk> {
        stream::iter(chunks()).inspect(|_| leaf())
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.usage)]
    pub(super) fn boxed<'a>(_key: &'a str) -> BoxStream<'a, Result<Chunk, String>> {
        stream::iter(good()).boxed()
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.usage)]
    pub(super) fn local() -> Pin<Box<dyn Stream<Item = Chunk>>> {
        Box::pin(stream::iter(chunks()))
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.usage)]
    pub(super) fn in_result(ok: bool) -> Result<impl Stream<Item = Result<Chunk, String>>, String> {
        if !ok {
            return Err("refused".to_owned());
        }
        Ok(stream::iter(good()))
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.usage)]
    pub(super) async fn later() -> impl Stream<Item = Chunk> {
        yield_now().await;
        stream::iter(chunks())
    }
    #[llm_call(provider = "openai", model = model, stream, usage = |chunk| chunk.usage)]
    pub(super) async fn later_result(
        model: &str,
        ok: bool,
    ) -> Result<BoxStream<'static, Result<Chunk, String>>, String> {
        yield_now().await;
        if !ok {
            Err("refused".to_owned())?;
        }
        Ok(stream::iter(good()).boxed())
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.usage)]
    pub(super) fn future() -> impl Future<Output = Result<impl Stream<Item = Chunk>, String>> {
        async {
            yield_now().await;
            Ok(stream::iter(chunks()))
        }
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.usage)]
    pub(super) fn failing() -> impl Stream<Item = Result<Chunk, String>> {
        stream::iter(broken())
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    pub(super) fn silent() -> impl Stream<Item = Chunk> {
        stream::iter(chunks())
    }

    pub(super) struct Client;

    #[async_trait::async_trait]
    pub(super) trait Model {
        async fn ask(&self, text: &str) -> Result<BoxStream<'static, Chunk>, String>;
    }

    #[async_trait::async_trait]
    impl Model for Client {
        #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |chunk| chunk.usage)]
        async fn ask(&self, text: &str) -> Result<BoxStream<'static, Chunk>, String> {
            yield_now().await;
            let _ = text;
            Ok(stream::iter(chunks()).boxed())
        }
    }
}

fn number<R>(captured: &Captured<R>, span: &str, key: &str) -> Option<i64> {
    match captured.span(span).attribute(key)? {
        AttributeValue::I64(number) => Some(*number),
        other => panic!("{other:?}"),
    }
}

const CHAT: &str = "chat gpt-4o-mini";

fn tokens<R>(captured: &Captured<R>) -> (Option<i64>, Option<i64>) {
    let key = |key| number(captured, CHAT, key);
    (
        key("gen_ai.usage.input_tokens"),
        key("gen_ai.usage.output_tokens"),
    )
}

/// `error.type` and number of the calls in the metrics.
fn calls<R>(captured: &Captured<R>, metric: &str) -> Vec<String> {
    let family = captured.metrics.iter().find(|family| family.name == metric);
    let MetricData::Histogram(points) = &family.expect(metric).data else {
        panic!("a histogram")
    };
    let error = |p: &obs_runtime::metrics::HistogramPoint| {
        let found = p.labels.get("error.type");
        found.map_or("ok".to_owned(), |value| {
            value.rsplit("::").next().unwrap().to_owned()
        })
    };
    points
        .iter()
        .map(|p| format!("{} {}", error(p), p.count))
        .collect()
}

const DURATION: &str = "gen_ai.client.inference.duration";
const FIRST_CHUNK: &str = "gen_ai.client.inference.time_to_first_chunk";

/// A call whose stream was read to its end.
fn whole(captured: &Captured<()>) {
    let span = captured.span(CHAT);
    assert_eq!(span.outcome, Outcome::Ok);
    assert_eq!(tokens(captured), (Some(9), Some(2)));
    assert_eq!(span.attribute("gen_ai.request.stream"), Some(&true.into()));
    let first = span.attribute("gen_ai.response.time_to_first_chunk");
    assert!(matches!(first, Some(AttributeValue::F64(_))), "{first:?}");
    assert_eq!(calls(captured, DURATION), ["ok 1"]);
    assert_eq!(calls(captured, FIRST_CHUNK), ["ok 1"]);
}

#[tokio::test]
async fn each_item_is_looked_at_whatever_the_form() {
    use forms::Model as _;
    whole(&capture_async(async { assert_eq!(forms::opaque().count().await, 3) }).await);
    whole(&capture_async(async { assert_eq!(forms::boxed("k").count().await, 3) }).await);
    whole(&capture_async(async { assert_eq!(forms::local().count().await, 3) }).await);
    whole(
        &capture_async(async { assert_eq!(forms::in_result(true).unwrap().count().await, 3) })
            .await,
    );
    whole(&capture_async(async { assert_eq!(forms::later().await.count().await, 3) }).await);
    let later = async {
        let items = forms::later_result("gpt-4o-mini", true).await.unwrap();
        assert_eq!(items.count().await, 3);
    };
    whole(&capture_async(later).await);
    whole(
        &capture_async(async { assert_eq!(forms::future().await.unwrap().count().await, 3) }).await,
    );
    let ask = async { assert_eq!(forms::Client.ask("?").await.unwrap().count().await, 3) };
    whole(&capture_async(ask).await);
    // Without `usage` the price is unknown, and the rest is as ever.
    let silent = capture_async(async { forms::silent().count().await }).await;
    assert_eq!(tokens(&silent), (None, None));
    assert_eq!(calls(&silent, FIRST_CHUNK), ["ok 1"]);
}

#[test]
fn futures_and_streams_can_be_sent_as_without_the_attribute() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    block_on(async {
        let items = send(forms::later_result("gpt-4o-mini", true))
            .await
            .unwrap();
        assert_eq!(send(items).count().await, 3);
        assert_eq!(send(send(forms::later()).await).count().await, 3);
        assert_eq!(send(forms::opaque()).count().await, 3);
    });
}

#[test]
fn the_streams_work_is_a_child_and_its_readers_is_not() {
    let captured = capture(|| {
        block_on(async {
            let mut items = forms::opaque();
            assert_eq!(items.next().await.unwrap().text, "a");
            leaf();
        });
    });
    let chat = captured.span(CHAT);
    let leaves: Vec<_> = captured
        .spans
        .iter()
        .filter(|span| span.name == "leaf")
        .collect();
    let parents: Vec<_> = leaves.iter().map(|span| span.parent_id).collect();
    assert_eq!(parents, [Some(chat.span_id), None]);
}

#[test]
fn an_abandoned_stream_is_cancelled_with_what_was_used() {
    let captured = capture(|| {
        block_on(async {
            let mut items = forms::later().await;
            items.next().await;
            items.next().await;
        });
    });
    assert_eq!(captured.span(CHAT).outcome, Outcome::Cancelled);
    assert_eq!(tokens(&captured), (Some(9), Some(1)));
    assert_eq!(calls(&captured, DURATION), ["cancelled 1"]);
}

#[test]
fn an_error_ends_the_call_where_it_comes() {
    // As an item: whether the reader goes on or stops there.
    for stops in [false, true] {
        let captured = capture(|| {
            block_on(async {
                if stops {
                    forms::failing().try_collect::<Vec<_>>().await.unwrap_err();
                } else {
                    assert_eq!(forms::failing().count().await, 3);
                }
            });
        });
        let span = captured.span(CHAT);
        assert_eq!(span.outcome, Outcome::Error);
        assert_eq!(
            span.error.as_ref().unwrap().message.as_deref(),
            Some("cut off")
        );
        assert_eq!(tokens(&captured), (Some(9), Some(1)));
        assert_eq!(calls(&captured, DURATION), ["String 1"]);
    }
    // In place of the stream.
    let refused = [
        capture(|| drop(forms::in_result(false))),
        capture(|| drop(block_on(forms::later_result("gpt-4o-mini", false)))),
    ];
    for captured in refused {
        let span = captured.span(CHAT);
        assert_eq!(span.outcome, Outcome::Error);
        assert_eq!(
            span.error.as_ref().unwrap().message.as_deref(),
            Some("refused")
        );
        assert_eq!(calls(&captured, DURATION), ["String 1"]);
        assert!(
            captured
                .metrics
                .iter()
                .all(|family| family.name != FIRST_CHUNK)
        );
    }
}

#[test]
fn a_call_that_gives_no_stream_is_cancelled_or_panicked() {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    async fn endless() -> Result<BoxStream<'static, u8>, String> {
        std::future::pending().await
    }
    let cut = capture(|| cancel(endless()));
    assert_eq!(cut.span(CHAT).outcome, Outcome::Cancelled);
    assert_eq!(calls(&cut, DURATION), ["cancelled 1"]);
    assert!(capture(|| drop(endless())).spans.is_empty());

    struct Explodes;
    impl Stream for Explodes {
        type Item = u8;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
            panic!("boom")
        }
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    fn explodes() -> impl Stream<Item = u8> {
        Explodes
    }
    #[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
    async fn explodes_before() -> impl Stream<Item = u8> {
        if true {
            panic!("boom");
        }
        Explodes
    }
    let run = |call: &dyn Fn()| capture(|| assert!(catch_unwind(AssertUnwindSafe(call)).is_err()));
    for captured in [
        run(&|| assert_eq!(block_on(explodes().count()), 0)),
        run(&|| drop(block_on(explodes_before()))),
    ] {
        assert_eq!(captured.span(CHAT).outcome, Outcome::Panicked);
        assert_eq!(calls(&captured, DURATION), ["panic 1"]);
    }
}

#[test]
fn what_is_not_sampled_is_accounted_for() {
    const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    #[traced(parent = propagation::extract(&[("traceparent", UNSAMPLED)][..]))]
    fn root() {
        assert_eq!(block_on(async { forms::later().await.count().await }), 3);
    }
    let captured = capture(root);
    assert!(captured.spans.is_empty());
    assert_eq!(calls(&captured, DURATION), ["ok 1"]);
    assert_eq!(calls(&captured, FIRST_CHUNK), ["ok 1"]);
    assert_eq!(
        calls(&captured, "gen_ai.client.inference.operation.input_tokens"),
        ["ok 1"]
    );
    // Nobody records.
    assert_eq!(block_on(async { forms::later().await.count().await }), 3);
}

#[vector_op(system = "qdrant", operation = "scroll", collection = "docs", stream)]
fn scroll(n: u8) -> impl Stream<Item = Result<Vec<u8>, String>> {
    stream::iter((0..n).map(|n| Ok(vec![0; n.into()])))
}

#[vector_op(system = "qdrant", operation = "scroll", collection = "docs", stream, count = |page| page.len(),
    dimensions = 3_usize)]
async fn pages(n: u8) -> Result<BoxStream<'static, Vec<u8>>, String> {
    yield_now().await;
    Ok(stream::iter((0..n).map(|n| vec![0; n.into()])).boxed())
}

#[vector_op(
    system = "qdrant",
    operation = "scroll",
    collection = "docs",
    stream = false
)]
fn call_alone() -> impl Stream<Item = u8> {
    stream::iter([1])
}

#[test]
fn items_of_a_vector_operation_are_counted() {
    const SCROLL: &str = "scroll docs";
    let whole = capture(|| assert_eq!(block_on(scroll(4).count()), 4));
    assert_eq!(whole.span(SCROLL).outcome, Outcome::Ok);
    assert_eq!(number(&whole, SCROLL, "obs.vector.count"), Some(4));
    assert_eq!(calls(&whole, "db.client.operation.duration"), ["ok 1"]);

    let summed =
        capture(|| assert_eq!(block_on(async { pages(4).await.unwrap().count().await }), 4));
    assert_eq!(number(&summed, SCROLL, "obs.vector.count"), Some(6));
    assert_eq!(number(&summed, SCROLL, "obs.vector.dimensions"), Some(3));

    let cut =
        capture(|| assert!(block_on(async { pages(4).await.unwrap().next().await }).is_some()));
    assert_eq!(cut.span(SCROLL).outcome, Outcome::Cancelled);
    assert_eq!(calls(&cut, "db.client.operation.duration"), ["cancelled 1"]);

    // The call alone: its span is over before the stream is read.
    let alone = capture(|| block_on(call_alone().map(|_| leaf()).count()));
    let names: Vec<_> = alone.spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, [SCROLL, "leaf"]);
}
