//! Model calls as MLflow shows them: the trace, the models, and the tokens with what was read from caches and written to
//! them.

use obs_runtime::Observability;
use obs_runtime::exporter::otlp::OtlpConfig;
use obs_tests::mlflow::{Mlflow, attribute};
use obs_tests::own_process;
use serde_json::{Value, json};

use crate::model_calls::{self, SPANS};

#[test]
fn mlflow_shows_the_trace_and_its_tokens() {
    own_process!();
    let Some(mlflow) = Mlflow::start("mlflow_shows_the_trace_and_its_tokens") else {
        return;
    };
    let receiver = OtlpConfig::new(mlflow.http_url()).header("x-mlflow-experiment-id", "0");
    let obs = Observability::builder()
        .service_name("rag")
        .otlp_with(receiver)
        .install()
        .unwrap();
    let ran = model_calls::run(&obs);
    let trace = mlflow.trace(&ran.trace_id, SPANS);

    let spans = trace["spans"].as_array().unwrap();
    let named = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span["name"] == name).collect();
        assert_eq!(found.len(), 1, "{name} in {spans:#?}");
        found[0]
    };
    let root = named("answer");
    assert_eq!(root.get("parent_span_id"), None);
    for (child, kind, model) in [
        (
            "embeddings text-embedding-3-small",
            json!("EMBEDDING"),
            json!("text-embedding-3-small"),
        ),
        // MLflow knows no kind of a search.
        ("search docs", Value::Null, Value::Null),
        (
            "chat gpt-4o-mini",
            json!("CHAT_MODEL"),
            json!("gpt-4o-mini-2024-07-18"),
        ),
        (
            "chat claude-sonnet-4-5",
            json!("CHAT_MODEL"),
            json!("claude-sonnet-4-5"),
        ),
        ("chat gpt-4o", json!("CHAT_MODEL"), json!("gpt-4o")),
    ] {
        let span = named(child);
        assert_eq!(span["parent_span_id"], root["span_id"], "{child}");
        assert_eq!(attribute(span, "mlflow.spanType"), kind, "{child}");
        assert_eq!(attribute(span, "mlflow.llm.model"), model, "{child}");
    }
    let tokens = |name| attribute(named(name), "mlflow.chat.tokenUsage");
    assert_eq!(
        tokens("chat gpt-4o-mini"),
        json!({"input_tokens": 1_200, "output_tokens": 34, "total_tokens": 1_234, "cache_read_input_tokens": 1_024})
    );
    assert_eq!(
        tokens("chat claude-sonnet-4-5"),
        json!({"input_tokens": 1_250, "output_tokens": 80, "total_tokens": 1_330,
            "cache_read_input_tokens": 1_000, "cache_creation_input_tokens": 200})
    );
    let failed = &named("chat gpt-4o")["status"];
    assert_eq!(failed["code"], "STATUS_CODE_ERROR", "{failed}");

    // The sums of the trace are those of obs.
    let sums = trace["trace_info"]["trace_metadata"]["mlflow.trace.tokenUsage"].as_str();
    let sums: Value = serde_json::from_str(sums.unwrap()).unwrap();
    let usage = ran.totals.usage;
    assert_eq!(
        (&sums["input_tokens"], &sums["output_tokens"]),
        (
            &json!(usage.input_tokens().unwrap()),
            &json!(usage.output_tokens().unwrap())
        )
    );
    assert_eq!(
        (
            &sums["cache_read_input_tokens"],
            &sums["cache_creation_input_tokens"]
        ),
        (
            &json!(usage.cache_read_tokens().unwrap()),
            &json!(usage.cache_write_tokens().unwrap())
        )
    );
    assert!(ran.totals.cost.is_exact(), "{}", ran.totals.cost);
    let _ = obs.shutdown();
}
