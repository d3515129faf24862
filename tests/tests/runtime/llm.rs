//! Tokens and costs of a whole program: many calls at once, sums that are exact.

use obs_runtime::llm::{LlmResponse, LlmTotals, Prices, Reason, Usage, Usd};
use obs_runtime::{Observability, SpanContext, llm_call, trace::TraceId, traced};
use obs_tests::cases::total;
use obs_tests::exporters::Kept;
use obs_tests::own_process;

/// Calls of each run.
const CALLS: u64 = 25;
const RUNS: u64 = 40;

#[llm_call(provider = "openai", model = "gpt-4o-mini", usage = |out: &u64| {
    Usage::new(*out, *out / 2).nothing_else()
})]
async fn listed(tokens: u64) -> u64 {
    tokio::task::yield_now().await;
    tokens
}

#[llm_call(provider = "house", model = model.to_owned(), usage = |out| {
    LlmResponse::new().usage(Usage::new(*out, 1)).model("house-1")
})]
async fn own(model: &str, tokens: u64) -> u64 {
    tokio::task::yield_now().await;
    tokens
}

/// Above the level that is recorded: counted and priced, but without a span.
#[llm_call(provider = "openai", model = "gpt-4o", level = "debug", usage = |out: &u64| (*out, 0))]
async fn without_span(tokens: u64) -> u64 {
    tokio::task::yield_now().await;
    tokens
}

#[traced]
async fn parent_of_no_span() {
    without_span(7).await;
}

#[traced]
async fn run(extra: &str) -> TraceId {
    for n in 0..CALLS {
        listed(1_000 + n).await;
        own("house-large", 10).await;
    }
    if !extra.is_empty() {
        own(extra, 5).await;
    }
    SpanContext::current()
        .expect("inside the span of `run`")
        .trace_id()
}

/// In 1e-12 dollars: 0.15 and 0.60 dollars for a million, then 3 and 5.
fn expected_run_cost() -> i128 {
    let listed: u64 = (0..CALLS)
        .map(|n| 1_000 + n)
        .map(|tokens| tokens * 150_000 + tokens / 2 * 600_000)
        .sum();
    i128::from(listed + CALLS * (10 * 3_000_000 + 5_000_000))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sums_are_exact_by_program_and_by_trace() {
    own_process!();
    let kept = Kept::default();
    let obs = Observability::builder()
        .service_name("llm-test")
        .record_exporter(kept.clone())
        .prices(Prices::new().price("house-large", 3.0, 5.0))
        .install()
        .unwrap();
    let runs: Vec<_> = (0..RUNS).map(|_| tokio::spawn(run(""))).collect();
    let mut traces = Vec::new();
    for run in runs {
        traces.push(run.await.unwrap());
    }

    for trace in &traces {
        let totals = obs.llm_totals_for_trace(*trace).unwrap();
        assert_eq!(totals, LlmTotals::for_trace(*trace).unwrap());
        assert_eq!(totals.calls, 2 * CALLS);
        let cost = totals.cost.exact().map(Usd::picodollars);
        assert_eq!(cost, Some(expected_run_cost()));
        let models: Vec<_> = totals.by_model.iter().map(|m| &*m.model).collect();
        assert_eq!(models, ["house-large", "gpt-4o-mini"]);
    }
    let totals = obs.llm_totals();
    assert_eq!((totals.calls, totals.failed_calls), (2 * CALLS * RUNS, 0));
    assert_eq!(
        totals.cost.exact().map(Usd::picodollars),
        Some(expected_run_cost() * i128::from(RUNS))
    );
    assert_eq!(totals.prices, ["genai-prices 0.2", "own"]);
    assert_eq!(
        totals.usage.output_tokens(),
        Some(RUNS * ((0..CALLS).map(|n| u64::midpoint(1_000, n)).sum::<u64>() + CALLS))
    );
    assert_eq!(
        total(&obs.collect_metrics(), "obs.llm.cost", &[]).to_bits(),
        totals.cost.at_least.as_f64().to_bits()
    );

    // One model without a price: the sum goes on, and says that it is not all.
    let trace = tokio::spawn(run("house-unknown")).await.unwrap();
    let totals = obs.llm_totals_for_trace(trace).unwrap();
    assert_eq!(totals.cost.at_least.picodollars(), expected_run_cost());
    assert!(totals.cost.reasons.contains(Reason::UnpricedModel));
    assert_eq!(obs.llm_totals().cost.exact(), None);
    let reason = [("reason", "unpriced_model")];
    let unpriced = total(&obs.collect_metrics(), "obs.llm.unpriced", &reason);
    assert!((unpriced - 1.0).abs() < f64::EPSILON);
    assert!(total(&obs.collect_metrics(), "obs.llm.active", &[]).abs() < f64::EPSILON);

    parent_of_no_span().await;
    let totals = obs.llm_totals();
    let model = totals
        .by_model
        .iter()
        .find(|m| m.model == "gpt-4o")
        .unwrap();
    assert_eq!((model.calls, model.usage.input_tokens()), (1, Some(7)));
    obs.force_flush().unwrap();
    let spans = kept.spans();
    let parent = spans
        .iter()
        .find(|s| s.name == "parent_of_no_span")
        .unwrap();
    assert_eq!(parent.attributes, []);
    assert!(spans.iter().all(|s| s.name != "chat gpt-4o"));
}
