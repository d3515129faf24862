//! The provider as its clients see it: through async-openai, and byte by byte.

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, CreateChatCompletionRequest,
    CreateChatCompletionRequestArgs, FinishReason,
};
use async_openai::types::embeddings::{CreateEmbeddingRequest, EmbeddingInput};
use futures_util::StreamExt;

use super::*;

const PROMPT: &str =
    "[1] a.md\nThe mill grinds wheat at night.\n\nQuestion: When does the mill grind wheat?";
const REPLY: &str = "The mill grinds wheat at night [1].";

fn client(provider: &Provider, key: &str) -> Client<OpenAIConfig> {
    let config = OpenAIConfig::new()
        .with_api_base(provider.base_url())
        .with_api_key(key);
    Client::build(http(), config)
}

fn chat(tokens: Option<u32>) -> CreateChatCompletionRequest {
    let mut args = CreateChatCompletionRequestArgs::default();
    args.model("gpt-4o-mini")
        .messages([ChatCompletionRequestUserMessage::from(PROMPT).into()]);
    if let Some(tokens) = tokens {
        args.max_completion_tokens(tokens);
    }
    args.build().unwrap()
}

#[tokio::test]
async fn a_chat_answers_from_its_prompt_and_counts_its_tokens() {
    let provider = Provider::start("sk-test").await.unwrap();
    let response = client(&provider, "sk-test")
        .chat()
        .create(chat(None))
        .await
        .unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some(REPLY));
    assert_eq!(response.choices[0].finish_reason, Some(FinishReason::Stop));
    let usage = response.usage.unwrap();
    let prompt =
        tokens::count(PROMPT) + tokens::count("user") + tokens::PER_MESSAGE + tokens::PER_REPLY;
    assert_eq!(usage.prompt_tokens as usize, prompt);
    assert_eq!(usage.completion_tokens as usize, tokens::count(REPLY));
    assert_eq!(
        usage.total_tokens,
        usage.prompt_tokens + usage.completion_tokens
    );
}

#[tokio::test]
async fn a_stream_carries_the_same_answer_and_the_usage_in_its_last_chunk() {
    let provider = Provider::start("sk-test").await.unwrap();
    let mut request = chat(None);
    request.stream_options = Some(ChatCompletionStreamOptions {
        include_usage: Some(true),
        include_obfuscation: None,
    });
    let stream = client(&provider, "sk-test")
        .chat()
        .create_stream(request)
        .await
        .unwrap();
    let chunks: Vec<_> = stream.map(Result::unwrap).collect().await;
    let text: String = chunks
        .iter()
        .flat_map(|c| &c.choices)
        .filter_map(|choice| choice.delta.content.clone())
        .collect();
    assert_eq!(text, REPLY);
    let (last, before) = chunks.split_last().unwrap();
    assert!(last.choices.is_empty() && before.iter().all(|c| c.usage.is_none()));
    assert_eq!(
        last.usage.as_ref().unwrap().completion_tokens as usize,
        tokens::count(REPLY)
    );
}

#[tokio::test]
async fn an_answer_ends_at_the_token_limit_and_says_so() {
    let provider = Provider::start("sk-test").await.unwrap();
    let response = client(&provider, "sk-test")
        .chat()
        .create(chat(Some(3)))
        .await
        .unwrap();
    assert_eq!(
        response.choices[0].message.content.as_deref(),
        Some("The mill grinds")
    );
    assert_eq!(
        response.choices[0].finish_reason,
        Some(FinishReason::Length)
    );
    assert_eq!(response.usage.unwrap().completion_tokens, 3);
}

#[tokio::test]
async fn texts_are_embedded_in_their_order() {
    let provider = Provider::start("sk-test").await.unwrap();
    let texts = vec!["the mill".to_owned(), "the ferry".to_owned()];
    let request = CreateEmbeddingRequest {
        model: "text-embedding-3-small".to_owned(),
        input: EmbeddingInput::StringArray(texts),
        ..Default::default()
    };
    let response = client(&provider, "sk-test")
        .embeddings()
        .create(request)
        .await
        .unwrap();
    assert_eq!(response.data.len(), 2);
    assert_eq!(
        response.data[1].embedding,
        embedding::embed("the ferry", embedding::DIMENSIONS)
    );
    assert_eq!(
        response.usage.prompt_tokens as usize,
        tokens::count("the mill") + tokens::count("the ferry")
    );
}

#[tokio::test]
async fn a_wrong_key_is_refused_as_openai_refuses_it() {
    let provider = Provider::start("sk-test").await.unwrap();
    for key in ["sk-wrong", ""] {
        let error = client(&provider, key)
            .chat()
            .create(chat(None))
            .await
            .unwrap_err();
        let OpenAIError::ApiError(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.status_code.as_u16(), 401);
        assert_eq!(error.api_error.code.as_deref(), Some("invalid_api_key"));
        assert_eq!(
            error.api_error.r#type.as_deref(),
            Some("invalid_request_error")
        );
    }
}

#[tokio::test]
async fn what_it_does_not_understand_gets_a_status_and_an_error_object() {
    let provider = Provider::start("sk-test").await.unwrap();
    let http = http();
    for (method, path, body, status) in [
        ("POST", "/nothing", "{}", 404),
        ("GET", "/embeddings", "", 405),
        ("POST", "/embeddings", "{", 400),
        ("POST", "/embeddings", r#"{"model":"m","input":""}"#, 400),
        (
            "POST",
            "/embeddings",
            r#"{"model":"m","input":"a","dimensions":0}"#,
            400,
        ),
        ("POST", "/chat/completions", r#"{"model":"m"}"#, 400),
    ] {
        let url = format!("{}{path}", provider.base_url());
        let request = http
            .request(method.parse().unwrap(), url)
            .bearer_auth("sk-test")
            .body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {path} {body}");
        let error: serde_json::Value =
            serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(error["error"]["message"].is_string(), "{error}");
    }
}

fn http() -> reqwest::Client {
    // A second choice is refused, and is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
