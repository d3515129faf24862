//! Shows steps put together: a question is checked, answered by one of two models, from a cache if it was asked
//! before, in time and with a repetition, as one trace for each request.
//!
//! ```sh
//! cargo run -p obs-examples --example steps
//! ```
//!
//! A program of your own needs `obs-runtime` with the features `steps` and `cache`, and the crate `tokio`.

#![allow(clippy::print_stdout, reason = "the answers are the point")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use obs_runtime::Observability;
use obs_runtime::cache::Cache;
use obs_runtime::steps::{RetryPolicy, Router, WorkflowContext, step};

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn check(question: String) -> Result<String, Failure> {
    let question = question.trim().to_lowercase();
    if question.is_empty() {
        Err("there is no question".into())
    } else {
        Ok(question)
    }
}

async fn small(question: String) -> Result<String, Failure> {
    Ok(format!("quick answer to {question}"))
}

/// Is overloaded the first time.
async fn large(question: String) -> Result<String, Failure> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    match CALLS.fetch_add(1, Ordering::Relaxed) {
        0 => Err("503 overloaded".into()),
        _ => Ok(format!("thorough answer to {question}")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let obs = Observability::builder()
        .service_name("answers")
        .console(true)
        .install()?;
    let cache = Arc::new(Cache::new("answers", Duration::from_secs(3600))?);
    let large = step("large", large).retry(RetryPolicy::new(2).delay(Duration::from_millis(5)));
    let model = Router::new(
        "model",
        |q: &String| if q.len() < 12 { "fast" } else { "quality" },
    )
    .route("fast", step("small", small))
    .route("quality", large)
    .build()?
    .timeout(Duration::from_secs(5))?
    .cached(Arc::clone(&cache), String::clone);
    let answer = step("check", check) >> model;

    for question in ["Why?", "Why is the sky blue?", "why? ", ""] {
        let context = WorkflowContext::new("answer").with_tag("question", question);
        match context.run(&answer, question.to_owned()).await {
            Ok(answer) => println!("{answer}"),
            Err(error) => println!("no answer: {error}"),
        }
    }
    println!("{} of 3 from the cache", cache.stats().hits);
    obs.shutdown()?;
    Ok(())
}
