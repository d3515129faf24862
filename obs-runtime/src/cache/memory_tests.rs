use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// A nanosecond less.
const NEARLY: Duration = Duration::new(0, 999_999_999);

async fn put(memory: &Memory<u32, &'static str>, key: u32, ttl: Duration) {
    memory.put(&key, &"value", ttl).await.unwrap();
}

async fn has(memory: &Memory<u32, &'static str>, key: u32) -> bool {
    memory.get(&key).await.unwrap().is_some()
}

#[tokio::test(start_paused = true)]
async fn a_value_is_gone_exactly_at_its_age() {
    let memory = Memory::default();
    put(&memory, 1, SECOND).await;
    tokio::time::advance(NEARLY).await;
    assert!(has(&memory, 1).await);
    tokio::time::advance(Duration::from_nanos(1)).await;
    assert!(!has(&memory, 1).await);
    // It was removed, and counted once.
    assert!(!has(&memory, 1).await);
    assert_eq!(memory.removed.expired.load(Ordering::Relaxed), 1);
    assert!(memory.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_evicted_and_counted() {
    let memory = Memory::default();
    for (key, ttl) in [(1, SECOND), (2, SECOND * 2), (3, SECOND)] {
        put(&memory, key, ttl).await;
    }
    assert_eq!(memory.evict_expired(), 0);
    tokio::time::advance(SECOND).await;
    assert_eq!((memory.evict_expired(), memory.len()), (2, 1));
    assert_eq!((memory.evict(&2), memory.evict(&2)), (true, false));
}

#[tokio::test(start_paused = true)]
async fn a_new_value_has_a_new_age() {
    let memory = Memory::default();
    put(&memory, 1, SECOND).await;
    tokio::time::advance(SECOND).await;
    put(&memory, 1, SECOND).await;
    assert!(!memory.expire(&1));
    assert!(has(&memory, 1).await);
}

// bug: T27, the cache of the public implementation grows without bound.
#[tokio::test]
async fn there_are_never_more_values_than_may_be() {
    let memory = Memory::new(10);
    for key in 0..1_000 {
        put(&memory, key, SECOND).await;
    }
    assert!(memory.len() <= 10);
    let evicted = memory.removed.evicted.load(Ordering::Relaxed);
    assert_eq!(evicted as usize + memory.len(), 1_000);
    let kept = memory.len();
    assert_eq!((memory.clear(), memory.len()), (kept, 0));
}

#[tokio::test]
async fn the_longest_lifetime_is_a_lifetime() {
    let memory = Memory::default();
    put(&memory, 1, Duration::MAX).await;
    assert!(has(&memory, 1).await);
}
