//! Annotated code in a crate that allows nothing: the macros add no lint (`cargo clippy` judges).

// case: 136, 138, 141, 142
#![deny(
    warnings,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::shadow_unrelated,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    rust_2018_idioms,
    single_use_lifetimes,
    unused_qualifications,
    unused_lifetimes,
    let_underscore_drop
)]
#![allow(
    missing_docs,
    clippy::future_not_send,
    clippy::missing_const_for_fn,
    clippy::redundant_pub_crate,
    reason = "the plain functions have these too"
)]
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;

use obs_runtime::testing::capture_async;
use obs_runtime::{Label, counter, gauge, histogram, llm_call, span, traced, vector_op};

#[traced]
fn unit() {}

#[traced(fields(n, text = %n))]
fn number(n: u8) -> u8 {
    n + 1
}

#[traced]
fn owned(text: String) -> String {
    text
}

#[traced]
fn with_items(n: u8) -> u8 {
    const STEP: u8 = 1;
    n + STEP
}

#[traced(ret)]
fn fallible(n: u8, _unused: u8, _: &str) -> Result<u8, String> {
    if n == 0 {
        return Err("zero".to_owned());
    }
    Ok(n)
}

#[traced(fields(n, owned = owned.len()))]
async fn asynchronous(n: u8, mut owned: String, (a, b): (u8, u8)) -> Result<u8, String> {
    owned.push('x');
    tokio::task::yield_now().await;
    if owned.len() > 9 {
        return Err(owned);
    }
    Ok(n + a + b)
}

#[traced(name = name)]
async fn named(name: &str) -> usize {
    tokio::task::yield_now().await;
    name.len()
}

#[traced]
fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
    Box::pin(async move { text.len() })
}

#[traced]
fn opaque(n: u8) -> impl Future<Output = u8> {
    async move { n }
}

#[traced]
fn items(text: &str) -> impl futures_util::Stream<Item = char> + Send + '_ {
    futures_util::stream::iter(text.chars())
}

#[traced]
fn boxed_items(n: u8) -> Pin<Box<dyn futures_util::Stream<Item = Result<u8, String>> + Send>> {
    Box::pin(futures_util::stream::iter([Ok(n)]))
}

#[traced]
async fn returns_a_future(n: u8) -> impl Future<Output = u8> {
    tokio::task::yield_now().await;
    std::future::ready(n)
}

#[llm_call(provider = "openai", model = model, usage = |text| (1_u64, text.len() as u64))]
async fn ask(model: &str) -> Result<String, String> {
    tokio::task::yield_now().await;
    Ok(model.to_owned())
}

#[vector_op(system = "qdrant", operation = "search", count = |hits| hits.len())]
fn search(n: usize) -> Vec<u8> {
    vec![0; n]
}

#[derive(Clone, Copy, Label)]
enum Region {
    Eu,
}

#[traced(labels(region, kind = "web"), track_concurrency)]
fn labelled(region: Region, owned: String) -> usize {
    owned.len()
}

#[traced(labels(region), err(level = "warn"), track_concurrency)]
fn warned(region: Region) -> Result<u8, String> {
    match region {
        Region::Eu => Ok(1),
    }
}

#[traced(labels(region), timings, track_concurrency)]
async fn measured(region: Region, n: u8) -> Result<u8, String> {
    tokio::task::yield_now().await;
    warned(region).map(|one| one + n)
}

#[traced(timings, track_concurrency)]
fn measured_items(n: u8) -> impl futures_util::Stream<Item = u8> {
    futures_util::stream::iter([n])
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = |n| (1_u64, u64::from(*n)))]
async fn answers(n: u8) -> Result<impl futures_util::Stream<Item = u8> + Send, String> {
    tokio::task::yield_now().await;
    Ok(futures_util::stream::iter([n]))
}

#[vector_op(system = "qdrant", operation = "scroll", stream, count = |page| page.len())]
fn pages(n: usize) -> Pin<Box<dyn futures_util::Stream<Item = Vec<u8>> + Send>> {
    Box::pin(futures_util::stream::iter([vec![0; n]]))
}

fn metrics(region: Region, express: bool) {
    counter!("lints.orders", region = region, express).inc();
    gauge!("lints.level", kind = "web").set(1);
    histogram!("lints.seconds").observe(0.5);
}

struct Counter {
    count: u8,
}

#[traced(level = "debug")]
impl Counter {
    fn add(&mut self, n: u8) -> Result<&mut Self, String> {
        self.count = self.count.checked_add(n).ok_or("too many")?;
        Ok(self)
    }

    async fn wait(&self) -> u8 {
        tokio::task::yield_now().await;
        self.count
    }

    fn into_inner(self) -> u8 {
        self.count
    }
}

#[tokio::test]
async fn everything_here_is_called() {
    let captured = capture_async(async {
        unit();
        metrics(Region::Eu, true);
        let mut counter = Counter { count: number(1) };
        counter.add(with_items(1)).unwrap().add(1).unwrap();
        assert_eq!(counter.wait().await, 5);
        assert_eq!(counter.into_inner(), 5);
        assert_eq!(fallible(1, 2, ""), Ok(1));
        assert_eq!(asynchronous(1, owned(String::new()), (2, 3)).await, Ok(6));
        assert_eq!(named("n").await, 1);
        assert_eq!(boxed("ab").await, 2);
        assert_eq!(opaque(3).await, 3);
        assert_eq!(futures_util::StreamExt::count(items("ab")).await, 2);
        assert_eq!(futures_util::StreamExt::count(boxed_items(1)).await, 1);
        assert_eq!(returns_a_future(4).await.await, 4);
        assert_eq!(ask("gpt-4o-mini").await.as_deref(), Ok("gpt-4o-mini"));
        assert_eq!(search(2).len(), 2);
        assert_eq!(labelled(Region::Eu, owned(String::new())), 0);
        assert_eq!(measured(Region::Eu, 1).await, Ok(2));
        assert_eq!(futures_util::StreamExt::count(measured_items(1)).await, 1);
        let answers = answers(1).await.map(futures_util::StreamExt::count);
        assert_eq!(answers.unwrap().await, 1);
        assert_eq!(futures_util::StreamExt::count(pages(1)).await, 1);
        span!("by hand", n = 1).in_scope(|span| assert!(span.is_recording()));
    })
    .await;
    assert_eq!(captured.spans.len(), 26);
}
