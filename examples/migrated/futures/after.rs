//! `.instrument(…)` and `.in_current_span()`: the imports change.
//!
//! What is recorded of two addresses, the same before and after:
//!
//! ```text
//! /crawl urls=2
//! /crawl/wait bytes=5
//! /crawl/worker worker=0
//! /crawl/worker worker=1
//! /crawl/worker/fetch url="/a"
//! /crawl/worker/fetch url="/bc"
//! /crawl/worker/fetch: info fetched
//! /crawl/worker/fetch: info fetched
//! /crawl/write count=2
//! ```

use obs_runtime::{Instrument, span as info_span, traced as instrument};
use tokio::task::JoinSet;
use tracing::info;

#[instrument(skip_all, fields(urls = urls.len()))]
pub async fn crawl(urls: &'static [&'static str]) -> usize {
    let mut fetches = JoinSet::new();
    for (worker, url) in urls.iter().enumerate() {
        fetches.spawn(fetch(url).instrument(info_span!("worker", worker)));
    }
    let written = tokio::spawn(write(urls.len()).in_current_span());
    let bytes: usize = fetches.join_all().await.into_iter().sum();
    let count = async { written.await.unwrap_or_default() };
    let count = count.instrument(info_span!("wait", bytes)).await;
    bytes * count
}

#[instrument(skip_all, fields(%url))]
async fn fetch(url: &str) -> usize {
    tokio::task::yield_now().await;
    info!("fetched");
    url.len()
}

#[instrument(args)]
async fn write(count: usize) -> usize {
    tokio::task::yield_now().await;
    count
}
