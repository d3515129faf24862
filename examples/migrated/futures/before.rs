//! `.instrument(…)` gives a span to a future, mostly one that is spawned.

use tokio::task::JoinSet;
use tracing::{Instrument, info, info_span, instrument};

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

#[instrument]
async fn write(count: usize) -> usize {
    tokio::task::yield_now().await;
    count
}
