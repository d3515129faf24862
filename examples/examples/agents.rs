//! Shows agents: one that lets others work, what each used itself and in all, and a limit that stops one.
//!
//! ```sh
//! cargo run -p obs-examples --example agents
//! ```
//!
//! The model is a function that counts words, at the price of the model by that name: nothing is asked
//! over the network. A program of your own needs `obs-runtime` with the feature `llm`.

#![allow(clippy::print_stdout, reason = "what the agents used is the point")]

use obs_runtime::llm::{self, AgentStopped, Usage};
use obs_runtime::{Observability, agent, llm_call, tool_call};

/// What the model answers. Its error can say that the agent is stopped.
#[llm_call(provider = "openai", model = "gpt-4o-mini", usage = |answer| {
    Usage::new(120, answer.split_whitespace().count()).nothing_else()
})]
async fn ask(prompt: &str) -> Result<String, AgentStopped> {
    tokio::task::yield_now().await;
    Ok(format!("what is known of {prompt}"))
}

#[tool_call(description = "Searches the notes.", effect = "read")]
async fn search(words: &str) -> Result<Vec<String>, AgentStopped> {
    Ok(vec![format!("a note on {words}")])
}

/// Looks for one thing, and has the model write it up.
#[agent]
async fn worker(topic: &str) -> Result<String, AgentStopped> {
    let notes = search(topic).await?;
    ask(&notes.join(", ")).await
}

/// Never finds enough: without a limit it would spend for ever.
#[agent(max_steps = 20, max_same_tool_call = 2)]
async fn obsessed() -> Result<String, AgentStopped> {
    loop {
        ask("the light").await?;
        search("the light").await?;
    }
}

#[agent(description = "Lets workers look, and puts together what they found.")]
async fn supervisor() -> Result<String, AgentStopped> {
    let (light, keeper) = tokio::join!(worker("the light"), worker("the keeper"));
    let report = ask(&format!("{} and {}", light?, keeper?)).await?;
    if let Err(stopped) = obsessed().await {
        println!("{stopped}; it used {}", stopped.frame().own());
    }
    let used = llm::frame().expect("an agent has a frame");
    println!("the supervisor itself: {}", used.own());
    println!("with those inside:     {}", used.total());
    Ok(report)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let obs = Observability::builder().console(true).install()?;
    println!("{}", supervisor().await?);
    println!("the program: {}", obs.llm_totals());
    Ok(())
}
