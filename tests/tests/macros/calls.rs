//! What `#[llm_call]`, `#[vector_op]` and `span!` record.

use std::fmt;

use obs_runtime::llm::{Request, Usage};
use obs_runtime::testing::{capture, capture_async};
use obs_runtime::{
    AttributeValue, Instrument as _, SpanKind, llm_call,
    registry::Construct,
    span,
    trace::{Outcome, SpanRecord},
    traced, vector_op,
};

#[derive(Debug, PartialEq)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

struct Answer {
    text: String,
    input: u64,
    output: u64,
}

fn attribute<'a>(span: &'a SpanRecord, key: &str) -> Option<&'a AttributeValue> {
    span.attribute(key)
}

fn text(value: &'static str) -> AttributeValue {
    value.into()
}

// case: 115 (sums and unknown models: runtime/llm.rs)
struct Client {
    model: String,
}

impl Client {
    #[llm_call(provider = "openai", model = "gpt-4o-mini", usage = |out| (out.input, out.output))]
    async fn chat(&self, prompt: &str) -> Result<Answer, Refused> {
        tokio::task::yield_now().await;
        if prompt.is_empty() {
            return Err(Refused);
        }
        Ok(Answer {
            text: prompt.to_uppercase(),
            input: 12,
            output: 3,
        })
    }

    #[llm_call(provider = "openai", model = self.model, operation = "embeddings",
        fields(texts = texts.len()))]
    async fn embed(&self, texts: &[&str]) -> Vec<f32> {
        tokio::task::yield_now().await;
        vec![0.0; texts.len()]
    }
}

#[llm_call(
    provider = "openai",
    model = "gpt-4o-mini",
    name = "my name",
    kind = "internal"
)]
fn blocking() -> Result<(), Refused> {
    Ok(())
}

#[tokio::test]
async fn a_model_call_has_the_name_and_attributes_of_the_convention() {
    let client = Client {
        model: "text-embedding-3-small".to_owned(),
    };
    let captured = capture_async(async {
        assert_eq!(client.chat("hi").await.unwrap().text, "HI");
        assert_eq!(client.embed(&["a", "b"]).await.len(), 2);
        blocking().unwrap();
    })
    .await;
    let chat = captured.span("chat gpt-4o-mini");
    assert_eq!(chat.kind, SpanKind::Client);
    assert_eq!(
        attribute(chat, "gen_ai.operation.name"),
        Some(&text("chat"))
    );
    assert_eq!(
        attribute(chat, "gen_ai.provider.name"),
        Some(&text("openai"))
    );
    assert_eq!(
        attribute(chat, "gen_ai.request.model"),
        Some(&text("gpt-4o-mini"))
    );
    let tokens = attribute(chat, "gen_ai.usage.input_tokens");
    assert_eq!(tokens, Some(&AttributeValue::I64(12)));
    let embed = captured.span("embeddings text-embedding-3-small");
    let model = text("text-embedding-3-small");
    assert_eq!(attribute(embed, "gen_ai.request.model"), Some(&model));
    assert_eq!(attribute(embed, "texts"), Some(&AttributeValue::I64(2)));
    assert_eq!(captured.span("my name").kind, SpanKind::Internal);
    let site = obs_runtime::registry::callsites()
        .find(|s| s.function() == "chat" && s.file() == file!())
        .unwrap();
    assert_eq!(site.construct(), Construct::LlmCall);
    assert_eq!(site.name(), "chat gpt-4o-mini");
}

#[tokio::test]
async fn a_model_call_that_fails_or_is_dropped() {
    let client = Client {
        model: String::new(),
    };
    let captured = capture_async(async {
        assert_eq!(client.chat("").await.err(), Some(Refused));
        let mut future = Box::pin(client.chat("never"));
        std::future::poll_fn(|cx| {
            assert!(future.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    })
    .await;
    let outcomes: Vec<_> = captured.spans.iter().map(|s| s.outcome).collect();
    assert_eq!(outcomes, [Outcome::Error, Outcome::Cancelled]);
}

#[vector_op(system = "qdrant", operation = "upsert", collection = collection,
    count = vectors.len(), dimensions = 3usize)]
async fn upsert(collection: &str, vectors: Vec<[f32; 3]>) -> Result<(), Refused> {
    tokio::task::yield_now().await;
    drop(vectors);
    Ok(())
}

#[vector_op(system = "qdrant", operation = "search", collection = "docs", count = |hits| hits.len())]
fn search(top: usize) -> Result<Vec<u32>, Refused> {
    Ok(vec![7; top])
}

#[tokio::test]
async fn a_vector_operation_has_the_name_and_attributes_of_the_convention() {
    let captured = capture_async(async {
        upsert("docs", vec![[0.0; 3]; 4]).await.unwrap();
        assert_eq!(search(2).unwrap().len(), 2);
    })
    .await;
    let upsert = captured.span("upsert docs");
    assert_eq!(upsert.kind, SpanKind::Client);
    assert_eq!(attribute(upsert, "db.system.name"), Some(&text("qdrant")));
    assert_eq!(
        attribute(upsert, "db.operation.name"),
        Some(&text("upsert"))
    );
    assert_eq!(attribute(upsert, "db.collection.name"), Some(&text("docs")));
    assert_eq!(
        attribute(upsert, "obs.vector.count"),
        Some(&AttributeValue::I64(4))
    );
    assert_eq!(
        attribute(upsert, "obs.vector.dimensions"),
        Some(&AttributeValue::I64(3))
    );
    let search = captured.span("search docs");
    assert_eq!(
        attribute(search, "obs.vector.count"),
        Some(&AttributeValue::I64(2))
    );
    assert_eq!(attribute(search, "db.collection.name"), Some(&text("docs")));
}

#[tokio::test]
async fn spans_that_are_no_functions() {
    #[traced]
    fn child() {}
    const STEP: &str = "step";
    let captured = capture_async(async {
        let rows = 3;
        span!("load", rows, table = "t", rows.text = %rows).in_scope(|span| {
            child();
            span.set_attribute("late", true);
        });
        let name = String::from("dynamic");
        drop(span!(name));
        async { child() }.instrument(span!(STEP)).await;
    })
    .await;
    let load = captured.span("load");
    assert_eq!(attribute(load, "rows"), Some(&AttributeValue::I64(3)));
    assert_eq!(attribute(load, "table"), Some(&text("t")));
    assert_eq!(attribute(load, "rows.text"), Some(&text("3")));
    assert_eq!(attribute(load, "late"), Some(&AttributeValue::Bool(true)));
    let step = captured.span("step");
    assert_eq!(captured.span("dynamic").function, "span");
    let parents: Vec<_> = captured
        .spans
        .iter()
        .filter(|s| s.name == "child")
        .map(|s| s.parent_id)
        .collect();
    assert_eq!(parents, [Some(load.span_id), Some(step.span_id)]);
    assert_eq!(capture(|| ()).spans, []);
}

#[llm_call(provider = "openai", model = "gpt-4o-mini",
    usage = |out| Usage::new(out.input, out.output).nothing_else(),
    ok_if = |answer: &Answer| !answer.text.is_empty())]
fn says_nothing() -> Answer {
    Answer {
        text: String::new(),
        input: 1_000,
        output: 100,
    }
}

#[test]
fn an_answer_that_is_refused_here_has_its_price() {
    let captured = capture(says_nothing);
    let span = captured.span("chat gpt-4o-mini");
    assert_eq!(span.outcome, Outcome::Error);
    assert_eq!(
        attribute(span, "operation.cost"),
        Some(&AttributeValue::F64(0.000_21))
    );
}

/// What the configuration of a program says of its model.
#[derive(Default)]
struct Settings {
    url: String,
    max_tokens: Option<u32>,
    temperature: Option<f32>,
    tier: Option<String>,
}

#[llm_call(
    provider = "openai",
    model = "gpt-4o-mini",
    request = Request::new().top_p(0.9).temperature(1.0).conversation("conv_1"),
    server = settings.url,
    max_tokens = settings.max_tokens,
    temperature = settings.temperature,
    tier = settings.tier,
    prompt = "summary",
    prompt_version = version,
)]
async fn asks(settings: &Settings, version: &str) -> Result<(), Refused> {
    tokio::task::yield_now().await;
    Err(Refused)
}

#[llm_call(provider = "openai", model = "gpt-4o-mini", server = ("localhost", 4010), max_tokens = 7, temperature = 0,
    stream = false)]
fn literals() {
    obs_runtime::llm::asked(Request::new().max_tokens(20).seed(3));
}

#[tokio::test]
async fn arguments_say_what_is_asked_of_the_provider() {
    let settings = Settings {
        url: "https://user:hunter2@gateway.example/v1?key=hunter2".to_owned(),
        max_tokens: Some(1_000),
        temperature: Some(0.5),
        tier: Some("flex".to_owned()),
    };
    let captured = capture_async(asks(&settings, "7")).await;
    let span = captured.span("chat gpt-4o-mini");
    for (key, value) in [
        ("server.address", text("gateway.example")),
        ("server.port", 443.into()),
        ("gen_ai.request.max_tokens", 1_000.into()),
        // More exact than what `request` says.
        ("gen_ai.request.temperature", 0.5.into()),
        ("gen_ai.request.top_p", 0.9.into()),
        ("openai.request.service_tier", text("flex")),
        ("gen_ai.prompt.name", text("summary")),
        ("gen_ai.prompt.version", text("7")),
        ("gen_ai.conversation.id", text("conv_1")),
        // The bound is one of the cost, too: 1,000 at 0.60 dollars for a million.
        ("obs.cost.at_least", 0.0.into()),
    ] {
        assert_eq!(attribute(span, key), Some(&value), "{key}");
    }
    assert!(!format!("{span:?}").contains("hunter2"), "{span:?}");

    // What the configuration leaves out says nothing.
    let captured = capture_async(asks(&Settings::default(), "7")).await;
    let span = captured.span("chat gpt-4o-mini");
    for key in [
        "server.address",
        "server.port",
        "gen_ai.request.max_tokens",
        "openai.request.service_tier",
    ] {
        assert_eq!(attribute(span, key), None, "{key}");
    }
    let temperature = attribute(span, "gen_ai.request.temperature");
    assert_eq!(temperature, Some(&1.0.into()));
}

#[test]
fn arguments_may_be_literals_and_the_body_says_more() {
    let captured = capture(literals);
    let span = captured.span("chat gpt-4o-mini");
    for (key, value) in [
        ("server.address", text("localhost")),
        ("server.port", 4010.into()),
        ("gen_ai.request.max_tokens", 20.into()),
        ("gen_ai.request.temperature", 0.0.into()),
        ("gen_ai.request.seed", 3.into()),
    ] {
        assert_eq!(attribute(span, key), Some(&value), "{key}");
    }
}
