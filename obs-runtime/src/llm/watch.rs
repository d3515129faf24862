//! The running call as a layer of an HTTP client sees it: each request is an attempt, and its answer says what it used.

use ::http::HeaderMap;

use crate::llm::running::{RunningAttempt, RunningCall};
use crate::llm::usage::LlmResponse;
use crate::llm::wire::Body;
use crate::requests::watch::{self, Watch};
use crate::retry_after::retry_after;

/// An attempt, from its request to the last byte of its answer.
#[derive(Debug)]
struct Watched {
    attempt: RunningAttempt,
    /// The answer's body, if the provider answered.
    body: Option<Body>,
}

/// Layers of clients report to model calls from now on.
pub(crate) fn listen() {
    watch::set(begin);
}

fn begin(layer: &'static str) -> Option<Box<dyn Watch>> {
    let attempt = RunningCall::current()?.attempt(layer);
    Some(Box::new(Watched {
        attempt,
        body: None,
    }))
}

impl Watch for Watched {
    fn head(&mut self, status: u16, headers: &HeaderMap) {
        let text = |name| headers.get(name)?.to_str().ok();
        let pause = text("retry-after").and_then(|pause| retry_after(pause, text("date")));
        self.attempt.status(status, pause);
        if !(200..300).contains(&status) {
            return;
        }
        self.body = text("content-type").map(Body::of);
        // Gemini says it here alone.
        if let Some(tier) = text("x-gemini-service-tier") {
            self.attempt.answered(LlmResponse::new().tier(match tier {
                "standard" => "default",
                other => other,
            }));
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let attempt = &self.attempt;
        if let Some(body) = &mut self.body {
            body.take(bytes, &mut |answer| attempt.answered(answer));
        }
    }

    fn end(&mut self) {
        let attempt = &self.attempt;
        if let Some(body) = self.body.take() {
            body.end(&mut |answer| attempt.answered(answer));
        }
    }

    fn unsent(&mut self) {
        self.attempt.refused();
    }
}
