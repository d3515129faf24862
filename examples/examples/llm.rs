//! Shows calls to language models: tokens, their price in dollars, and a call that is refused.
//!
//! ```sh
//! cargo run -p obs-examples --example llm
//! ```
//!
//! The client and the HTTP are real. The endpoint stands on this machine: it picks sentences out of
//! the prompt and counts tokens as a model does, and the prices are those of the models by that
//! name. A program of your own needs `obs-runtime` with the feature `llm`.

#![allow(clippy::print_stdout, reason = "answers and costs are the point")]

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CompletionUsage, CreateChatCompletionRequest,
    CreateChatCompletionResponse,
};
use obs_examples::provider::Provider;
use obs_runtime::llm::Usage;
use obs_runtime::{Observability, llm_call, traced};

type Client = async_openai::Client<OpenAIConfig>;
type Asked = Result<CreateChatCompletionResponse, OpenAIError>;

// `usage` says where the tokens stand in the response; obs knows the price by the model's name.
// Neither the prompt nor the answer is recorded.
#[llm_call(provider = "openai", model = model, usage = |response| response.usage.as_ref().map(tokens))]
async fn ask(client: &Client, model: &str, prompt: &str) -> Asked {
    let request = CreateChatCompletionRequest {
        model: model.to_owned(),
        messages: vec![ChatCompletionRequestUserMessage::from(prompt).into()],
        ..Default::default()
    };
    client.chat().create(request).await
}

// Cached tokens are cheaper: where nobody says how many there were, the price is a range.
fn tokens(usage: &CompletionUsage) -> Usage {
    let details = usage.prompt_tokens_details.as_ref();
    let cached = details.and_then(|details| details.cached_tokens);
    Usage::new(usage.prompt_tokens, usage.completion_tokens).cache_read(cached)
}

#[traced]
async fn compare(client: &Client, question: &str) -> Result<(), OpenAIError> {
    let note = "The lighthouse of Skarvholm was lit in 1874. Its first keeper was Runa Eide.";
    for model in ["gpt-4o-mini", "gpt-4o"] {
        let response = ask(client, model, &format!("{note}\n\nQuestion: {question}")).await?;
        let answer = response.choices[0].message.content.as_deref();
        println!("{model}: {}", answer.unwrap_or("(nothing)"));
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let obs = Observability::builder().console(true).install()?;
    let provider = Provider::start("sk-right").await?;
    for key in ["sk-right", "sk-wrong"] {
        let config = OpenAIConfig::new()
            .with_api_base(provider.base_url())
            .with_api_key(key);
        let client = Client::build(obs_examples::loopback_client(), config);
        // The second call is refused: the tree shows why, and that it cost nothing.
        let _ = compare(&client, "Who was the first keeper?").await;
        obs.force_flush()?;
    }
    let totals = obs.llm_totals();
    for model in &totals.by_model {
        println!("{:<11}  {}", model.model, model.cost);
    }
    println!("{totals}");
    Ok(())
}
