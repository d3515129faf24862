//! A sampler of rules, from the annotated function to the exporter.

use obs_runtime::{
    Observability, Sampler, SpanContext, span,
    trace::{SpanId, SpanMatch, TraceFlags, TraceId},
    traced,
};
use obs_tests::cases::{block_on, total, yield_now};
use obs_tests::exporters::Kept;
use obs_tests::own_process;

fn sampled() -> bool {
    SpanContext::current().is_some_and(|c| c.is_sampled())
}

#[traced]
fn inside() -> bool {
    sampled()
}

#[traced(fields(tenant))]
fn order(tenant: &str) -> bool {
    let here = sampled();
    assert_eq!(inside(), here, "what a call calls follows it");
    here
}

#[traced(fields(tenant, n = n + 1))]
async fn fetch(tenant: &str, n: u32) -> bool {
    let before = sampled();
    yield_now().await;
    assert_eq!(before, sampled(), "every poll is in the same trace");
    assert_eq!(inside(), before);
    before
}

#[traced(fields(tenant), parent = parent)]
fn handle(parent: SpanContext, tenant: &str) -> bool {
    sampled()
}

#[traced]
fn health_check() -> bool {
    sampled()
}

#[traced(fields(tenant = panics()))]
fn broken() {}

fn panics() -> &'static str {
    panic!("no tenant")
}

fn caller(sampled: bool) -> SpanContext {
    let flags = if sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    let ids = (TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]));
    SpanContext::remote(ids.0, ids.1, flags).unwrap()
}

#[test]
fn rules_decide_by_name_and_by_fields() {
    own_process!();
    let kept = Kept::default();
    let rules = Sampler::rule_based(
        [
            (SpanMatch::new().name("health*"), Sampler::always_off()),
            (
                SpanMatch::new().attribute("tenant", "g*d"),
                Sampler::always_on(),
            ),
            (
                SpanMatch::new().name("handle"),
                Sampler::parent_based(Sampler::always_off()),
            ),
        ],
        Sampler::always_off(),
    );
    let obs = Observability::builder()
        .sampler(rules)
        .record_exporter(kept.clone())
        .install()
        .unwrap();

    assert!(order("gold") && !order("lead"));
    assert!(block_on(fetch("gold", 1)) && !block_on(fetch("lead", 2)));
    assert!(!health_check());
    let spans = [("gold", true), ("lead", false)].map(|(tenant, expected)| {
        let span = span!("by hand", tenant = tenant);
        assert_eq!(span.in_scope(|_| inside()), expected);
        span.is_recording()
    });
    assert_eq!(spans, [true, false]);
    // A caller decides where the rule says so, and nowhere else.
    assert!(handle(caller(true), "lead") && !handle(caller(false), "lead"));
    assert!(handle(caller(false), "gold"));
    assert!(std::panic::catch_unwind(broken).is_err());
    // A call under a sampled span is not asked.
    span!("outer", tenant = "gold").in_scope(|_| assert!(order("lead") && health_check()));
    assert!(
        SpanContext::current().is_none(),
        "the thread is where it was"
    );

    obs.force_flush().unwrap();
    let spans = kept.spans();
    let mut names: Vec<_> = spans.iter().map(|s| &*s.name).collect();
    names.sort_unstable();
    let expected = [
        "by hand",
        "fetch",
        "handle",
        "handle",
        "health_check",
        "inside",
        "inside",
        "inside",
        "inside",
        "order",
        "order",
        "outer",
    ];
    assert_eq!(names, expected);
    let fetch = spans.iter().find(|s| s.name == "fetch").unwrap();
    assert_eq!(fetch.attributes.len(), 2, "{:?}", fetch.attributes);
    let handled = spans.iter().filter(|s| s.name == "handle");
    assert!(
        handled
            .clone()
            .all(|s| s.parent_is_remote && s.parent_id.is_some())
    );
    // Calls are counted whatever the sampling.
    let families = obs.collect_metrics();
    for (function, count) in [
        ("order", 3),
        ("fetch", 2),
        ("health_check", 2),
        ("handle", 3),
        ("broken", 1),
    ] {
        let calls = total(&families, "function.calls", &[("function", function)]);
        assert_eq!(calls as u64, count, "{function}");
    }
    drop(obs);
}
