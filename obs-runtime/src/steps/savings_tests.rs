use core::time::Duration;

use super::*;
use crate::steps::{Router, step};
use crate::testing;

fn usd(dollars: f64) -> Usd {
    Usd::from_f64(dollars).unwrap()
}

fn router() -> Router<u32, u32, String> {
    let work = |name: &str| {
        step(name, async |n: u32| {
            n.checked_sub(1).ok_or_else(|| "none".to_owned())
        })
    };
    let name = |n: &u32| if *n < 5 { "fast" } else { "quality" };
    Router::new("model", name)
        .route("fast", work("small"))
        .route("quality", work("large"))
}

#[tokio::test]
async fn what_was_saved_is_read_back_and_exported() {
    let captured = testing::capture_async(async {
        let flow = router()
            .cost("fast", usd(0.01))
            .cost("quality", usd(0.03))
            .build()
            .unwrap();
        // The dearest saves nothing, and neither does a call that fails.
        for (input, works) in [(1, true), (2, true), (9, true), (0, false)] {
            assert_eq!(flow.call(input).await.is_ok(), works);
        }
        assert_eq!(savings().routes, usd(0.04));
        assert_eq!(
            savings().to_string(),
            "$0.04 saved: $0.00 by caches, $0.04 by routes"
        );
        assert_eq!(
            savings().gross(Cost::exactly(usd(0.05))),
            Cost::exactly(usd(0.09))
        );
    })
    .await;
    let saved = captured.assert_metric("obs.step.savings");
    saved
        .labels([("step", "model"), ("reason", "route")])
        .value(0.04);
}

#[cfg(feature = "cache")]
#[tokio::test]
async fn hits_save_and_misses_do_not() {
    use crate::cache::Cache;

    let captured = testing::capture_async(async {
        let cache = Cache::new("answers", Duration::from_secs(60)).unwrap();
        let answer = step("answer", async |n: u32| Ok::<_, String>(n));
        let answer = answer.cached(cache, |n| *n).saving(usd(0.1));
        for n in [1, 1, 1, 2] {
            assert_eq!(answer.call(n).await, Ok(n));
        }
        assert_eq!(savings().caches, usd(0.2));
    })
    .await;
    let saved = captured.assert_metric("obs.step.savings");
    saved
        .labels([("step", "answer"), ("reason", "cache")])
        .value(0.2);
}

// bug: T26, savings of routes of which nobody knows the cost were counted as if they cost nothing.
#[test]
fn costs_of_some_routes_alone_are_refused() {
    let error = router().cost("fast", usd(0.01)).build().unwrap_err();
    assert!(
        error.to_string().contains("has no cost of `quality`"),
        "{error}"
    );
    let error = router().cost("cheap", usd(0.01)).build().unwrap_err();
    assert!(
        error.to_string().contains("has the cost of `cheap`"),
        "{error}"
    );
}
