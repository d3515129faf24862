#![expect(
    clippy::float_cmp,
    reason = "sums of whole numbers, and one that must be exact"
)]

use super::*;
use crate::llm::price::{Cost, Usd};
use crate::metrics::snapshot::{MetricData, Number};
use crate::trace::measured::End;
use crate::trace::{SpanId, TraceFlags};
use std::time::Duration;

fn metrics(state: &LlmState) -> Vec<MetricFamily> {
    let mut out = state.metrics().collect_all();
    state.collect(&mut out);
    out
}

/// `key=value …` of the only point of a metric, and its value or count.
fn point(families: &[MetricFamily], name: &str) -> (String, f64) {
    let family = families
        .iter()
        .find(|f| f.name == name)
        .unwrap_or_else(|| panic!("no {name} in {families:?}"));
    let (labels, value) = match &family.data {
        MetricData::Counter(points) => (&points[0].labels, points[0].value),
        MetricData::Histogram(points) => (&points[0].labels, Number::U64(points[0].count)),
        other => panic!("{other:?}"),
    };
    let labels: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    (labels.join(" "), value.as_f64())
}

fn pico(cost: Cost) -> Option<i128> {
    cost.exact().map(Usd::picodollars)
}

fn chat() -> LlmCall {
    LlmCall::new("openai", "chat", "gpt-4o-mini").duration(Duration::from_millis(840))
}

#[test]
fn a_chat_call_is_counted_priced_and_timed() {
    let state = LlmState::default();
    let response = crate::llm::LlmResponse::new()
        .usage(Usage::new(1_000, 100).cache_read(400).reasoning(30))
        .model("gpt-4o-mini-2024-07-18");
    // 600 at 0.15, 400 at 0.075, 100 at 0.60 dollars for a million.
    let cost = state.llm_call(chat().usage(response), None).cost;
    assert_eq!(pico(cost), Some(90_000_000 + 30_000_000 + 60_000_000));

    let all = metrics(&state);
    let client = "gen_ai.operation.name=chat gen_ai.provider.name=openai \
                  gen_ai.request.model=gpt-4o-mini gen_ai.response.model=gpt-4o-mini-2024-07-18";
    let tokens = |name: &str| {
        let (labels, value) = point(&all, &format!("gen_ai.client.inference.usage.{name}"));
        assert_eq!(labels, format!("{client} gen_ai.token.modality=unknown"));
        value
    };
    assert_eq!(tokens("input_tokens"), 1_000.0);
    assert_eq!(tokens("output_tokens"), 100.0);
    assert_eq!(tokens("cache_read.input_tokens"), 400.0);
    assert_eq!(tokens("reasoning.output_tokens"), 30.0);
    assert!(all.iter().all(|f| !f.name.contains("cache_write")));
    for name in [
        "duration",
        "operation.input_tokens",
        "operation.output_tokens",
    ] {
        let name = format!("gen_ai.client.inference.{name}");
        assert_eq!(point(&all, &name), (client.to_owned(), 1.0));
    }
    assert_eq!(
        point(&all, "obs.llm.cost"),
        (
            "gen_ai.provider.name=openai gen_ai.request.model=gpt-4o-mini".to_owned(),
            0.000_18
        )
    );
    assert_eq!(state.totals().cost, cost);
    assert_eq!(state.totals().prices, ["genai-prices 0.2"]);
}

#[test]
fn the_span_of_a_call_is_the_example_of_its_values_wherever_it_ends() {
    let state = LlmState::default();
    let (trace, span) = (TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]));
    let context = SpanContext::remote(trace, span, TraceFlags::SAMPLED);
    state.llm_call(chat().usage((10_u64, 5)), context);
    state.vector_op(
        &VectorOp::new("qdrant", "search").duration(Duration::from_millis(3)),
        context,
    );
    for name in [
        "gen_ai.client.inference.duration",
        "gen_ai.client.inference.operation.input_tokens",
        "db.client.operation.duration",
    ] {
        let family = state.metrics().get(name).unwrap();
        let MetricData::Histogram(points) = &family.data else {
            panic!("{family:?}")
        };
        let exemplars = &points[0].exemplars;
        assert_eq!(exemplars.len(), 1, "{name}");
        assert_eq!((exemplars[0].trace_id, exemplars[0].span_id), (trace, span));
    }
}

#[test]
fn embeddings_have_their_own_metrics() {
    let state = LlmState::default();
    let call = LlmCall::new("openai", "embeddings", "text-embedding-3-small")
        .usage(Usage::input(500))
        .duration(Duration::from_millis(20));
    assert_eq!(pico(state.llm_call(call, None).cost), Some(10_000_000));
    let names: Vec<_> = metrics(&state).iter().map(|f| f.name.to_string()).collect();
    assert_eq!(
        names,
        [
            "gen_ai.client.embeddings.duration",
            "gen_ai.client.embeddings.operation.input_tokens",
            "obs.llm.cost"
        ]
    );
}

#[test]
fn what_has_no_price_is_counted_by_reason() {
    let state = LlmState::default();
    let unknown = LlmCall::new("house", "chat", "m").usage((10_u64, 5));
    for _ in 0..2 {
        let cost = state.llm_call(unknown.clone(), None).cost;
        assert_eq!(cost, Cost::unknown(Reason::UnpricedModel));
    }
    let totals = state.totals();
    assert_eq!(totals.cost, Cost::unknown(Reason::UnpricedModel));
    assert_eq!((totals.calls, totals.usage), (2, Usage::new(20, 10)));
    let all = metrics(&state);
    let unpriced = all.iter().find(|f| f.name == "obs.llm.unpriced").unwrap();
    let MetricData::Counter(points) = &unpriced.data else {
        panic!("{unpriced:?}")
    };
    let mut reasons: Vec<_> = points
        .iter()
        .map(|point| {
            let reason = point.labels.iter().find(|(key, _)| *key == "reason");
            (reason.unwrap().1.to_owned(), point.value.as_f64())
        })
        .collect();
    reasons.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        reasons,
        [
            ("unbounded".to_owned(), 2.0),
            ("unpriced_model".to_owned(), 2.0)
        ]
    );
    assert_eq!(state.warned.lock().unwrap().len(), 1);

    let before = state.totals();
    state.configure(Prices::new().price("m", 1.0, 2.0).dated("2026-11-30"));
    // What is recorded does not move when the table does.
    assert_eq!(state.totals(), before);
    assert_eq!(pico(state.llm_call(unknown, None).cost), Some(20_000_000));
    assert_eq!(state.totals().prices, ["own 2026-11-30"]);
}

#[test]
fn only_a_proved_refusal_is_free() {
    let state = LlmState::default();
    let failed = state.llm_call(chat().error("timeout"), None).cost;
    assert_eq!(failed, Cost::unknown(Reason::NoUsage));
    let (labels, _) = point(&metrics(&state), "gen_ai.client.inference.duration");
    assert!(labels.starts_with("error.type=timeout "), "{labels}");
    let mut cancelled = chat();
    cancelled.end = End::Cancelled;
    let cancelled = state.llm_call(cancelled, None).cost;
    assert_eq!(cancelled, Cost::unknown(Reason::NoUsage));
    let silent = state.llm_call(chat(), None).cost;
    assert_eq!(silent, Cost::unknown(Reason::NoUsage));
    let totals = state.totals();
    assert_eq!((totals.calls, totals.failed_calls), (3, 2));
    assert_eq!(totals.cost, Cost::unknown(Reason::NoUsage));

    let state = LlmState::default();
    let refused = chat().error("rate_limit_exceeded").refused();
    assert_eq!(state.llm_call(refused, None).cost, Cost::ZERO);
    // What is said to be used is paid, whatever the error claims.
    let usage = Usage::new(1_000, 100).nothing_else();
    let paid = chat().usage(usage).error("429").refused();
    assert_eq!(pico(state.llm_call(paid, None).cost), Some(210_000_000));
    assert!(state.totals().cost.is_exact());
}

#[test]
fn a_call_is_bounded_by_what_the_request_allows() {
    let state = LlmState::default();
    let call = chat()
        .max_tokens(1_000)
        .max_input_tokens(10_000)
        .error("timeout");
    // 10,000 at 0.15 and 1,000 at 0.60 dollars for a million.
    let most = Usd::from_f64(0.0015 + 0.0006).unwrap();
    let cost = state.llm_call(call, None).cost;
    assert_eq!(cost, Cost::between(Usd::ZERO, most, Reason::NoUsage));
    assert_eq!(
        state.totals().cost.to_string(),
        "$0.00 to $0.0021 (no_usage)"
    );
}

#[test]
fn a_reported_cost_beats_the_price_list() {
    let state = LlmState::default();
    let call = chat().usage((1_u64, 1)).cost_usd(0.5);
    assert_eq!(pico(state.llm_call(call, None).cost), Some(500_000_000_000));
    let call = chat().cost_usd(f64::NAN);
    let cost = state.llm_call(call, None).cost;
    assert_eq!(cost, Cost::unknown(Reason::InvalidUsage));
}

#[test]
fn a_vector_operation_is_timed() {
    let state = LlmState::default();
    let op = VectorOp::new("qdrant", "search")
        .collection("docs")
        .count(5)
        .duration(Duration::from_millis(3));
    state.vector_op(&op, None);
    assert_eq!(
        point(&metrics(&state), "db.client.operation.duration"),
        (
            "db.collection.name=docs db.operation.name=search db.system.name=qdrant".to_owned(),
            1.0
        )
    );
}

// bug: a negative number of tokens was 0, and the cost was complete without them.
#[test]
fn impossible_tokens_are_left_out_and_make_the_cost_incomplete() {
    use crate::llm::{IntoUsage, LlmResponse};

    let minus = -1_i64 as u64;
    let responses = [
        (10_i64, -1_i64).into_llm_response(),
        (-1_i32, 10_i32).into_llm_response(),
        Some((i64::MIN, 0_i64)).into_llm_response(),
        Usage::new(minus, 10).into_llm_response(),
        Usage::new(10, 10).reasoning(minus).into_llm_response(),
        LlmResponse::new().usage((10_i64, -1_i64)),
    ];
    for response in responses {
        for call in [chat(), chat().error("timeout")] {
            let state = LlmState::default();
            let call = call.usage(response.clone());
            let shown = format!("{call:?}");
            let cost = state.llm_call(call, None).cost;
            assert!(cost.reasons.contains(Reason::InvalidUsage), "{shown}");
            let totals = state.totals();
            // What is possible beside them stays.
            let counts = [totals.usage.input_tokens(), totals.usage.output_tokens()];
            let known: Vec<_> = counts.into_iter().flatten().collect();
            assert!(known.iter().all(|count| matches!(count, 0 | 10)), "{shown}");
            assert_eq!(totals.cost.at_most, None, "{shown}");
        }
    }
    assert_eq!(Usage::from((10_i32, 1_u32)), Usage::new(10_usize, 1_i64));
}

/// The points of a counter, as `modality` and number.
fn modalities(state: &LlmState, name: &str) -> Vec<(String, f64)> {
    let all = metrics(state);
    let family = all.iter().find(|f| f.name == name).expect("the metric");
    let MetricData::Counter(points) = &family.data else {
        panic!("{family:?}")
    };
    let mut found: Vec<_> = points
        .iter()
        .map(|point| {
            let modality = point
                .labels
                .iter()
                .find(|(key, _)| *key == "gen_ai.token.modality");
            (
                modality.map_or("", |(_, value)| value).to_owned(),
                point.value.as_f64(),
            )
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn the_tokens_of_all_modalities_add_up_to_the_sum() {
    let state = LlmState::default();
    let usage = Usage::new(100, 50).audio_input(10).image_input(20);
    state.llm_call(chat().usage(usage), None);
    assert_eq!(
        modalities(&state, "gen_ai.client.inference.usage.input_tokens"),
        [
            ("audio".to_owned(), 10.0),
            ("image".to_owned(), 20.0),
            ("unknown".to_owned(), 70.0)
        ]
    );
    assert_eq!(
        modalities(&state, "gen_ai.client.inference.usage.output_tokens"),
        [("unknown".to_owned(), 50.0)]
    );
    // A part that is more than the whole tells nothing apart.
    let state = LlmState::default();
    state.llm_call(chat().usage(Usage::new(5, 1).audio_input(10)), None);
    assert_eq!(
        modalities(&state, "gen_ai.client.inference.usage.input_tokens"),
        [("unknown".to_owned(), 5.0)]
    );
}

#[test]
fn metrics_say_which_server_was_asked_and_an_operation_has_its_own() {
    for (operation, name) in [
        ("chat", "gen_ai.client.inference.duration"),
        ("embeddings", "gen_ai.client.embeddings.duration"),
        ("retrieval", "gen_ai.retrieval.duration"),
        ("create_agent", "gen_ai.client.operation.duration"),
    ] {
        let state = LlmState::default();
        let request = crate::llm::Request::new().server("api.openai.com", 443);
        let call = LlmCall::new("openai", operation, "m").request(request);
        state.llm_call(call.duration(Duration::from_millis(1)), None);
        let (labels, _) = point(&metrics(&state), name);
        assert!(
            labels.ends_with("server.address=api.openai.com server.port=443"),
            "{labels}"
        );
    }
}

// bug: of a call that had timed out the advice was to report its tokens.
#[test]
fn what_to_do_depends_on_how_the_call_ended() {
    let (_, remedy) = advice(Reason::NoUsage, true).unwrap();
    assert!(remedy.contains("refused") && remedy.contains("llm::asked"));
    let (_, remedy) = advice(Reason::NoUsage, false).unwrap();
    assert!(remedy.contains("usage = |out|") && !remedy.contains("refused"));
    let (_, remedy) = advice(Reason::PartsUnknown, false).unwrap();
    assert!(remedy.contains("Usage::nothing_else"));
    assert_eq!(advice(Reason::Cut, true), None);
}

#[test]
fn whoever_listens_gets_each_call_and_harms_none() {
    let state = LlmState::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    state.listen(Arc::new(|_| panic!("a listener")));
    state.listen(Arc::new(move |call| lock(&keep).push(call.cost())));
    let usage = Usage::new(1_000, 100).nothing_else();
    state.llm_call(chat().usage(usage), None);
    assert_eq!(pico(lock(&seen)[0]), Some(210_000_000));
    assert_eq!(state.totals().calls, 1);
}
