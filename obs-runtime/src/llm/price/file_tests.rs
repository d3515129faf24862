use super::*;
use crate::llm::LlmCall;
use crate::llm::account::LlmState;
use crate::llm::usage::Usage;

const TABLE: &str = r#"{
    "date": "2026-11-30",
    "models": [
        {"model": "m", "input": 1, "output": 10, "cache_read": 0.1, "web_searches": 5},
        {"model": "m", "tier": "flex", "input": 0.5, "output": 5},
        {"provider": "azure.ai.openai", "model": "m", "input": 2, "output": 20}
    ]
}"#;

fn cost(state: &LlmState, provider: &'static str) -> String {
    let usage = Usage::new(1_000_000, 0).nothing_else();
    let call = LlmCall::new(provider, "chat", "m").usage(usage);
    state.llm_call(call, None).cost.to_string()
}

#[test]
fn a_table_has_its_prices_and_its_day() {
    let state = LlmState::default();
    state.configure(Prices::from_json(TABLE).unwrap());
    assert_eq!(cost(&state, "any"), "$1.00");
    assert_eq!(cost(&state, "azure.ai.openai"), "$2.00");
    assert_eq!(state.totals().prices, ["own 2026-11-30"]);
}

#[test]
fn a_mistake_has_its_line() {
    for (from, to, wanted) in [
        ("\"output\": 5}", "\"output\": -5}", "-5 is no price"),
        ("\"output\": 5}", "\"output\": 1e400}", "line 5"),
        ("\"output\": 5}", "\"output\": NaN}", "line 5"),
        (
            "\"output\": 5}",
            "\"output\": 5, \"inputs\": 5}",
            "unknown field `inputs`",
        ),
        ("\"tier\": \"flex\", ", "", "has prices already"),
        ("\"output\": 5}", "\"output\": 5", "line 6"),
        ("2026-11-30", "yesterday", "\"yesterday\" is no day"),
        (
            "\"model\": \"m\", \"tier\"",
            "\"tier\"",
            "missing field `model`",
        ),
    ] {
        let text = TABLE.replacen(from, to, 1);
        assert_ne!(text, TABLE);
        let error = Prices::from_json(&text).unwrap_err();
        assert!(error.is_config());
        let said = error.to_string();
        assert!(said.contains(wanted) && said.contains("line "), "{said}");
    }
}

#[test]
fn a_table_with_a_mistake_leaves_the_old_one() {
    let state = LlmState::default();
    state.configure(Prices::from_json(TABLE).unwrap());
    let folder = std::env::temp_dir().join(format!("obs-prices-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("prices.json");
    std::fs::write(&path, TABLE.replace("0.5", "-0.5")).unwrap();
    let said = Prices::from_file(&path).map(drop).unwrap_err().to_string();
    assert!(
        said.contains("prices.json") && said.contains("line 5"),
        "{said}"
    );
    assert_eq!(cost(&state, "any"), "$1.00");
    // A good one is used from then on, and what was recorded stays.
    std::fs::write(&path, TABLE.replace("\"input\": 1,", "\"input\": 4,")).unwrap();
    state.configure(Prices::from_file(&path).unwrap());
    assert_eq!(cost(&state, "any"), "$4.00");
    assert_eq!(state.totals().cost.to_string(), "$5.00");
    std::fs::remove_dir_all(&folder).unwrap();
    let gone = Prices::from_file(&path).map(drop).unwrap_err().to_string();
    assert!(gone.contains("cannot be read"), "{gone}");
}

// bug: where the program had prices beside those of its file, totals had the date of one of them alone.
#[test]
fn each_price_stands_with_the_day_of_its_own_table() {
    let state = LlmState::default();
    let mut prices = Prices::from_json(TABLE).unwrap();
    prices.extend(Prices::new().price("ours", 1.0, 1.0).dated("2026-12-01"));
    state.configure(prices);
    assert_eq!(cost(&state, "any"), "$1.00");
    assert_eq!(state.totals().prices, ["own 2026-11-30"]);
    let call = LlmCall::new("any", "chat", "ours").usage((1, 1));
    state.llm_call(call, None);
    let all = state.totals().prices;
    assert_eq!(all, ["own 2026-11-30", "own 2026-12-01"]);
}
