use super::*;
use crate::llm::call::LlmCall;
use crate::llm::price::{Pricer, Reason};

/// A call whose provider said its price; without one the model has none.
fn entry(
    provider: &'static str,
    model: &'static str,
    tokens: u64,
    dollars: Option<f64>,
) -> CallRecord {
    priced(provider, model, Usage::new(tokens, tokens / 2), dollars)
}

fn priced(
    provider: &'static str,
    model: &'static str,
    usage: Usage,
    dollars: Option<f64>,
) -> CallRecord {
    let mut call = LlmCall::new(provider, "chat", model).usage(usage);
    if let Some(dollars) = dollars {
        call = call.cost_usd(dollars);
    }
    CallRecord::of(call, &Pricer::default())
}

fn trace(n: u128) -> TraceId {
    TraceId::from_bytes(n.to_be_bytes())
}

#[test]
fn a_trace_has_its_own_sums() {
    let mut ledger = Ledger::default();
    ledger.add(Some(trace(1)), &entry("openai", "a", 10, Some(0.1)));
    ledger.add(Some(trace(1)), &entry("openai", "b", 20, Some(0.2)));
    ledger.add(Some(trace(2)), &entry("openai", "a", 30, Some(0.3)));
    ledger.add(None, &entry("openai", "a", 40, Some(0.4)));

    let one = ledger.for_trace(trace(1)).unwrap();
    assert_eq!((one.calls, one.usage), (2, Usage::new(30, 15)));
    assert_eq!(one.cost.to_string(), "$0.30");
    assert_eq!(one.by_model.len(), 2);
    assert_eq!(one.by_model[1].cost.to_string(), "$0.20");
    let all = ledger.totals();
    assert_eq!((all.calls, all.usage.input_tokens()), (4, Some(100)));
    assert_eq!(all.cost.to_string(), "$1.00");
    assert_eq!(ledger.for_trace(trace(3)), None);
}

#[test]
fn one_call_without_a_price_makes_the_sum_incomplete() {
    let mut ledger = Ledger::default();
    ledger.add(None, &entry("p", "priced", 10, Some(0.5)));
    ledger.add(None, &entry("p", "unknown", 10, None));
    let totals = ledger.totals();
    assert_eq!(totals.cost.exact(), None);
    assert!(totals.by_model[0].cost.is_exact());
    assert_eq!(
        totals.by_model[1].cost,
        Cost::unknown(Reason::UnpricedModel)
    );
    assert_eq!(
        totals.to_string(),
        "2 calls, 20 input and 10 output tokens, at least $0.50 (unpriced_model, unbounded)"
    );
}

/// The labels and the value of each point of the cost, without drift.
#[test]
fn the_cost_of_each_model_is_a_point() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.costs(), []);
    for _ in 0..10 {
        ledger.add(None, &entry("p", "a", 1, Some(0.1)));
    }
    ledger.add(None, &entry("p", "", 1, Some(0.0)));
    // What no call of a model has is unknown, not zero.
    ledger.add(None, &entry("p", "unknown", 1, None));
    let costs = ledger.costs();
    let found = costs.iter().map(|point| {
        let labels = point.labels.iter().map(|(k, v)| format!("{k}={v}"));
        (labels.collect::<Vec<_>>().join(" "), point.value)
    });
    let provider = "gen_ai.provider.name=p";
    let wanted = [
        (provider.to_owned(), Number::F64(0.0)),
        (
            format!("{provider} gen_ai.request.model=a"),
            Number::F64(1.0),
        ),
    ];
    assert_eq!(found.collect::<Vec<_>>(), wanted);

    let began = costs[1].start_unix_nanos;
    ledger.add(None, &entry("p", "a", 1, None));
    ledger.add(None, &entry("p", "a", 1, Some(0.5)));
    let later = &ledger.costs()[1];
    assert_eq!(
        (later.start_unix_nanos, later.value),
        (began, Number::F64(1.5))
    );
}

#[test]
fn memory_is_bounded() {
    let mut ledger = Ledger::default();
    let models: Vec<String> = (0..2 * MAX_MODELS).map(|n| format!("m{n}")).collect();
    for (n, model) in models.iter().enumerate() {
        let entry = CallRecord {
            model: model.clone().into(),
            ..entry("p", "", 1, Some(0.0))
        };
        ledger.add(Some(trace(n as u128)), &entry);
    }
    for n in 0..2 * MAX_TRACES as u128 {
        ledger.add(Some(trace(n + 10_000)), &entry("p", "m0", 1, Some(0.0)));
    }
    let totals = ledger.totals();
    assert_eq!(totals.calls as usize, 2 * MAX_MODELS + 2 * MAX_TRACES);
    assert_eq!(totals.by_model.len(), MAX_MODELS + 1);
    let other = totals.by_model.iter().find(|m| m.model == OTHER).unwrap();
    assert_eq!(other.calls as usize, MAX_MODELS);
    assert_eq!(ledger.costs().len(), MAX_MODELS + 1);
    assert_eq!(
        (ledger.traces.len(), ledger.order.len()),
        (MAX_TRACES, MAX_TRACES)
    );
    assert_eq!(ledger.for_trace(trace(0)), None);
    assert!(
        ledger
            .for_trace(trace(2 * MAX_TRACES as u128 + 9_999))
            .is_some()
    );
}

#[test]
fn json_has_the_sums_by_model() {
    let mut ledger = Ledger::default();
    ledger.add(None, &entry("openai", "gpt", 10, Some(0.25)));
    ledger.add(None, &entry("openai", "same", 2, Some(0.5)));
    ledger.add(None, &entry("azure", "same", 2, None));
    let json: serde_json::Value = serde_json::from_str(&ledger.totals().to_json()).unwrap();
    assert_eq!(json["calls"], 3);
    assert_eq!(json["input_tokens"], 14);
    assert_eq!(json["cost_usd"], 0.75);
    assert_eq!(json["cost_at_most_usd"], serde_json::Value::Null);
    assert_eq!(
        json["cost_reasons"],
        serde_json::json!(["unpriced_model", "unbounded"])
    );
    assert_eq!(json["by_model"]["gpt"]["cost_usd"], 0.25);
    assert_eq!(json["by_model"]["openai/same"]["cost_at_most_usd"], 0.5);
    assert_eq!(json["by_model"]["azure/same"]["cost_usd"], 0.0);
}

#[test]
fn serialized_totals_are_exact() {
    let mut ledger = Ledger::default();
    let used = Usage::new(10, 5).cache_read(4).cache_write(3).reasoning(2);
    ledger.add(None, &priced("openai", "gpt", used, Some(10_000.25)));
    // The sum has a digit more than `f64`.
    ledger.add(None, &entry("openai", "gpt", 0, Some(0.000_000_000_001)));
    ledger.add(None, &entry("vllm", "own", 2, None));
    let usage = |input, output, parts: Option<[u64; 3]>| {
        let mut all = serde_json::to_value(Usage::new(input, output)).unwrap();
        if let Some([read, written, reasoning]) = parts {
            all["cache_read_tokens"] = read.into();
            all["cache_write_tokens"] = written.into();
            all["reasoning_tokens"] = reasoning.into();
        }
        all
    };
    assert_eq!(
        serde_json::to_value(ledger.totals()).unwrap(),
        serde_json::json!({
            "calls": 3,
            "failed_calls": 0,
            "attempts": 3,
            "usage": usage(12, 6, Some([4, 3, 2])),
            "cost": {"at_least_usd": "10000.250000000001", "at_most_usd": null,
                     "reasons": ["unpriced_model", "unbounded"]},
            "prices": [],
            "by_model": [
                {"provider": "openai", "model": "gpt", "calls": 2, "failed_calls": 0, "attempts": 2,
                 "usage": usage(10, 5, Some([4, 3, 2])),
                 "cost": {"at_least_usd": "10000.250000000001",
                          "at_most_usd": "10000.250000000001", "reasons": []}},
                {"provider": "vllm", "model": "own", "calls": 1, "failed_calls": 0, "attempts": 1,
                 "usage": usage(2, 1, None),
                 "cost": {"at_least_usd": "0.00", "at_most_usd": null,
                          "reasons": ["unpriced_model", "unbounded"]}},
            ],
        })
    );
}
