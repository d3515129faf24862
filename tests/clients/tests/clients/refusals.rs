//! What the errors of clients prove: a refusal is free, and what proves nothing has no upper end.

use std::net::TcpListener;
use std::time::Duration;

use async_openai::config::OpenAIConfig as AsyncOpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::ReqwestService;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CreateChatCompletionRequest, CreateChatCompletionResponse,
};
use futures_util::{Stream, StreamExt as _};
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatRequest, ChatResponse, ChatStreamEvent};
use genai::resolver::{AuthData, Endpoint};
use genai::{ModelIden, ServiceTarget};
use obs_runtime::llm::{Attempt, AttemptEnd};
use obs_runtime::llm_call;
use obs_tests_provider::{Answer, Asked, At, Close, Fault, Provider, Refusal, Script};
use rig_core::completion::{CompletionRequest, CompletionResponse};
use rig_core::error::ProviderError;
use rig_core::providers::openai::{OpenAI, OpenAIConfig};
use rig_reqwest::ReqwestClient;

use super::{MODEL, TOKENS, capture, loopback};

/// Of whom all of them ask, at this URL.
#[llm_call(provider = "openai", model = MODEL, usage = |out| out)]
async fn async_openai(url: &str) -> Result<CreateChatCompletionResponse, OpenAIError> {
    let config = AsyncOpenAIConfig::new()
        .with_api_base(url)
        .with_api_key("sk-test");
    // Without its retries, which would wait.
    let client = async_openai::Client::with_config(config)
        .with_http_service(ReqwestService::new(loopback()));
    let request = CreateChatCompletionRequest {
        model: MODEL.to_owned(),
        messages: vec![ChatCompletionRequestUserMessage::from("why?").into()],
        ..Default::default()
    };
    client.chat().create(request).await
}

fn genai_client(url: &str) -> genai::Client {
    let url = format!("{url}/");
    let target = move |target: ServiceTarget| -> genai::resolver::Result<ServiceTarget> {
        Ok(ServiceTarget {
            endpoint: Endpoint::from_owned(url.clone()),
            auth: AuthData::from_single("sk-test"),
            model: ModelIden::new(AdapterKind::OpenAI, target.model.model_name),
        })
    };
    genai::Client::builder()
        .with_reqwest(loopback())
        .with_service_target_resolver_fn(target)
        .build()
        .expect("a client without files or sockets")
}

#[llm_call(provider = "openai", model = MODEL, usage = |out| out)]
async fn genai(url: &str) -> genai::Result<ChatResponse> {
    let request = ChatRequest::new(vec![ChatMessage::user("why?")]);
    genai_client(url).exec_chat(MODEL, request, None).await
}

/// It asks when it is read.
#[llm_call(provider = "openai", model = MODEL, stream, usage = |out| out)]
async fn genai_stream(
    url: &str,
) -> genai::Result<impl Stream<Item = genai::Result<ChatStreamEvent>>> {
    let request = ChatRequest::new(vec![ChatMessage::user("why?")]);
    let client = genai_client(url);
    let answer = client.exec_chat_stream(MODEL, request, None).await?;
    Ok(answer.stream)
}

fn rig_client(url: &str) -> OpenAI {
    OpenAIConfig::new("sk-test")
        .with_base_url(url)
        .connect(ReqwestClient::from(loopback()))
}

#[llm_call(provider = "openai", model = MODEL, usage = |out| out)]
async fn rig(url: &str) -> Result<CompletionResponse, ProviderError> {
    let request = CompletionRequest::new("why?");
    rig_client(url).chat(MODEL).call(request).await
}

/// Each client, and what became of its call at the URL: its only attempt, and its cost.
fn failures(
    url: impl AsyncFn() -> (Option<Provider>, String),
) -> Vec<(&'static str, Attempt, String)> {
    let clients = ["async-openai", "genai", "genai's stream", "rig"];
    let failure = |client: &'static str| {
        let captured = capture(async {
            // The provider listens as long as it is there.
            let (_provider, url) = url().await;
            match client {
                "async-openai" => async_openai(&url).await.map(drop).map_err(drop),
                "genai" => genai(&url).await.map(drop).map_err(drop),
                "rig" => rig(&url).await.map(drop).map_err(drop),
                _ => match genai_stream(&url).await {
                    Ok(events) => {
                        let events: Vec<_> = events.collect().await;
                        let failed = events.into_iter().find_map(Result::err);
                        failed.map_or(Ok(()), |_| Err(()))
                    }
                    Err(_) => Err(()),
                },
            }
        });
        captured.value.expect_err(client);
        let [call] = &captured.llm_calls[..] else {
            panic!("{client}: {:?}", captured.llm_calls)
        };
        let [attempt] = call.attempts() else {
            panic!("{client}: {:?}", call.attempts())
        };
        (client, attempt.clone(), call.cost().to_string())
    };
    clients.map(failure).into()
}

/// The failures at a provider that does this.
fn answered(
    script: impl Fn(&Asked) -> Script + Clone + Send + Sync + 'static,
) -> Vec<(&'static str, Attempt, String)> {
    failures(async || {
        let provider = Provider::start(script.clone()).await;
        let provider = provider.expect("a port of this machine");
        let url = format!("{}/v1", provider.url());
        (Some(provider), url)
    })
}

#[test]
fn a_status_of_refusal_is_free_and_says_when_to_come_back() {
    let busy = Refusal::new(429, "slow", "Slow down.").retry_after("7");
    for (client, attempt, cost) in answered(move |_| Script::refuse(busy.clone())) {
        assert_eq!(cost, "$0.00", "{client}");
        assert_eq!(attempt.end(), AttemptEnd::Refused, "{client}");
        assert_eq!(attempt.status(), Some(429), "{client}");
        // async-openai keeps no headers of what was refused.
        let pause = (client != "async-openai").then_some(Duration::from_secs(7));
        assert_eq!(attempt.retry_after(), pause, "{client}");
    }
}

#[test]
fn an_error_of_the_provider_may_have_been_billed() {
    let failed = Refusal::new(500, "server_error", "Sorry.");
    for (client, attempt, cost) in answered(move |_| Script::refuse(failed.clone())) {
        assert_eq!(cost, "at least $0.00 (no_usage, unbounded)", "{client}");
        assert_eq!(attempt.status(), Some(500), "{client}");
    }
}

#[test]
fn a_connection_that_breaks_proves_nothing() {
    let answer = Answer::new(MODEL, ["It ", "is ", "so."], TOKENS);
    for at in [At::Byte(0), At::Chunk(0)] {
        let cut = Script::answer(answer.clone()).fault(Fault::Cut(at, Close::Reset));
        for (client, attempt, cost) in answered(move |_| cut.clone()) {
            assert_eq!(attempt.end(), AttemptEnd::Unknown, "{client}");
            assert_eq!(cost, "at least $0.00 (no_usage, unbounded)", "{client}");
        }
    }
}

#[test]
fn who_connects_to_nobody_has_sent_nothing() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
    let url = format!("http://{}/v1", listener.local_addr().expect("a port"));
    drop(listener);
    for (client, attempt, cost) in failures(async || (None, url.clone())) {
        assert_eq!(attempt.end(), AttemptEnd::Refused, "{client}");
        assert_eq!((attempt.status(), &*cost), (None, "$0.00"), "{client}");
    }
}
