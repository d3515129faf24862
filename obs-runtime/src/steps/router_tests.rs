use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::steps::{WorkflowContext, step};
use crate::testing;

type Model = Flow<&'static str, String, String>;

fn model(name: &'static str) -> Model {
    step(name, move |_: &'static str| async move {
        Ok::<_, String>(name.to_owned())
    })
    .boxed()
}

fn router<R: IntoRoute>(
    choose: impl Fn(&&'static str) -> R + Send + Sync + 'static,
) -> Router<&'static str, String, String> {
    let router = Router::new("model", choose);
    router
        .route("fast", model("small"))
        .route("quality", model("large"))
}

#[tokio::test]
async fn the_routing_function_chooses() {
    let captured = testing::capture_async(async {
        let flow = router(|route| *route).build().unwrap();
        let context = WorkflowContext::new("ask");
        assert_eq!(context.run(&flow, "quality").await.as_deref(), Ok("large"));
        let expected = StepEvent::Routed {
            step: "model".into(),
            route: "quality".into(),
            reason: RouteReason::Chosen,
        };
        assert_eq!(context.history(), [expected]);
    })
    .await;
    captured.assert_tree(
        "
        workflow ask
          router model obs.router.route=quality obs.router.reason=routing_function
            large
        ",
    );
    let decisions = captured.assert_metric("obs.router.decisions");
    let labels = [
        ("router", "model"),
        ("route", "quality"),
        ("reason", "routing_function"),
    ];
    decisions.labels(labels).value(1);
}

#[tokio::test]
async fn an_unknown_route_and_a_failing_function_take_the_default() {
    let captured = testing::capture_async(async {
        let failing = |text: &&'static str| text.parse::<u32>().map(|n| n.to_string());
        let flow = router(failing).default_route("fast").build().unwrap();
        assert_eq!(flow.call("x").await.as_deref(), Ok("small"));
        assert_eq!(flow.call("7").await.as_deref(), Ok("small"));
        let flow = router(|_| -> &'static str { panic!("no route") });
        let flow = flow.default_route("quality").build().unwrap();
        assert_eq!(flow.call("x").await.as_deref(), Ok("large"));
    })
    .await;
    for (route, reason) in [
        ("fast", "routing_error_fallback"),
        ("fast", "invalid_route_fallback"),
        ("quality", "routing_error_fallback"),
    ] {
        let decisions = captured.assert_metric("obs.router.decisions");
        let labels = [("router", "model"), ("route", route), ("reason", reason)];
        decisions.labels(labels).value(1);
    }
}

#[tokio::test]
async fn without_a_default_the_error_lists_the_routes() {
    let captured = testing::capture_async(async {
        let error = router(|route| *route).build().unwrap().call("che\nap").await.unwrap_err();
        let expected = "the router `model` has no route `che\\nap` and no default; its routes are `fast`, `quality`";
        assert_eq!(error, expected);
        let nothing = router(|_| None::<&'static str>).build().unwrap().call("").await;
        let expected = "the router `model` chose no route and no default; its routes are `fast`, `quality`";
        assert_eq!(nothing, Err(expected.to_owned()));
    })
    .await;
    let kinds = captured
        .spans
        .iter()
        .map(|span| span.error.as_ref().unwrap().kind.to_string());
    assert!(kinds.eq(["no_route", "no_route"]));
    // What was asked for is no label: it may be anything.
    let decisions = captured.assert_metric("obs.router.decisions");
    decisions
        .labels([("router", "model"), ("reason", "no_route")])
        .value(2);
}

// bug: T25, failures of a route left no metric.
#[tokio::test]
async fn the_error_of_a_route_is_passed_on_and_counted() {
    let other = Arc::new(AtomicU32::new(0));
    let runs = Arc::clone(&other);
    let captured = testing::capture_async(async {
        let bad = step("bad", async |_: &'static str| {
            Err::<String, _>("overloaded".to_owned())
        });
        let good = step("good", move |_: &'static str| {
            runs.fetch_add(1, SeqCst);
            async { Ok::<_, String>(String::new()) }
        });
        let flow = Router::new("model", |_: &&'static str| "bad");
        let flow = flow
            .route("bad", bad)
            .route("good", good)
            .default_route("good");
        let error = flow.build().unwrap().call("x").await.unwrap_err();
        assert_eq!(error, "overloaded");
    })
    .await;
    assert_eq!(other.load(SeqCst), 0);
    for function in ["bad", "router model"] {
        let calls = captured.assert_metric("function.calls");
        calls
            .labels([("function", function), ("result", "error")])
            .value(1);
    }
}

#[test]
fn a_router_that_cannot_work_is_refused() {
    let none = Router::new("model", |route: &&'static str| *route);
    let none: Router<_, String, String> = none;
    let twice = router(|route| *route).route("fast", model("other"));
    let other = router(|route| *route).default_route("cheap");
    for (router, expected) in [
        (none, "the router `model` has no routes"),
        (twice, "the router `model` has two routes `fast`"),
        (
            other,
            "has the default `cheap`, which is none of its routes: fast, quality",
        ),
    ] {
        let error = router.build().unwrap_err();
        assert!(
            error.is_config() && error.to_string().contains(expected),
            "{error}"
        );
    }
}
