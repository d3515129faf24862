//! Model calls as Arize Phoenix shows them: the trace, the models, the tokens added up, and the conversation.

use obs_runtime::Observability;
use obs_runtime::llm::Usage;
use obs_tests::own_process;
use obs_tests::phoenix::Phoenix;
use serde_json::{Value, json};

use crate::model_calls::{self, SPANS};

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
    let ran = model_calls::run(&obs);
    let spans = phoenix.spans(SPANS);

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
    assert_eq!(root["context"]["trace_id"], json!(ran.trace_id));
    for (child, kind, model) in [
        (
            "embeddings text-embedding-3-small",
            "EMBEDDING",
            json!("text-embedding-3-small"),
        ),
        ("search docs", "UNKNOWN", Value::Null),
        ("chat gpt-4o-mini", "LLM", json!("gpt-4o-mini")),
        ("chat claude-sonnet-4-5", "LLM", json!("claude-sonnet-4-5")),
        ("chat gpt-4o", "LLM", json!("gpt-4o")),
    ] {
        let span = named(child);
        assert_eq!(span["parent_id"], root["context"]["span_id"], "{child}");
        assert_eq!(span["context"]["trace_id"], root["context"]["trace_id"]);
        assert_eq!(span["span_kind"], kind, "{child}");
        let names = ["llm.model_name", "embedding.model_name"];
        let shown = names.iter().find_map(|name| span["attributes"].get(name));
        assert_eq!(shown.unwrap_or(&Value::Null), &model, "{child}: {span:#}");
    }
    let chat = named("chat gpt-4o-mini");
    assert_eq!(chat["status_code"], "UNSET");
    let attributes = &chat["attributes"];
    for (key, value) in [
        ("gen_ai.response.model", json!("gpt-4o-mini-2024-07-18")),
        ("server.address", json!("api.openai.com")),
        // Phoenix' own words.
        ("llm.token_count.prompt", json!(1_200)),
        ("llm.token_count.completion", json!(34)),
        ("llm.token_count.prompt_details.cache_read", json!(1_024)),
        ("session.id", json!("conv_1")),
    ] {
        assert_eq!(attributes[key], value, "{key} in {attributes:#}");
    }
    let thinks = &named("chat claude-sonnet-4-5")["attributes"];
    // It reads what was written to the cache by its former name alone.
    assert_eq!(
        thinks["llm.token_count.prompt_details.cache_read"],
        json!(1_000)
    );
    assert_eq!(named("chat gpt-4o")["status_code"], "ERROR");

    // The sums are those of obs, of its kind of model calls: embeddings are not among them.
    let chats = ran.totals.by_model.iter();
    let chats = chats.filter(|model| model.model != "text-embedding-3-small");
    let usage = chats.map(|model| model.usage).reduce(Usage::plus);
    let usage = usage.unwrap();
    let (input, output) = (
        usage.input_tokens().unwrap(),
        usage.output_tokens().unwrap(),
    );
    let data = phoenix.query("{ projects { edges { node { name tokenCountTotal tokenCountPrompt tokenCountCompletion } } } }");
    let projects = data["projects"]["edges"].as_array().unwrap();
    let project = projects
        .iter()
        .find(|p| p["node"]["name"] == "default")
        .unwrap();
    for (sum, tokens) in [
        ("tokenCountTotal", input + output),
        ("tokenCountPrompt", input),
        ("tokenCountCompletion", output),
    ] {
        let shown = project["node"][sum].as_f64();
        assert_eq!(shown, Some(tokens as f64), "{sum}");
    }
    assert!(ran.totals.cost.is_exact(), "{}", ran.totals.cost);
    let _ = obs.shutdown();
}
