//! Model calls as Arize Phoenix shows them: the trace, and the tokens added up.

use obs_runtime::llm::{LlmResponse, Usage};
use obs_runtime::{Observability, llm_call, traced, vector_op};
use obs_tests::own_process;
use obs_tests::phoenix::Phoenix;
use serde_json::{Value, json};

#[traced]
fn answer(question: &str) -> Result<(), &'static str> {
    let found = search(question);
    ask(question, found.len())?;
    // The second call fails, and uses nothing.
    let failed = refuse(question);
    assert!(failed.is_err());
    Ok(())
}

#[vector_op(system = "qdrant", operation = "search", collection = "docs", count = |found| found.len())]
fn search(question: &str) -> Vec<String> {
    vec![question.to_owned()]
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", usage = |out: &u64| {
    LlmResponse::new().usage(Usage::new(*out, 34)).model("gpt-4o-mini-2024-07-18").id("chatcmpl-1")
})]
fn ask(question: &str, documents: usize) -> Result<u64, &'static str> {
    Ok(1_199 + u64::try_from(documents * question.len()).unwrap_or_default())
}

#[llm_call(provider = "openai", model = "gpt-4o")]
fn refuse(question: &str) -> Result<(), String> {
    Err(format!(
        "no answer to a question of {} letters",
        question.len()
    ))
}

#[test]
fn phoenix_shows_the_trace_and_its_tokens() {
    own_process!();
    let Some(mut phoenix) = Phoenix::start("phoenix_shows_the_trace_and_its_tokens") else {
        return;
    };
    let obs = Observability::builder()
        .service_name("rag")
        .otlp(phoenix.http_url());
    let obs = obs.install().unwrap();
    answer("?").unwrap();
    // Phoenix takes spans alone; what it refuses is told of metrics and logs.
    let _ = obs.force_flush();
    let spans = phoenix.spans(4);
    let traces = &obs.stats().spans.exporters[0];
    assert_eq!(traces.exported, 4, "{traces:?}");

    let named = |name: &str| {
        let mut found = spans.iter().filter(|span| span["name"] == name);
        let span = found
            .next()
            .unwrap_or_else(|| panic!("no {name} in {spans:#?}"));
        assert!(found.next().is_none());
        span
    };
    let root = named("answer");
    assert_eq!(root["parent_id"], Value::Null);
    for child in ["search docs", "chat gpt-4o-mini", "chat gpt-4o"] {
        assert_eq!(
            named(child)["parent_id"],
            root["context"]["span_id"],
            "{child}"
        );
        assert_eq!(
            named(child)["context"]["trace_id"],
            root["context"]["trace_id"]
        );
    }
    let chat = named("chat gpt-4o-mini");
    assert_eq!(chat["status_code"], "UNSET");
    let attributes = &chat["attributes"];
    for (key, value) in [
        ("gen_ai.usage.input_tokens", json!(1_200)),
        ("gen_ai.usage.output_tokens", json!(34)),
        ("gen_ai.response.model", json!("gpt-4o-mini-2024-07-18")),
        // Phoenix' own words for them.
        ("llm.token_count.prompt", json!(1_200)),
        ("llm.token_count.completion", json!(34)),
    ] {
        assert_eq!(attributes[key], value, "{key} in {attributes:#}");
    }
    assert_eq!(named("chat gpt-4o")["status_code"], "ERROR");

    let data = phoenix.query("{ projects { edges { node { name tokenCountTotal tokenCountPrompt tokenCountCompletion } } } }");
    let projects = data["projects"]["edges"].as_array().unwrap();
    let project = projects
        .iter()
        .find(|p| p["node"]["name"] == "default")
        .unwrap();
    let total = json!({
        "name": "default",
        "tokenCountTotal": 1_234.0,
        "tokenCountPrompt": 1_200.0,
        "tokenCountCompletion": 34.0,
    });
    assert_eq!(project["node"], total);
    let _ = obs.shutdown();
}
