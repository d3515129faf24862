//! A provider on a loopback port, so that the examples run without an account and cost nothing.
//!
//! Everything about it is real except the intelligence: HTTP, keys, JSON, server-sent events,
//! token counts. Its "embedding" is a hashed bag of words, its "model" picks sentences. The bytes
//! are those of the provider that the tests use, `tests/provider`: OpenAI's API, and that of
//! Anthropic, Gemini and Bedrock.

mod answer;
mod api;
mod embedding;
mod tokens;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub use answer::answer;
pub use embedding::{DIMENSIONS, embed};

/// A running provider; it takes no new connections once it is dropped.
#[derive(Debug)]
pub struct Provider {
    server: obs_tests_provider::Provider,
    key: String,
    busy: Arc<AtomicU32>,
}

impl Provider {
    /// Starts a provider on a free loopback port. It accepts `key` and no other.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(key: &str) -> io::Result<Self> {
        let key = key.to_owned();
        let busy = Arc::<AtomicU32>::default();
        let api = api::Api {
            key: key.clone(),
            busy: Arc::clone(&busy),
        };
        let server = obs_tests_provider::Provider::start(api).await?;
        Ok(Self { server, key, busy })
    }

    /// Refuses so many requests with 429, as a provider does whose limit is reached; it asks to try again at once.
    pub fn refuse(&self, requests: u32) {
        self.busy.store(requests, Ordering::Relaxed);
    }

    /// What a client of OpenAI's API takes as its base URL.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.server.url())
    }

    /// The key that it accepts.
    pub fn key(&self) -> &str {
        &self.key
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
