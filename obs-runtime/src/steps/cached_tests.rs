use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::SeqCst;
use core::time::Duration;

use super::*;
use crate::cache::{Lookup, StoreError};
use crate::steps::{WorkflowContext, step};
use crate::testing;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_hit_runs_nothing() {
    let captured = testing::capture_async(async {
        let double = step("double", async |n: u32| Ok::<_, String>(n * 2));
        let cache = Arc::new(Cache::new("doubles", HOUR).unwrap());
        let flow = double.cached(Arc::clone(&cache), |n| *n);
        let context = WorkflowContext::new("twice");
        assert_eq!(context.run(&flow, 4).await, Ok(8));
        assert_eq!(context.run(&flow, 4).await, Ok(8));
        let looked = |lookup| StepEvent::Looked {
            step: "double".into(),
            lookup,
        };
        assert_eq!(
            context.history(),
            [looked(Lookup::Miss), looked(Lookup::Hit)]
        );
        assert_eq!(cache.stats().hit_rate(), Some(0.5));
    })
    .await;
    captured.assert_tree(
        "
        workflow twice
          cache double obs.cache.lookup=miss
            double
        workflow twice
          cache double obs.cache.lookup=hit
        ",
    );
    for outcome in ["hit", "miss"] {
        let lookups = captured.assert_metric("obs.cache.lookups");
        lookups
            .labels([("cache", "doubles"), ("outcome", outcome)])
            .value(1);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_computed_neither_reads_nor_writes() {
    let runs = AtomicU32::new(0);
    let next = || {
        step("next", async |_: u32| {
            Ok::<_, String>(runs.fetch_add(1, SeqCst))
        })
    };
    let cache = Arc::new(Cache::new("next", HOUR).unwrap());
    let odd = |n: &u32| (n % 2 == 1).then_some(*n);
    let flow = next().cached_if(Arc::clone(&cache), odd);
    assert_eq!((flow.call(2).await, flow.call(2).await), (Ok(0), Ok(1)));
    assert_eq!((flow.call(3).await, flow.call(3).await), (Ok(2), Ok(2)));
    let panics = |_: &u32| -> u32 { panic!("no key") };
    let flow = next().cached(Arc::clone(&cache), panics);
    assert_eq!((flow.call(3).await, flow.call(3).await), (Ok(3), Ok(4)));
    let stats = cache.stats();
    assert_eq!((stats.without_key, stats.entries), (4, Some(1)));
}

/// A store that fails.
struct Broken;

impl CacheStore<u32, u32> for Broken {
    async fn get(&self, _: &u32) -> Result<Option<u32>, StoreError> {
        Err("connection refused".into())
    }

    async fn put(&self, _: &u32, _: &u32, _: Duration) -> Result<(), StoreError> {
        Err("connection refused".into())
    }
}

#[tokio::test]
async fn a_broken_store_falls_through_to_the_step() {
    let double = step("double", async |n: u32| Ok::<_, String>(n * 2));
    let cache = Arc::new(Cache::with_store("doubles", HOUR, Broken).unwrap());
    let flow = double.cached(Arc::clone(&cache), |n| *n);
    assert_eq!((flow.call(4).await, flow.call(4).await), (Ok(8), Ok(8)));
    assert_eq!(cache.stats().store_failures, 4);
}
