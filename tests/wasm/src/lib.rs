//! What annotated functions do where there is no clock: what the plain ones do, and nothing is recorded.

use std::task::{Context, Poll, Waker};

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use obs_runtime::{
    Observability, counter, current, histogram, llm_call, metrics::MetricsCollector, span, traced,
    vector_op,
};

#[traced(fields(n), ret, labels(even = n % 2 == 0), track_concurrency)]
fn checked(n: u32) -> Result<u32, String> {
    current::set_attribute("n", n);
    current::add_event("seen");
    n.checked_sub(1).ok_or_else(|| "nothing".to_owned())
}

#[traced(timings, err(level = "warn"))]
async fn later(n: u32) -> Result<u32, String> {
    checked(n)
}

#[traced(timings)]
fn items() -> impl Stream<Item = u32> {
    stream::iter([1, 2])
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", usage = |n| (*n, 2_u32))]
async fn ask() -> Result<u32, String> {
    Ok(5)
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", stream)]
async fn ask_streamed() -> Result<impl Stream<Item = u32>, String> {
    Ok(stream::iter([1]))
}

#[vector_op(system = "qdrant", operation = "search", count = |hits| hits.len())]
fn search() -> Vec<u8> {
    vec![1]
}

fn ready<F: Future>(future: F) -> F::Output {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is ready at once"),
    }
}

/// Runs everything; a panic is a trap, which the caller sees.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> bool {
    let all = || {
        assert_eq!(checked(3), Ok(2));
        assert!(checked(0).is_err());
        assert_eq!(ready(later(3)), Ok(2));
        assert_eq!(ready(items().count()), 2);
        assert_eq!(ready(ask()), Ok(5));
        assert_eq!(
            ready(async { ask_streamed().await.unwrap().count().await }),
            1
        );
        assert_eq!(search(), [1]);
        let made = span!("by hand", n = 1);
        assert!(!made.is_recording());
        counter!("counted", express = true).inc();
        histogram!("measured").time().stop();
    };
    all();
    let refused = Observability::builder().install();
    assert!(refused.is_err_and(|error| error.to_string().contains("no clock")));
    all();
    // Metrics that are counted without an `Observability`.
    let histogram = MetricsCollector::new().histogram("own").build();
    histogram.expect("a histogram").time().stop();
    true
}
