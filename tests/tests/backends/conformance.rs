//! Every kind of telemetry of model calls, against what the conventions say of it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use obs_runtime::llm::{
    self, LlmCall, LlmResponse, Request, ToolCallId, Usage, VectorOp, observe_stream,
    observe_try_stream, record_llm_call, record_vector_operation,
};
use obs_runtime::{Observability, agent, llm_call, semconv, tool_call, vector_op, workflow};
use obs_tests::cases::cancel;
use obs_tests::conventions::{Conventions, second_opinion};
use obs_tests::otlp_oracle::{Dump, OtlpOracle};
use obs_tests::own_process;
use serde_json::{Value, json};

const URL: &str = "https://api.openai.com/v1";

fn answer() -> LlmResponse {
    let usage = Usage::new(1_000, 500)
        .cache_read(400)
        .cache_write(100)
        .reasoning(50)
        .audio_input(10)
        .audio_output(20)
        .image_input(30)
        .image_output(40);
    LlmResponse::new()
        .usage(usage)
        .model("gpt-4o-mini-2024-07-18")
        .id("chatcmpl-1")
        .tier("default")
        .finish(0, "stop")
        .finish(1, "length")
}

fn request() -> Request {
    Request::new()
        .server_of(URL)
        .max_tokens(1_000)
        .temperature(0.5)
        .top_p(0.9)
        .top_k(40)
        .frequency_penalty(0.1)
        .presence_penalty(0.2)
        .seed(7)
        .choices(2)
        .stop_sequences(["END"])
        .reasoning_level("high")
        .output_type("json")
        .tier("flex")
        .prompt("summary")
        .prompt_version("2")
        .conversation("conv_1")
        .previous_response("resp_1")
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", request = request(), usage = |()| answer())]
async fn everything() {
    tokio::task::yield_now().await;
}

#[llm_call(provider = provider, operation = operation, model = model, server = URL, usage = |()| (10_u32, 5_u32))]
async fn asks(provider: &str, operation: &str, model: &str, fails: bool) -> Result<(), String> {
    llm::answered(LlmResponse::new().tier("priority"));
    tokio::task::yield_now().await;
    if fails {
        Err("refused".to_owned())
    } else {
        Ok(())
    }
}

#[llm_call(provider = "openai", operation = "embeddings", model = "text-embedding-3-small", server = URL,
    request = Request::new().encoding_formats(["float"]),
    usage = |()| LlmResponse::new().usage(Usage::input(8)).model("text-embedding-3-small").dimensions(1_536))]
fn embeds() {}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-5")]
fn panics() {
    llm::answered(Usage::new(7, 7));
    panic!("the parser is wrong");
}

#[llm_call(provider = "openai", model = "gpt-4o", usage = |()| (9_u32, 9_u32))]
fn repeats() {
    let first = llm::attempt("client");
    first.status(429, Some(Duration::from_secs(1)));
    drop(first);
    let second = llm::attempt("client");
    second.status(200, None);
    second.answered((9_u32, 9_u32));
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", stream, server = URL, usage = |item| *item)]
fn streams(breaks: bool) -> impl Stream<Item = Result<Option<Usage>, String>> {
    let last = if breaks {
        Err("connection reset".to_owned())
    } else {
        Ok(Some(Usage::new(9, 3)))
    };
    stream::iter([Ok(None), Ok(None), last])
}

#[vector_op(system = "qdrant", operation = "search", collection = "docs", count = |found| found.len())]
fn searches(fails: bool) -> Result<Vec<u8>, String> {
    if fails {
        Err("timeout".to_owned())
    } else {
        Ok(vec![1])
    }
}

#[tool_call(description = "Adds.", effect = "read")]
fn adds(call: &ToolCallId, fails: bool) -> Result<(), String> {
    let _ = call;
    if fails {
        Err("too large".to_owned())
    } else {
        Ok(())
    }
}

#[agent(description = "Does sums.", max_tool_calls = 2)]
async fn agent_of(fails: bool) -> Result<(), String> {
    everything().await;
    adds(&ToolCallId::new("call_1"), fails)?;
    loop {
        adds(&ToolCallId::new("call_2"), false)?;
    }
}

#[workflow]
async fn agents() {
    for fails in [false, true] {
        let _ = agent_of(fails).await;
    }
}

/// Calls of every kind, in every ending.
async fn calls() {
    agents().await;
    everything().await;
    for (provider, operation, model) in [
        ("openai", "chat", "gpt-4o-mini"),
        ("openai", "chat", ""),
        ("gcp.gemini", "generate_content", "gemini-2.5-flash"),
        ("azure.ai.openai", "text_completion", "gpt-4o"),
        ("openai", "embeddings", "text-embedding-3-small"),
    ] {
        for fails in [false, true] {
            let _ = asks(provider, operation, model, fails).await;
        }
        cancel(asks(provider, operation, model, false));
    }
    embeds();
    std::panic::catch_unwind(panics).unwrap_err();
    repeats();
    for breaks in [false, true] {
        streams(breaks).collect::<Vec<_>>().await;
        streams(breaks).next().await;
    }
    let call = || LlmCall::new("openai", "chat", "gpt-4o").request(Request::new().server_of(URL));
    let chunks = stream::iter([Usage::new(9, 3)]);
    observe_stream(call(), chunks, |usage| *usage)
        .collect::<Vec<_>>()
        .await;
    let chunks = stream::iter([Ok(Usage::new(9, 3).partial()), Err("reset")]);
    observe_try_stream(call(), chunks, |usage| *usage)
        .collect::<Vec<_>>()
        .await;
    // Of calls outside of a span there are metrics alone.
    for operation in ["retrieval", "create_agent"] {
        let call = LlmCall::new("openai", operation, "gpt-4o").duration(Duration::from_secs(1));
        record_llm_call(call.error("timeout"));
    }
    llm::answered(answer());
    for fails in [false, true] {
        let _ = searches(fails);
    }
    record_vector_operation(VectorOp::new("qdrant", "upsert").duration(Duration::from_millis(1)));
}

/// What all calls left at a receiver; nothing if there is none on this machine.
fn sent(test: &str) -> Option<Dump> {
    let oracle = OtlpOracle::start(test)?;
    let obs = Observability::builder()
        .service_name("conformance")
        .otlp(oracle.http_url())
        .install()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(calls());
    obs.shutdown().unwrap();
    let dump = oracle.dump();
    assert_eq!(dump.problems(), &[] as &[Value]);
    Some(dump)
}

/// Names of the registry that the conventions for generative AI have, and those that they should have.
fn of_conventions() -> BTreeSet<&'static str> {
    let names = semconv::attribute::ALL
        .iter()
        .chain(semconv::event::ALL)
        .copied();
    let metrics = semconv::metric::ALL.iter().map(|metric| metric.name);
    let is_theirs = |name: &&str| name.starts_with("gen_ai.") || name.starts_with("openai.");
    names.chain(metrics).filter(is_theirs).collect()
}

#[test]
fn all_that_leaves_is_as_the_conventions_have_it() {
    own_process!();
    let Some(dump) = sent("all_that_leaves_is_as_the_conventions_have_it") else {
        return;
    };
    let conventions = Conventions::new();
    assert_eq!(conventions.release(), semconv::GEN_AI_CONVENTIONS);
    let findings = conventions.walk(&dump);
    assert!(findings.problems.is_empty(), "{:#?}", findings.problems);
    // Every name that obs has of the conventions was there: none of them is right because nobody looked.
    let names = of_conventions();
    let unknown: Vec<_> = names.iter().filter(|n| !conventions.knows(n)).collect();
    assert!(unknown.is_empty(), "no names of the release: {unknown:?}");
    let unseen: Vec<_> = names
        .iter()
        .filter(|n| !findings.seen.contains(**n))
        .collect();
    assert!(unseen.is_empty(), "nothing here sends {unseen:?}");
    second_opinion(&dump);
}

/// The walk over one thing that leaves.
fn problems(signal: &str, entry: &Value) -> Vec<String> {
    let mut dump = json!({"spans": [], "metrics": [], "logs": []});
    dump[signal] = json!([entry]);
    Conventions::new().walk(&Dump(dump)).problems
}

/// A walk that finds nothing may be one that does not look.
#[test]
fn the_walk_names_each_mistake_of_a_span() {
    let span = |changes: &Value| {
        let mut span = json!({
            "name": "chat m", "kind": "client", "span_id": "1", "status": {"code": "unset"},
            "attributes": {
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m",
            },
        });
        merge(&mut span, changes);
        span
    };
    assert_eq!(problems("spans", &span(&json!({}))), [""; 0]);
    let attribute = |key: &str, value: Value| json!({"attributes": {key: value}});
    for (changes, part) in [
        (
            attribute("gen_ai.request.topp", json!(1.0)),
            "no attribute of it",
        ),
        (attribute("gen_ai.provider.name", Value::Null), "is missing"),
        (
            attribute("gen_ai.provider.name", json!("gemini")),
            "none of",
        ),
        (attribute("gen_ai.response.id", json!("")), "is empty"),
        (
            attribute("gen_ai.request.top_k", json!(1.5)),
            "not of type int",
        ),
        (
            attribute("gen_ai.request.temperature", json!("1")),
            "not of type double",
        ),
        (
            attribute("gen_ai.request.stream", json!("true")),
            "not of type boolean",
        ),
        (
            attribute("gen_ai.response.finish_reasons", json!("stop")),
            "not of type string[]",
        ),
        (attribute("gen_ai.prompt.version", json!("1")), "only with"),
        (
            attribute("server.address", json!("x")),
            "server.port is missing",
        ),
        (attribute("error.type", json!("x")), "error.type is there"),
        (
            json!({"status": {"code": "error"}}),
            "error.type is missing",
        ),
        (attribute("gen_ai.input.messages", json!("[]")), "opt-in"),
        (
            json!({"attributes": {"gen_ai.provider.name": "x_ai", "openai.response.service_tier": "x"}}),
            "of openai",
        ),
        (json!({"kind": "server"}), "of kind"),
        (json!({"name": "ask"}), "not named"),
        (
            attribute("gen_ai.operation.name", Value::Null),
            "has gen_ai.",
        ),
    ] {
        let found = problems("spans", &span(&changes));
        assert!(
            found.iter().any(|f| f.contains(part)),
            "{changes}: {found:?}"
        );
    }
}

#[test]
fn the_walk_names_each_mistake_of_a_metric_and_of_an_event() {
    let name = "gen_ai.client.inference.usage.input_tokens";
    let counter = |unit: &str, attributes: &Value| json!({"name": name, "kind": "sum", "monotonic": true, "unit": unit, "points": [{"attributes": attributes}]});
    let whole = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.token.modality": "unknown",
    });
    assert_eq!(problems("metrics", &counter("{token}", &whole)), [""; 0]);
    let duration = json!({"name": "gen_ai.client.inference.duration", "kind": "histogram", "unit": "s",
        "points": [{"attributes": whole, "bounds": [1.0]}]});
    for (metric, part) in [
        (json!({"name": "gen_ai.client.token.usage"}), "is unknown"),
        (
            json!({"name": name, "kind": "gauge", "unit": "{token}"}),
            "instrument",
        ),
        (counter("1", &whole), "unit"),
        (
            counter("{token}", &json!({"gen_ai.operation.name": "chat"})),
            "is missing",
        ),
        (duration, "bounds"),
    ] {
        let found = problems("metrics", &metric);
        assert!(found.iter().any(|f| f.contains(part)), "{part}: {found:?}");
    }
    let event = |name: &str, severity: u8| json!({"event_name": name, "severity": severity, "span_id": "1", "attributes": {}});
    for (log, part) in [
        (
            event("gen_ai.client.embeddings.exception", 13),
            "is unknown",
        ),
        (event("gen_ai.client.inference.exception", 9), "severity"),
        (
            event("gen_ai.client.inference.exception", 13),
            "exception.type",
        ),
        (event("gen_ai.client.inference.exception", 13), "of no span"),
    ] {
        let found = problems("logs", &log);
        assert!(found.iter().any(|f| f.contains(part)), "{part}: {found:?}");
    }
}

/// A name of theirs may stand on what is not theirs, if it is one and means the same.
#[test]
fn the_walk_reads_names_of_the_conventions_wherever_they_stand() {
    let span = |part: &str, attributes: &Value| json!({"name": "s", "attributes": {}, part: [{"attributes": attributes}]});
    let point = |attributes: &Value| json!({"name": "obs.llm.cost", "points": [{"attributes": attributes}]});
    let log = |attributes: &Value| json!({"event_name": "", "attributes": attributes});
    for (key, value, part) in [
        ("gen_ai.provider.name", json!("openai"), ""),
        ("gen_ai.provider", json!("openai"), "is unknown"),
        ("gen_ai.provider.name", json!(7), "not of type string"),
        ("db.system", json!("qdrant"), "is unknown"),
        ("program.name", json!(7), ""),
    ] {
        let attributes = json!({key: value});
        let resource = json!({"name": "s", "attributes": {}, "resource": attributes});
        for (signal, entry) in [
            ("spans", span("events", &attributes)),
            ("spans", span("links", &attributes)),
            ("spans", resource),
            ("metrics", point(&attributes)),
            ("logs", log(&attributes)),
        ] {
            let found = problems(signal, &entry);
            let is_right = match part {
                "" => found.is_empty(),
                part => found.iter().any(|found| found.contains(part)),
            };
            assert!(is_right, "{entry}: {found:?}");
        }
    }
}

/// Changes members of an object; `null` takes one away.
fn merge(into: &mut Value, changes: &Value) {
    let (Value::Object(into), Value::Object(changes)) = (into, changes) else {
        panic!("two objects");
    };
    for (key, change) in changes {
        match change {
            Value::Null => drop(into.remove(key)),
            Value::Object(_) => merge(into.get_mut(key).expect("a member"), change),
            change => drop(into.insert(key.clone(), change.clone())),
        }
    }
}
