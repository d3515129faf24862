//! The running call as a layer of an HTTP client sees it: each request to a model is an attempt, and its answer says
//! what it used.
//!
//! A client of a call may ask others than the model: a tool, a list of models, a server of tokens. A request counts from
//! its begin if it is a `POST` to the path of a known interface for inference, or to the server that the call names
//! ([`Request::server`](crate::llm::Request::server)). Another `POST` counts once its answer is one of a model, which is
//! read from the bytes. A layer that does not see where a request goes learns it from the response.

use ::http::HeaderMap;

use crate::llm::running::{RunningAttempt, RunningCall};
use crate::llm::usage::LlmResponse;
use crate::llm::wire::Body;
use crate::requests::watch::{self, Target, Watch};
use crate::retry_after;
use crate::trace::open_call::Place;

/// The ends of the paths of interfaces for inference: of OpenAI and those who speak its formats, Anthropic, Gemini and
/// Vertex AI, Bedrock, Cohere, Ollama.
const PATHS: [&str; 24] = [
    "/chat/completions",
    "/completions",
    "/responses",
    "/embeddings",
    "/images/generations",
    "/images/edits",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/messages",
    ":generateContent",
    ":streamGenerateContent",
    ":embedContent",
    ":batchEmbedContents",
    ":predict",
    ":rawPredict",
    ":streamRawPredict",
    "/converse",
    "/converse-stream",
    "/invoke",
    "/invoke-with-response-stream",
    "/api/chat",
    "/api/generate",
    "/api/embed",
];

/// Whether a path is one of an interface for inference.
fn infers(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    PATHS.iter().any(|end| path.ends_with(end))
}

/// A request, from its begin to the last byte of its answer.
#[derive(Debug)]
struct Watched {
    call: RunningCall,
    layer: &'static str,
    /// `None` as long as nothing says that the request is to a model.
    attempt: Option<RunningAttempt>,
    /// Where the request goes is not known before the response.
    is_guess: bool,
    /// Who is asked, as soon as that is known.
    server: Option<(String, Option<u16>)>,
    /// The answer's body, if the provider answered.
    body: Option<Body>,
    /// What the head said, for an attempt that is begun by the body.
    head: Option<(u16, Option<core::time::Duration>)>,
}

/// Layers of clients report to model calls from now on.
pub(crate) fn listen() {
    watch::set(begin);
}

fn begin(layer: &'static str, target: Option<Target<'_>>) -> Option<Box<dyn Watch>> {
    let call = RunningCall::current()?;
    let counts = match target {
        None => true,
        Some(target) if target.method != "POST" => return None,
        Some(target) => infers(target.path) || call.asks(target.host),
    };
    let watched = Watched {
        attempt: counts.then(|| call.attempt(layer)),
        call,
        layer,
        is_guess: target.is_none(),
        server: target.and_then(server),
        body: None,
        head: None,
    };
    watched.tell_server();
    Some(Box::new(watched))
}

/// Who is asked.
fn server(target: Target<'_>) -> Option<(String, Option<u16>)> {
    let host = target.host.to_ascii_lowercase();
    (!host.is_empty()).then_some((host, target.port))
}

impl Watched {
    /// Reports who is asked, if both are known.
    fn tell_server(&self) {
        if let (Some(attempt), Some((host, port))) = (&self.attempt, &self.server) {
            attempt.server(host.clone(), *port);
        }
    }

    /// Reports what an answer says; that a model answered makes an attempt of any request.
    fn say(&mut self, answer: LlmResponse) {
        let Some(attempt) = &self.attempt else {
            if answer.usage.is_some() {
                let attempt = self.call.attempt(self.layer);
                if let Some((status, pause)) = self.head {
                    attempt.status(status, pause);
                }
                attempt.answered(answer);
                self.attempt = Some(attempt);
                self.tell_server();
            }
            return;
        };
        attempt.answered(answer);
    }
}

impl Watch for Watched {
    fn place(&self) -> Option<Place> {
        self.attempt.as_ref().and_then(RunningAttempt::place)
    }

    fn head(&mut self, status: u16, headers: &HeaderMap, from: Target<'_>) {
        let text = |name| headers.get(name)?.to_str().ok();
        let pause = retry_after::of_headers(text);
        if self.is_guess && !infers(from.path) {
            // Its answer may still be one of a model.
            if let Some(attempt) = self.attempt.take() {
                attempt.withdraw();
            }
        }
        if self.is_guess {
            self.server = server(from);
            self.tell_server();
        }
        self.head = Some((status, pause));
        if let Some(attempt) = &self.attempt {
            attempt.status(status, pause);
        }
        if !(200..300).contains(&status) {
            return;
        }
        self.body = text("content-type").map(Body::of);
        // Gemini says it here alone.
        if let (Some(attempt), Some(tier)) = (&self.attempt, text("x-gemini-service-tier")) {
            attempt.answered(LlmResponse::new().tier(match tier {
                "standard" => "default",
                other => other,
            }));
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(mut body) = self.body.take() {
            body.take(bytes, &mut |answer| self.say(answer));
            self.body = Some(body);
        }
    }

    fn end(&mut self) {
        if let Some(body) = self.body.take() {
            body.end(&mut |answer| self.say(answer));
        }
    }

    fn unsent(&mut self) {
        if let Some(attempt) = &self.attempt {
            attempt.refused();
        }
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
