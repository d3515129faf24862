//! Prices beside those of LiteLLM 1.105.0, which shares neither table nor arithmetic with obs.
//!
//! `tests/oracle/litellm_prices.py` makes the list. Each row that differs has its reason here, and a reason
//! that explains no row fails the test.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use obs_runtime::llm::{LlmCall, LlmResponse, Usage, record_llm_call};
use obs_runtime::{AttributeValue, span, testing};
use serde_json::Value;

/// What obs says that the usage of a row cost: `0.5`, or `0.1 to 0.5 (reasons)`.
fn cost(row: &Value) -> String {
    let count = |key: &str| row[key].as_u64();
    let usage = Usage::new(count("input"), count("output"))
        .cache_read(count("cache_read"))
        .cache_write_5m(count("cache_write_5m"))
        .cache_write_1h(count("cache_write_1h"))
        .reasoning(count("reasoning"))
        // What a row does not have LiteLLM takes for nothing.
        .nothing_else();
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    let mut answer = LlmResponse::new().usage(usage).model(text("model"));
    if let Some(tier) = row["tier"].as_str() {
        answer = answer.tier(tier);
    }
    let operation = if row["output"].is_null() {
        "embeddings"
    } else {
        "chat"
    };
    let call = LlmCall::new(text("provider"), operation, text("model")).usage(answer);
    let captured = testing::capture(|| span!("call").in_scope(|_| record_llm_call(call)));
    let span = captured.span("call");
    let dollars = |key: &str| match span.attribute(key) {
        Some(AttributeValue::F64(usd)) => Some(format!("{usd:.12}")),
        _ => None,
    };
    if let Some(exact) = dollars("operation.cost") {
        return exact;
    }
    let reasons = match span.attribute("obs.cost.reasons") {
        Some(AttributeValue::StringArray(reasons)) => reasons.join(" "),
        other => panic!("{other:?}"),
    };
    let (least, most) = (dollars("obs.cost.at_least"), dollars("obs.cost.at_most"));
    let most = most.unwrap_or_else(|| "?".to_owned());
    format!("{} to {most} ({reasons})", least.unwrap())
}

/// Why rows differ: the model, what is in the row that makes the difference, how many rows, and the reason.
const DIFFERENCES: &[(&str, &str, usize, &str)] = &[
    ("gpt-4o-2024-08-06", "flex", 1, NO_FLEX),
    ("gpt-4o-mini-2024-07-18", "flex", 1, NO_FLEX),
    ("gpt-4.1", "flex", 1, NO_FLEX),
    ("gpt-4.1-mini", "flex", 1, NO_FLEX),
    ("gpt-4.1-nano", "flex", 1, NO_FLEX),
    (
        "gpt-5-nano",
        "priority",
        2,
        "our table has no price for its tier",
    ),
    ("mistral-large-latest", "", 5, ALIAS),
    ("deepseek-chat", "", 5, ALIAS),
];

const NO_FLEX: &str = "OpenAI sells no such tier of it: LiteLLM takes the standard price, obs says that it is not known";
const ALIAS: &str = "the name stands for another model in the other table, which is of another day";

#[test]
fn two_hundred_usages_are_priced_as_by_litellm() {
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("../../corpus/litellm_prices.json")).unwrap();
    assert!(rows.len() >= 200);
    let mut unexplained = String::new();
    let mut explained = BTreeMap::new();
    for row in &rows {
        let theirs: f64 = row["usd"].as_str().unwrap().parse().unwrap();
        let ours = cost(row);
        if ours == format!("{theirs:.12}") {
            continue;
        }
        let reason = DIFFERENCES
            .iter()
            .find(|(model, part, ..)| row["model"] == *model && row.to_string().contains(part));
        match reason {
            Some(reason) => *explained.entry(reason).or_insert(0) += 1,
            None => writeln!(unexplained, "{row}: obs {ours}").unwrap(),
        }
    }
    assert_eq!(unexplained, "");
    let expected: BTreeMap<_, _> = DIFFERENCES
        .iter()
        .map(|reason| (reason, reason.2))
        .collect();
    assert_eq!(explained, expected);
}
