//! The client of the OpenAI-compatible endpoint, and where that endpoint is.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::middleware::ReqwestService;
use async_openai::middleware::retry::OpenAIRetryLayer;
use async_openai::types::chat::{
    ChatCompletionRequestSystemMessage, ChatCompletionRequestUserMessage,
    CreateChatCompletionRequest, CreateChatCompletionResponse, FinishReason,
};
use async_openai::types::embeddings::{
    CreateEmbeddingRequest, CreateEmbeddingResponse, EmbeddingInput,
};

use obs_runtime::interop::reqwest::attempts;
use obs_runtime::llm::{LlmResponse, Usage};
use obs_runtime::llm_call;
use tower::Layer as _;

use crate::error::RagError;
use crate::prompt;
use obs_examples::provider::Provider;

/// Used unless `OPENAI_MODEL` names another.
const CHAT_MODEL: &str = "gpt-4o-mini";
/// Used unless `OPENAI_EMBEDDING_MODEL` names another.
const EMBEDDING_MODEL: &str = "text-embedding-3-small";
const OPENAI: &str = "https://api.openai.com/v1";

/// A client that knows its endpoint and its models.
#[derive(Clone, Debug)]
pub struct Llm {
    client: Client<OpenAIConfig>,
    /// The address of the endpoint.
    pub base_url: String,
    /// The model that answers.
    pub chat_model: String,
    /// The model that embeds.
    pub embedding_model: String,
    builtin: Option<Arc<Provider>>,
}

impl Llm {
    /// Takes the endpoint from `OPENAI_BASE_URL` and `OPENAI_API_KEY`; with neither set, starts
    /// the built-in provider, which refuses the first `busy` requests.
    ///
    /// # Errors
    /// A sentence, when the address is none, no port can be opened, or nobody can be told to be
    /// busy.
    pub async fn from_env(busy: u32) -> Result<Self, String> {
        let (url, key) = (variable("OPENAI_BASE_URL"), variable("OPENAI_API_KEY"));
        if url.is_none() && key.is_none() {
            let provider = Provider::start("sk-builtin-provider")
                .await
                .map_err(|error| {
                    format!("the built-in provider could not open a loopback port ({error})")
                })?;
            provider.refuse(busy);
            let (url, key) = (provider.base_url(), provider.key().to_owned());
            // A proxy from the environment has no business with a port of this process.
            let http = reqwest::Client::builder().no_proxy();
            let builtin = Some(Arc::new(provider));
            return Ok(Self {
                builtin,
                ..Self::connect(http, &url, &key)?
            });
        }
        if busy > 0 {
            let remedy = "leave it out, or OPENAI_BASE_URL and OPENAI_API_KEY unset";
            return Err(format!(
                "--busy {busy} is for the built-in provider: {remedy}"
            ));
        }
        let url = url.unwrap_or_else(|| OPENAI.to_owned());
        let is_http = url.starts_with("http://") || url.starts_with("https://");
        if !is_http || reqwest::Url::parse(&url).is_err() {
            return Err(format!(
                "OPENAI_BASE_URL is '{url}', expected an address such as {OPENAI}"
            ));
        }
        let key = key.unwrap_or_default();
        if key.contains(|c: char| c.is_control() || !c.is_ascii()) {
            let remedy = "set it to the key alone";
            return Err(format!(
                "OPENAI_API_KEY holds characters that no key has; {remedy}"
            ));
        }
        Self::connect(reqwest::Client::builder(), &url, &key)
    }

    fn connect(http: reqwest::ClientBuilder, url: &str, key: &str) -> Result<Self, String> {
        // Chooses the cryptography of HTTPS. A second choice is refused, and is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = http
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(120))
            .build()
            .map_err(|error| format!("the HTTP client could not be set up ({error})"))?;
        let base_url = url.trim_end_matches('/').to_owned();
        let config = OpenAIConfig::new()
            .with_api_base(&base_url)
            .with_api_key(key);
        // Below the layer that repeats requests, so that obs sees each attempt.
        let service = attempts().layer(ReqwestService::new(http.clone()));
        let service = OpenAIRetryLayer::default().layer(service);
        let model = |name, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
        Ok(Self {
            client: Client::build(http, config).with_http_service(service),
            base_url,
            chat_model: model("OPENAI_MODEL", CHAT_MODEL),
            embedding_model: model("OPENAI_EMBEDDING_MODEL", EMBEDDING_MODEL),
            builtin: None,
        })
    }

    /// Whether the endpoint is the one inside this program.
    pub fn is_builtin(&self) -> bool {
        self.builtin.is_some()
    }

    /// Embeds texts: a vector for each, in their order.
    ///
    /// # Errors
    /// When the endpoint cannot be reached, refuses, or returns another number of vectors.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, RagError> {
        let expected = texts.len();
        let mut data = self.embeddings(texts).await?.data;
        if data.len() != expected {
            let (url, got) = (&self.base_url, data.len());
            return Err(RagError(format!(
                "the endpoint {url} returned {got} vectors for {expected} texts"
            )));
        }
        data.sort_by_key(|embedding| embedding.index);
        Ok(data
            .into_iter()
            .map(|embedding| embedding.embedding)
            .collect())
    }

    /// Asks the chat model.
    ///
    /// # Errors
    /// When the endpoint cannot be reached, refuses, or answers without a text.
    pub async fn ask(&self, instruction: &str, prompt: &str) -> Result<String, RagError> {
        let response = self.chat(instruction, prompt).await?;
        let text = response
            .choices
            .into_iter()
            .find_map(|choice| choice.message.content);
        text.ok_or_else(|| {
            RagError(format!(
                "the endpoint {} answered without a text",
                self.base_url
            ))
        })
    }

    /// One call of `POST /embeddings`. The attribute makes it a span with its model, tokens and
    /// cost; `usage` says where they stand in the response.
    #[llm_call(
        provider = "openai",
        operation = "embeddings",
        model = self.embedding_model,
        server = self.base_url,
        usage = |response| LlmResponse::new()
            .usage(Usage::input(response.usage.prompt_tokens))
            .model(&response.model)
    )]
    async fn embeddings(&self, texts: Vec<String>) -> Result<CreateEmbeddingResponse, RagError> {
        let request = CreateEmbeddingRequest {
            model: self.embedding_model.clone(),
            input: EmbeddingInput::StringArray(texts),
            ..Default::default()
        };
        let response = self.client.embeddings().create(request).await;
        response.map_err(|e| self.explain(&e))
    }

    /// One call of `POST /chat/completions`.
    #[llm_call(
        provider = "openai",
        model = self.chat_model,
        server = self.base_url,
        prompt = prompt::NAME,
        usage = chat_usage
    )]
    async fn chat(
        &self,
        instruction: &str,
        question: &str,
    ) -> Result<CreateChatCompletionResponse, RagError> {
        let request = CreateChatCompletionRequest {
            model: self.chat_model.clone(),
            messages: vec![
                ChatCompletionRequestSystemMessage::from(instruction).into(),
                ChatCompletionRequestUserMessage::from(question).into(),
            ],
            ..Default::default()
        };
        let response = self.client.chat().create(request).await;
        response.map_err(|e| self.explain(&e))
    }

    fn explain(&self, error: &async_openai::error::OpenAIError) -> RagError {
        RagError::of_call(&self.base_url, error)
    }
}

/// What a chat response says of itself.
fn chat_usage(response: &CreateChatCompletionResponse) -> LlmResponse {
    let usage = response.usage.as_ref();
    let tokens = usage.map(|u| {
        let details = u.prompt_tokens_details.as_ref();
        let cached = details.and_then(|details| details.cached_tokens);
        Usage::new(u.prompt_tokens, u.completion_tokens).cache_read(cached)
    });
    let mut described = LlmResponse::new()
        .usage(tokens)
        .model(&response.model)
        .id(&response.id);
    for reason in response.choices.iter().filter_map(|c| c.finish_reason) {
        described = described.finish_reason(match reason {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
            FinishReason::ToolCalls | FinishReason::FunctionCall => "tool_call",
            FinishReason::ContentFilter => "content_filter",
        });
    }
    described
}

/// An environment variable; an empty one counts as not set.
fn variable(name: &str) -> Option<String> {
    env::var(name)
        .ok()
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}
