//! What the provider answers: vectors for texts, and sentences of a prompt for a conversation, in whichever format a client
//! asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use obs_tests_provider::{
    Answer, Asked, Finish, Format, Head, Message, Model, Refusal, Reply, Script, Tokens,
};

use super::{answer, embedding, tokens};

/// The API for clients that send this key.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) key: String,
    /// How many requests are refused from now on.
    pub(super) busy: Arc<AtomicU32>,
}

impl Model for Api {
    fn admit(&self, head: &Head) -> Result<(), Box<Refusal>> {
        // Anthropic and Gemini have headers of their own for the key.
        let own = ["x-api-key", "x-goog-api-key"];
        let given = head
            .bearer()
            .or_else(|| own.iter().find_map(|name| head.header(name)));
        let message = match given {
            Some(given) if given == self.key => return Ok(()),
            Some("") | None => "You didn't provide an API key.",
            Some(_) => "Incorrect API key provided.",
        };
        Err(Box::new(Refusal::new(401, "invalid_api_key", message)))
    }

    fn script(&self, asked: &Asked) -> Script {
        let one_less = |busy: u32| busy.checked_sub(1);
        let busy = self
            .busy
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        if busy.is_ok() {
            let refusal = Refusal::new(429, "rate_limit_exceeded", "Rate limit reached.");
            return Script::refuse(refusal.retry_after("0"));
        }
        match asked.format {
            Format::Embeddings => embed(asked),
            _ => Script::answer(chat(asked)),
        }
    }
}

fn embed(asked: &Asked) -> Script {
    let most = embedding::DIMENSIONS;
    let dimensions = asked.dimensions.map_or(most, |asked| asked as usize);
    let texts = || asked.messages.iter().map(|message| &*message.content);
    let is_valid = (1..=most).contains(&dimensions);
    if !is_valid || asked.messages.is_empty() || texts().any(str::is_empty) {
        let message = format!("Expected a text that is not empty and 1 to {most} dimensions.");
        return Script::refuse(Refusal::new(400, "invalid_input", message));
    }
    Script::from(Reply::Vectors {
        model: asked.model.clone(),
        vectors: texts()
            .map(|text| embedding::embed(text, dimensions))
            .collect(),
        tokens: Tokens {
            input: texts().map(tokens::count).sum::<usize>() as u64,
            ..Tokens::default()
        },
    })
}

/// The exact model behind a name, as providers answer it.
fn served(model: &str) -> &str {
    match model {
        "gpt-4o-mini" => "gpt-4o-mini-2024-07-18",
        "gpt-4o" => "gpt-4o-2024-08-06",
        other => other,
    }
}

fn chat(asked: &Asked) -> Answer {
    let framed =
        |m: &Message| tokens::PER_MESSAGE + tokens::count(&m.role) + tokens::count(&m.content);
    let input = tokens::PER_REPLY + asked.messages.iter().map(framed).sum::<usize>();
    // Without a role a message is the user's.
    let users = asked
        .messages
        .iter()
        .filter(|m| matches!(&*m.role, "user" | ""));
    let prompt: Vec<&str> = users.map(|m| &*m.content).collect();
    let reply = answer::answer(&prompt.join("\n\n"));
    let limit = asked.max_output.map_or(usize::MAX, |most| most as usize);
    let pieces: Vec<&str> = tokens::pieces(&reply).take(limit).collect();
    let used = Tokens {
        input: input as u64,
        output: pieces.len() as u64,
        ..Tokens::default()
    };
    let mut answer = Answer::new(served(&asked.model), pieces, used);
    answer.id = format!("chatcmpl-{input:x}{:x}", used.output);
    if tokens::count(&reply) > limit {
        answer.finish = Finish::Length;
    }
    answer
}
