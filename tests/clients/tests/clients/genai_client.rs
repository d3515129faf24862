//! genai with its feature `otel`: its spans are attempts of the call around them.

use futures_util::StreamExt as _;
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ChatResponse, ChatStreamEvent};
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, ModelIden, ServiceTarget};
use obs_runtime::llm_call;
use obs_tests_provider::{Answer, Asked, Format, Provider, Refusal, Reports, Script, Tokens, body};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{MODEL, TOKENS, assert_one_inference, capture, loopback, of_inference};

fn client(provider: &Provider, kind: AdapterKind) -> Client {
    client_at(&provider.url(), kind)
}

fn client_at(provider: &str, kind: AdapterKind) -> Client {
    let version = if kind == AdapterKind::Gemini {
        "v1beta"
    } else {
        "v1"
    };
    let url = format!("{provider}/{version}/");
    let target = move |target: ServiceTarget| -> genai::resolver::Result<ServiceTarget> {
        Ok(ServiceTarget {
            endpoint: Endpoint::from_owned(url.clone()),
            auth: AuthData::from_single("sk-test"),
            model: ModelIden::new(kind, target.model.model_name),
        })
    };
    Client::builder()
        .with_reqwest(loopback())
        .with_service_target_resolver_fn(target)
        .build()
        .expect("a client without files or sockets")
}

fn request() -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::user("why?")])
}

fn answer() -> Answer {
    Answer::new(MODEL, ["It ", "is ", "so."], TOKENS)
}

#[llm_call(provider = "openai", model = MODEL, usage = |out| out)]
async fn ask(client: &Client) -> genai::Result<ChatResponse> {
    let options = ChatOptions::default()
        .with_max_tokens(100)
        .with_temperature(0.5);
    client.exec_chat(MODEL, request(), Some(&options)).await
}

/// Nothing in it speaks of usage: the span of genai does.
#[llm_call(provider = "openai", model = MODEL)]
async fn ask_in_silence(client: &Client) -> genai::Result<bool> {
    let answer = client.exec_chat(MODEL, request(), None).await?;
    Ok(answer.first_text().is_some())
}

#[llm_call(provider = "openai", model = MODEL)]
async fn read(client: &Client) -> genai::Result<usize> {
    let options = ChatOptions::default().with_capture_usage(true);
    let mut events = client
        .exec_chat_stream(MODEL, request(), Some(&options))
        .await?
        .stream;
    let mut chunks = 0;
    while let Some(event) = events.next().await {
        let event = event?;
        obs_runtime::llm::answered(&event);
        chunks += usize::from(matches!(event, ChatStreamEvent::Chunk(_)));
    }
    Ok(chunks)
}

#[llm_call(provider = "anthropic", model = "claude-sonnet-4-5", usage = |out| out)]
async fn ask_claude(client: &Client) -> genai::Result<ChatResponse> {
    client.exec_chat("claude-sonnet-4-5", request(), None).await
}

async fn provider(script: impl Fn(&Asked) -> Script + Send + Sync + 'static) -> Provider {
    Provider::start(script)
        .await
        .expect("a port of this machine")
}

#[test]
fn a_whole_answer_is_one_inference_with_the_details_of_both() {
    let captured = capture(async {
        let provider = provider(|_| Script::answer(answer())).await;
        ask(&client(&provider, AdapterKind::OpenAI)).await
    });
    captured.value.as_ref().expect("an answer");
    assert_one_inference(&captured);
    captured
        .assert_span("attempt genai")
        .parent("chat gpt-4o-mini")
        .ok();
    captured
        .assert_span("chat gpt-4o-mini")
        .attribute("gen_ai.request.max_tokens", 100)
        .attribute("gen_ai.request.temperature", 0.5)
        .attribute("server.address", "127.0.0.1")
        .with("server.port");
}

#[test]
fn its_span_reports_what_nothing_else_does() {
    let captured = capture(async {
        let provider = provider(|_| Script::answer(answer())).await;
        ask_in_silence(&client(&provider, AdapterKind::OpenAI)).await
    });
    assert_eq!(captured.value.as_ref().ok(), Some(&true));
    assert_one_inference(&captured);
}

#[test]
fn a_stream_is_one_inference() {
    let captured = capture(async {
        let provider = provider(|_| Script::answer(answer())).await;
        read(&client(&provider, AdapterKind::OpenAI)).await
    });
    assert_eq!(captured.value.as_ref().ok(), Some(&3));
    assert_one_inference(&captured);
}

#[test]
fn the_status_in_its_span_proves_a_refusal() {
    let captured = capture(async {
        let provider = provider(|_| Script::refuse(Refusal::new(429, "slow", "Slow down."))).await;
        ask_in_silence(&client(&provider, AdapterKind::OpenAI)).await
    });
    captured.value.as_ref().expect_err("refused");
    captured.assert_metric("obs.llm.rate_limited").value(1);
    let unpriced = captured
        .metrics
        .iter()
        .find(|family| family.name == "obs.llm.unpriced");
    assert!(unpriced.is_none(), "a refusal is free");
    captured
        .assert_span("attempt genai")
        .failed()
        .attribute("error.type", "429");
    assert_eq!(of_inference(captured.span("attempt genai")), [""; 0]);
}

#[test]
fn the_lifetimes_of_what_was_cached_stay_apart() {
    let tokens = Tokens {
        cache_write_5m: 100,
        cache_write_1h: 50,
        ..TOKENS
    };
    let captured = capture(async {
        let provider =
            provider(move |_| Script::answer(Answer::new("claude-sonnet-4-5", ["So."], tokens)));
        ask_claude(&client(&provider.await, AdapterKind::Anthropic)).await
    });
    captured.value.as_ref().expect("an answer");
    // 50 tokens at 3 dollars for a million, 1,000 at 0.3, 100 at 3.75, 50 at 6, and 80 at 15.
    captured
        .assert_span("chat claude-sonnet-4-5")
        .attribute("gen_ai.usage.input_tokens", 1_200)
        .attribute("operation.cost", 0.002_325);
}

/// Reads a stream through the type of its last item alone.
#[llm_call(provider = "gcp.gemini", model = "gemini-2.5-flash")]
async fn read_gemini(client: &Client) -> genai::Result<()> {
    let options = ChatOptions::default().with_capture_usage(true);
    let answer = client.exec_chat_stream("gemini-2.5-flash", request(), Some(&options));
    let mut events = answer.await?.stream;
    while let Some(event) = events.next().await {
        obs_runtime::llm::answered(&event?);
    }
    Ok(())
}

/// A server that sends these chunks and ends, as if that were all.
async fn ends_early(chunks: &[Vec<u8>]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port of this machine");
    let address = listener.local_addr().expect("it listens");
    let mut said =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_vec();
    said.extend(chunks.concat());
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await?;
        // The head of the request, and of its body what comes with it.
        let read = client.read(&mut [0; 16_384]).await?;
        assert!(read > 0, "it asks");
        client.write_all(&said).await?;
        client.shutdown().await?;
        // Until the client has gone: to close before all is read is to reset.
        client.read_to_end(&mut Vec::new()).await
    });
    format!("http://{address}")
}

#[test]
fn a_stream_of_gemini_that_ends_early_is_no_whole_one() {
    let tokens = Tokens {
        cache_read: 0,
        ..TOKENS
    };
    let answer = Answer {
        reports: Reports::Every,
        ..Answer::new("gemini-2.5-flash", ["It ", "is ", "so."], tokens)
    };
    let chunks = body(Format::Gemini, true, &answer);
    for (sent, is_whole) in [(chunks.len(), true), (2, false)] {
        let captured = capture(async {
            let url = ends_early(&chunks[..sent]).await;
            read_gemini(&client_at(&url, AdapterKind::Gemini)).await
        });
        captured.value.as_ref().expect("genai makes an end of it");
        let [call] = &captured.llm_calls[..] else {
            panic!("{:?}", captured.llm_calls)
        };
        let output = call.usage().and_then(|usage| usage.output_tokens());
        assert_eq!(output == Some(80), is_whole, "{output:?}");
        assert_eq!(call.cost().at_most.is_some(), is_whole, "{}", call.cost());
    }
}
