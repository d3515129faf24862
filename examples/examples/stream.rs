//! Shows a streamed answer: when the first output came, who waited for whom, and a provider that falls silent.
//!
//! ```sh
//! cargo run -p obs-examples --example stream
//! ```
//!
//! The client and the HTTP are real. The provider stands on this machine; its second answer breaks off after three
//! chunks, and its connection stays open. A program of your own needs `obs-runtime` with the feature `llm`.

#![allow(clippy::print_stdout, reason = "answers and times are the point")]

use futures_util::{Stream, StreamExt as _};
use obs_runtime::llm::{self, Request, Stalled, openai};
use obs_runtime::{Observability, llm_call};
use obs_tests_provider::{Answer, Asked, At, Fault, Provider, Script, Tokens};
use serde_json::{Value, json};

type Error = Box<dyn std::error::Error + Send + Sync>;

// `openai::chat` reads the usage from the chunks, and knows which of them hold output. The error of the items can be
// made from `Stalled`, so a stream from which nothing comes for half a second ends with it.
#[llm_call(provider = "openai", model = "gpt-4o-mini", stream, usage = openai::chat, stall = "500ms")]
async fn ask(url: &str, question: &str) -> Result<impl Stream<Item = Result<Value, Error>>, Error> {
    let body = json!({
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": question}],
        "stream": true,
        // Without this the usage is not sent; obs changes no request.
        "stream_options": {"include_usage": true},
        "max_tokens": 100,
    })
    .to_string();
    // What a call costs at most that breaks off: text has no more tokens than bytes.
    let asked = Request::new().max_tokens(100);
    llm::asked(asked.max_input_tokens(body.len() as u64));
    let client = obs_examples::loopback_client();
    let url = format!("{url}/v1/chat/completions");
    let response = client.post(url).body(body).send().await?;
    // The provider sends each event in a piece of its own.
    let events = response.bytes_stream().map(|piece| {
        let text = String::from_utf8(piece?.to_vec())?;
        let data = text.trim().trim_start_matches("data: ");
        Ok::<Value, Error>(serde_json::from_str(data).unwrap_or_default())
    });
    Ok(events)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let obs = Observability::builder().console(true).install()?;
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let provider = Provider::start(move |_: &Asked| {
        let tokens = Tokens {
            input: 1_200,
            output: 4,
            ..Tokens::default()
        };
        let script = Script::answer(Answer::new("gpt-4o-mini", ["It ", "is ", "so."], tokens));
        match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => script,
            _ => script.fault(Fault::Stall(At::Chunk(3))),
        }
    });
    let provider = provider.await?;
    let url = provider.url();
    for question in ["Is it so?", "And why?"] {
        let mut chunks = Box::pin(ask(&url, question).await?);
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(chunk) => print!(
                    "{}",
                    chunk["choices"][0]["delta"]["content"]
                        .as_str()
                        .unwrap_or("")
                ),
                Err(error) => match error.downcast_ref::<Stalled>() {
                    Some(stalled) => {
                        println!(
                            "… silent after {} chunks: {}",
                            stalled.chunks(),
                            stalled.cost()
                        );
                    }
                    None => return Err(error),
                },
            }
        }
        println!();
    }
    obs.force_flush()?;
    println!("{}", obs.llm_totals());
    Ok(())
}
