use core::task::Waker;

use super::*;
use crate::llm::price::Cost;

const LIMIT: Duration = Duration::from_secs(60);

/// What is found after waits of these milliseconds beyond the limit.
fn found(watch: &mut Watch, beyond: &[u64]) -> Vec<bool> {
    let mut cx = Context::from_waker(Waker::noop());
    let waits = beyond
        .iter()
        .map(|millis| LIMIT + Duration::from_millis(*millis));
    waits
        .map(|waited| watch.stands(&mut cx, waited, LIMIT))
        .collect()
}

#[test]
fn a_stream_stands_still_once_for_each_wait() {
    let mut watch = Watch::default();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(!watch.stands(&mut cx, LIMIT / 2, LIMIT));
    assert_eq!(found(&mut watch, &[0, 1, 5_000]), [true, false, false]);
    watch.goes_on();
    // However long the first look took.
    assert_eq!(found(&mut watch, &[3, 4]), [false, true]);
}

#[test]
fn who_comes_back_late_looks_once_more() {
    let mut watch = Watch::default();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(!watch.stands(&mut cx, Duration::ZERO, LIMIT));
    let expected = [false, false, true, false];
    assert_eq!(found(&mut watch, &[5_000, 5_050, 5_100, 5_200]), expected);
    // As after the next chunk.
    watch.goes_on();
    assert!(!watch.stands(&mut cx, Duration::ZERO, LIMIT));
    assert_eq!(found(&mut watch, &[200, 299, 300]), [false, false, true]);
}

#[test]
fn the_longest_limit_is_never_reached() {
    let mut watch = Watch::default();
    let mut cx = Context::from_waker(Waker::noop());
    let long = Duration::from_secs(u64::from(u32::MAX));
    assert!(!watch.stands(&mut cx, long, Duration::MAX));
}

#[test]
fn the_error_says_what_stood_still_and_what_it_cost() {
    let stalled = Stalled::new(Known {
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        waited: LIMIT,
        chunks: 1,
        cost: Cost::ZERO,
    });
    assert_eq!(
        stalled.to_string(),
        "the stream of openai/gpt-4o stands still: nothing came for 60.0s after 1 chunk; it cost $0.00 so far"
    );
    let error: Box<dyn Error + Send + Sync> = stalled.into();
    assert!(error.is::<Stalled>());
}
