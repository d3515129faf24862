//! rig: its spans are attempts of the call around them.

use futures_util::StreamExt as _;
use obs_runtime::{SpanKind, llm_call};
use obs_tests_provider::{Answer, Asked, At, Close, Fault, Provider, Refusal, Script};
use rig_core::completion::{CompletionRequest, CompletionResponse};
use rig_core::error::ProviderError;
use rig_core::providers::openai::{OpenAI, OpenAIConfig};
use rig_reqwest::ReqwestClient;

use super::{MODEL, TOKENS, assert_one_inference, capture, loopback, of_inference};

fn client(provider: &Provider) -> OpenAI {
    OpenAIConfig::new("sk-test")
        .with_base_url(format!("{}/v1", provider.url()))
        .connect(ReqwestClient::from(loopback()))
}

fn answer() -> Answer {
    Answer::new(MODEL, ["It ", "is ", "so."], TOKENS)
}

#[llm_call(provider = "openai", model = MODEL, usage = |out| out)]
async fn ask(client: &OpenAI) -> Result<CompletionResponse, ProviderError> {
    client
        .chat(MODEL)
        .call(CompletionRequest::new("why?"))
        .await
}

/// Nothing in it speaks of usage: the span of rig does.
#[llm_call(provider = "openai", model = MODEL)]
async fn ask_in_silence(client: &OpenAI) -> Result<usize, ProviderError> {
    let request = CompletionRequest::new("why?")
        .preamble("Be short.")
        .record_content_telemetry(true);
    Ok(client.chat(MODEL).call(request).await?.choice.len())
}

#[llm_call(provider = "openai", model = MODEL)]
async fn read(client: &OpenAI) -> Result<usize, ProviderError> {
    let mut items = client.chat(MODEL).stream(CompletionRequest::new("why?"))?;
    let mut count = 0;
    while let Some(item) = items.next().await {
        item?;
        count += 1;
    }
    items.finish().await.map(|_| count)
}

/// The model that rig asks is another than the one of the call.
#[llm_call(provider = "openai", model = "gpt-4o-mini", usage = |_| (1, 1))]
async fn ask_another(client: &OpenAI) -> Result<usize, ProviderError> {
    let response = client
        .chat("gpt-4o")
        .call(CompletionRequest::new("why?"))
        .await?;
    Ok(response.choice.len())
}

async fn provider(script: impl Fn(&Asked) -> Script + Send + Sync + 'static) -> Provider {
    Provider::start(script)
        .await
        .expect("a port of this machine")
}

#[test]
fn a_whole_answer_is_one_inference() {
    let captured = capture(async {
        let provider = provider(|_| Script::answer(answer())).await;
        ask(&client(&provider)).await
    });
    captured.value.as_ref().expect("an answer");
    assert_one_inference(&captured);
    let attempt = captured.assert_span("attempt rig");
    attempt
        .kind(SpanKind::Internal)
        .parent("chat gpt-4o-mini")
        .ok();
}

#[test]
fn its_span_reports_what_nothing_else_does_and_the_call_has_its_details() {
    let captured = capture(async {
        let provider = provider(|_| Script::answer(answer())).await;
        ask_in_silence(&client(&provider)).await
    });
    assert_eq!(captured.value.as_ref().ok(), Some(&1));
    assert_one_inference(&captured);
    captured
        .assert_span("chat gpt-4o-mini")
        .attribute("gen_ai.response.id", "answer-1")
        .attribute("gen_ai.response.model", MODEL)
        .with("gen_ai.system_instructions");
}

#[test]
fn a_stream_is_one_inference() {
    let captured = capture(async {
        let provider = provider(|_| Script::answer(answer())).await;
        read(&client(&provider)).await
    });
    captured.value.as_ref().expect("a whole stream");
    assert_one_inference(&captured);
    captured
        .assert_span("attempt rig")
        .parent("chat gpt-4o-mini");
}

#[test]
fn a_stream_that_breaks_is_one_inference_of_unknown_cost() {
    let captured = capture(async {
        let cut = Fault::Cut(At::Chunk(3), Close::Reset);
        let provider = provider(move |_| Script::answer(answer()).fault(cut)).await;
        read(&client(&provider)).await
    });
    captured.value.as_ref().expect_err("it broke");
    let inferences = captured
        .spans
        .iter()
        .filter(|span| !of_inference(span).is_empty());
    assert_eq!(inferences.count(), 1, "{}", captured.tree());
    captured
        .assert_metric("obs.llm.unpriced")
        .labels([("reason", "no_usage")])
        .value(1);
}

#[test]
fn a_refusal_is_an_attempt_that_failed() {
    let captured = capture(async {
        let provider = provider(|_| Script::refuse(Refusal::new(429, "slow", "Slow down."))).await;
        ask(&client(&provider)).await
    });
    captured.value.as_ref().expect_err("refused");
    captured.assert_span("chat gpt-4o-mini").failed();
    assert_eq!(of_inference(captured.span("attempt rig")), [""; 0]);
}

#[test]
fn another_model_is_another_inference() {
    let captured = capture(async {
        let provider = provider(|_| Script::answer(answer())).await;
        ask_another(&client(&provider)).await
    });
    captured.value.as_ref().expect("an answer");
    captured
        .assert_span("chat")
        .attribute("gen_ai.request.model", "gpt-4o")
        .attribute("gen_ai.usage.input_tokens", 1_200)
        .parent("chat gpt-4o-mini");
    captured
        .assert_span("chat gpt-4o-mini")
        .attribute("gen_ai.usage.input_tokens", 1);
}
