use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::SeqCst;
use std::sync::Arc;

use tokio::sync::{Barrier, Notify};

use super::super::StoreError;
use super::*;
use crate::testing;

const MINUTE: Duration = Duration::from_secs(60);
/// A nanosecond less.
const NEARLY: Duration = Duration::new(59, 999_999_999);

fn cache<V: Clone + Send + Sync + 'static>() -> Cache<u32, V, String> {
    Cache::new("pages", MINUTE).unwrap()
}

#[tokio::test]
async fn a_hit_spares_the_operation() {
    let cache = cache();
    let runs = AtomicU32::new(0);
    let run = || async { Ok(runs.fetch_add(1, SeqCst)) };
    for expected in [Lookup::Miss, Lookup::Hit, Lookup::Hit] {
        assert_eq!(cache.fetch(Some(1), run).await, (Ok(0), expected));
    }
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (2, 1, Some(1)));
    let percent = stats.hit_rate().unwrap() * 100.0;
    assert_eq!(format!("{percent:.2}"), "66.67");
}

#[tokio::test]
async fn values_that_say_nothing_are_kept() {
    let none = cache::<Option<u32>>();
    let no = cache::<bool>();
    for expected in [Lookup::Miss, Lookup::Hit] {
        let fetched = none.fetch(Some(1), || async { Ok(None) }).await;
        assert_eq!(fetched, (Ok(None), expected));
        let fetched = no.fetch(Some(1), || async { Ok(false) }).await;
        assert_eq!(fetched, (Ok(false), expected));
    }
}

#[tokio::test]
async fn errors_are_not_kept() {
    let cache = cache();
    let (failed, _) = cache
        .fetch(Some(1), || async { Err("down".to_owned()) })
        .await;
    assert_eq!(failed, Err("down".to_owned()));
    let fetched = cache.fetch(Some(1), || async { Ok(7) }).await;
    assert_eq!(fetched, (Ok(7), Lookup::Miss));
}

#[tokio::test]
async fn without_a_key_nothing_is_read_or_written() {
    let cache = cache();
    for value in [1, 2] {
        let fetched = cache.fetch(None, || async { Ok(value) }).await;
        assert_eq!(fetched, (Ok(value), Lookup::NoKey));
    }
    let stats = cache.stats();
    assert_eq!(
        (stats.without_key, stats.misses, stats.entries),
        (2, 0, Some(0))
    );
    assert_eq!(stats.hit_rate(), None);
}

#[tokio::test(start_paused = true)]
async fn the_operation_runs_again_exactly_at_the_ttl() {
    let cache = cache();
    let lookup = async || cache.fetch(Some(1), || async { Ok(()) }).await.1;
    assert_eq!(lookup().await, Lookup::Miss);
    tokio::time::advance(NEARLY).await;
    assert_eq!(lookup().await, Lookup::Hit);
    tokio::time::advance(Duration::from_nanos(1)).await;
    assert_eq!(lookup().await, Lookup::Miss);
    assert_eq!(cache.stats().expirations, Some(1));
}

// bug: T28, a lifetime below a second becomes 0 and an error at each write.
#[tokio::test(start_paused = true)]
async fn a_lifetime_below_a_second_is_one() {
    let ttl = Duration::from_millis(20);
    let cache = Cache::<u32, (), String>::new("pages", ttl).unwrap();
    let lookup = async || cache.fetch(Some(1), || async { Ok(()) }).await.1;
    assert_eq!(lookup().await, Lookup::Miss);
    assert_eq!(lookup().await, Lookup::Hit);
    tokio::time::advance(ttl).await;
    assert_eq!(lookup().await, Lookup::Miss);
    let error = Cache::<u32, (), String>::new("pages", Duration::ZERO).unwrap_err();
    assert!(
        error.is_config() && error.to_string().contains("`pages`"),
        "{error}"
    );
}

// bug: T27, ten misses of one key at once ran the operation ten times.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn misses_of_one_key_at_once_run_the_operation_once() {
    let cache = Arc::new(cache());
    let (runs, barrier) = (Arc::new(AtomicU32::new(0)), Arc::new(Barrier::new(10)));
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let (cache, runs, barrier) =
                (Arc::clone(&cache), Arc::clone(&runs), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                let run = || async {
                    tokio::task::yield_now().await;
                    Ok(runs.fetch_add(1, SeqCst))
                };
                cache.fetch(Some(1), run).await.0
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(0));
    }
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.hits + stats.shared), (1, 9));
}

/// Runs calls of one key that all wait for the first, which then ends as told.
async fn behind<T>(
    cache: &Cache<u32, u32, String>,
    first: impl Future<Output = Result<u32, String>>,
    then: impl AsyncFnOnce(&Notify) -> T,
    runs: &AtomicU32,
) -> Vec<Result<u32, String>> {
    let (started, go) = (Notify::new(), Notify::new());
    let lead = cache.fetch(Some(1), || async {
        started.notify_one();
        go.notified().await;
        first.await
    });
    let wait = async {
        started.notified().await;
        let run = || async { Ok(100 + runs.fetch_add(1, SeqCst)) };
        let followers = (0..3).map(|_| async { cache.fetch(Some(1), run).await.0 });
        let mut followers = Box::pin(futures_util::future::join_all(followers));
        // Each has begun to wait when the first poll returns.
        let polled = futures_util::poll!(followers.as_mut());
        assert!(polled.is_pending());
        then(&go).await;
        followers.await
    };
    let mut lead = Box::pin(lead);
    let mut wait = Box::pin(wait);
    tokio::select! {
        biased;
        waited = &mut wait => waited,
        (led, _) = &mut lead => {
            let _ = led;
            wait.await
        }
    }
}

#[tokio::test]
async fn those_that_wait_get_the_value() {
    let (cache, runs) = (cache(), AtomicU32::new(0));
    let go = async |go: &Notify| go.notify_one();
    let got = behind(&cache, async { Ok(7) }, go, &runs).await;
    assert_eq!(got, [Ok(7), Ok(7), Ok(7)]);
    assert_eq!((runs.load(SeqCst), cache.stats().shared), (0, 3));
}

#[tokio::test]
async fn those_that_wait_for_a_failure_call_themselves() {
    let (cache, runs) = (cache(), AtomicU32::new(0));
    let go = async |go: &Notify| go.notify_one();
    let got = behind(&cache, async { Err("down".into()) }, go, &runs).await;
    assert_eq!(got, [Ok(100), Ok(101), Ok(102)]);
}

#[tokio::test]
async fn those_that_wait_share_the_error_if_it_may_be() {
    let (cache, runs) = (cache().share_errors(), AtomicU32::new(0));
    let go = async |go: &Notify| go.notify_one();
    let got = behind(&cache, async { Err("down".into()) }, go, &runs).await;
    assert_eq!(got, vec![Err("down".to_owned()); 3]);
    assert_eq!(runs.load(SeqCst), 0);
}

#[tokio::test]
async fn another_takes_the_place_of_a_call_that_is_dropped_or_panics() {
    let cache = cache();
    let (started, runs) = (Notify::new(), AtomicU32::new(0));
    let mut lead = Box::pin(cache.fetch(Some(1), || async {
        started.notify_one();
        std::future::pending::<Result<u32, String>>().await
    }));
    assert!(futures_util::poll!(lead.as_mut()).is_pending());
    let run = || async { Ok(runs.fetch_add(1, SeqCst)) };
    let mut follower = Box::pin(cache.fetch(Some(1), run));
    assert!(futures_util::poll!(follower.as_mut()).is_pending());
    drop(lead);
    assert_eq!(follower.await, (Ok(0), Lookup::Miss));

    let panics = cache.fetch(Some(2), || async { panic!("no value") });
    let panics = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(panics));
    assert!(panics.await.is_err());
    assert_eq!(cache.fetch(Some(2), run).await, (Ok(1), Lookup::Miss));
}

/// A store that fails.
struct Broken;

impl CacheStore<u32, u32> for Broken {
    async fn get(&self, _: &u32) -> Result<Option<u32>, StoreError> {
        Err("connection refused".into())
    }

    async fn put(&self, _: &u32, _: &u32, _: Duration) -> Result<(), StoreError> {
        Err("redis://user:hunter2@cache:6379 is read-only".into())
    }
}

#[tokio::test]
async fn a_broken_store_falls_through_to_the_operation() {
    let captured = testing::capture_async(async {
        let cache = Cache::<u32, u32, String, _>::with_store("pages", MINUTE, Broken).unwrap();
        let span = crate::private::Span::begin(&SITE, Vec::new);
        span.instrument(async {
            for value in [1, 2] {
                let fetched = cache.fetch(Some(1), || async { Ok(value) }).await;
                assert_eq!(fetched, (Ok(value), Lookup::Miss));
            }
        })
        .await;
        let stats = cache.stats();
        // Unknown is not zero.
        assert_eq!((stats.store_failures, stats.entries), (4, None));
    })
    .await;
    let events = &captured.span("read").events;
    assert_eq!(events.len(), 4);
    assert!(format!("{events:?}").contains("connection refused"));
    assert!(!format!("{events:?}").contains("hunter2"));
    for access in ["read", "write"] {
        let metric = captured.assert_metric("obs.cache.store_failures");
        metric
            .labels([("cache", "pages"), ("access", access)])
            .value(2);
    }
}

static SITE: crate::callsite::Callsite =
    crate::callsite::Callsite::new(crate::callsite::CallsiteSpec::new(
        "read",
        &crate::callsite::Source {
            module: module_path!(),
            file: file!(),
        },
        line!(),
    ));

// bug: T28, a gauge of the hit rate that fails when it is read, and misses without a cache that are counted.
#[tokio::test]
async fn lookups_are_counted_by_outcome() {
    let captured = testing::capture_async(async {
        let cache = cache();
        for key in [Some(1), Some(1), None] {
            let _ = cache.fetch(key, || async { Ok(1) }).await;
        }
    })
    .await;
    for outcome in ["hit", "miss", "no_key"] {
        let metric = captured.assert_metric("obs.cache.lookups");
        metric
            .labels([("cache", "pages"), ("outcome", outcome)])
            .value(1);
    }
}

// bug: T27, a value of the cache was shared by reference, so a caller changed it for all.
#[tokio::test]
async fn what_a_caller_changes_is_its_own() {
    let cache = cache();
    let list = || async { Ok(vec![1]) };
    let (first, _) = cache.fetch(Some(1), list).await;
    first.unwrap().push(2);
    assert_eq!(cache.fetch(Some(1), list).await.0, Ok(vec![1]));
}
