//! async-openai under the layer of obs: its own retries are seen, and what its types refuse is counted.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::ReqwestService;
use async_openai::middleware::retry::OpenAIRetryLayer;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, CreateChatCompletionRequest,
};
use futures_util::TryStreamExt as _;
use obs_runtime::interop::reqwest::attempts;
use obs_runtime::llm::LlmTotals;
use obs_runtime::{Observability, llm_call, span};
use obs_tests_provider::{Answer, Asked, At, Close, Fault, Provider, Refusal, Script, Tokens};
use tower::Layer as _;

const MODEL: &str = "gpt-4o-mini";
const TOKENS: Tokens = Tokens {
    input: 1_200,
    output: 80,
    cache_read: 1_000,
    cache_write_5m: 0,
    cache_write_1h: 0,
    reasoning: 0,
    web_searches: 0,
};
/// 200 tokens at 0.15 dollars for a million, 1,000 from the cache at 0.075, 80 at 0.60.
const COST: &str = "$0.000153";

fn client(provider: &Provider) -> Client<OpenAIConfig> {
    // Below the layer that repeats, so that each attempt is seen.
    let service = attempts().layer(ReqwestService::new(obs_examples::loopback_client()));
    let service = OpenAIRetryLayer::default().layer(service);
    let config = OpenAIConfig::new()
        .with_api_base(format!("{}/v1", provider.url()))
        .with_api_key("sk-test");
    Client::with_config(config).with_http_service(service)
}

fn request() -> CreateChatCompletionRequest {
    CreateChatCompletionRequest {
        model: MODEL.to_owned(),
        messages: vec![ChatCompletionRequestUserMessage::from("why?").into()],
        ..Default::default()
    }
}

/// Nothing in it speaks of usage.
#[llm_call(provider = "openai", model = MODEL)]
async fn ask(client: &Client<OpenAIConfig>) -> Result<usize, OpenAIError> {
    Ok(client.chat().create(request()).await?.choices.len())
}

/// Reads a stream to its end, whichever that is.
#[llm_call(provider = "openai", model = MODEL)]
async fn read(client: &Client<OpenAIConfig>) -> Result<usize, OpenAIError> {
    let mut request = request();
    request.stream_options = Some(ChatCompletionStreamOptions {
        include_usage: Some(true),
        include_obfuscation: None,
    });
    let chunks = client.chat().create_stream(request).await?;
    chunks
        .try_fold(0, |count, _| async move { Ok(count + 1) })
        .await
}

async fn totals<T>(call: impl Future<Output = T>) -> (T, LlmTotals) {
    static OBS: OnceLock<Observability> = OnceLock::new();
    OBS.get_or_init(|| {
        Observability::builder()
            .install()
            .expect("it is the only one")
    });
    let span = span!("around");
    let trace = span.context().unwrap().trace_id();
    let value = span.instrument(call).await;
    (value, LlmTotals::for_trace(trace).unwrap())
}

fn answer() -> Answer {
    Answer::new(MODEL, ["It ", "is ", "so."], TOKENS)
}

#[tokio::test]
async fn its_own_retries_are_attempts_of_one_call() {
    let asked = AtomicUsize::new(0);
    let script = move |_: &Asked| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => {
            Script::refuse(Refusal::new(429, "rate_limit_exceeded", "Slow down.").retry_after("0"))
        }
        _ => Script::answer(answer()),
    };
    let provider = Provider::start(script).await.unwrap();
    let (answered, totals) = totals(ask(&client(&provider))).await;
    assert_eq!(answered.unwrap(), 1);
    assert_eq!(
        (totals.calls, totals.attempts, totals.failed_calls),
        (1, 2, 0)
    );
    assert_eq!(totals.cost.to_string(), COST);
}

#[tokio::test]
async fn an_answer_that_its_types_refuse_is_paid() {
    let new = Answer {
        tier: Some("ludicrous".to_owned()),
        ..answer()
    };
    let provider = Provider::start(move |_: &Asked| Script::answer(new.clone()));
    let (answered, totals) = totals(ask(&client(&provider.await.unwrap()))).await;
    answered.unwrap_err();
    assert_eq!(totals.failed_calls, 1);
    assert_eq!(totals.usage.input_tokens(), Some(1_200));
    assert_eq!(totals.usage.cache_read_tokens(), Some(1_000));
    // Nobody knows the price of such a tier.
    assert!(
        totals.cost.to_string().contains("tier_unknown"),
        "{}",
        totals.cost
    );
}

#[tokio::test]
async fn a_stream_says_its_usage_unless_it_breaks_before() {
    let provider = Provider::start(|_: &Asked| Script::answer(answer()));
    let provider = provider.await.unwrap();
    let (chunks, whole) = totals(read(&client(&provider))).await;
    assert_eq!(chunks.unwrap(), 6);
    assert_eq!(whole.cost.to_string(), COST);
    // The usage is in the last chunk.
    let cut = Fault::Cut(At::Chunk(4), Close::Reset);
    let provider = Provider::start(move |_: &Asked| Script::answer(answer()).fault(cut));
    let provider = provider.await.unwrap();
    let (broken, part) = totals(read(&client(&provider))).await;
    broken.unwrap_err();
    assert_eq!((part.cost.at_most, part.attempts), (None, 1));
}
