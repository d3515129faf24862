//! An OpenAI-compatible endpoint on a loopback port, so that the examples run without an account
//! and cost nothing.
//!
//! Everything about it is real except the intelligence: HTTP, keys, JSON, server-sent events,
//! token counts. Its "embedding" is a hashed bag of words, its "model" picks sentences.

mod answer;
mod api;
mod embedding;
mod tokens;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use answer::answer;
pub use embedding::{DIMENSIONS, embed};

/// A running provider; it takes no new connections once it is dropped.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    key: String,
    server: JoinHandle<io::Result<()>>,
}

impl Provider {
    /// Starts a provider on a free loopback port. It accepts `key` and no other.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(key: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        // Without this, the end of a large response may wait 40 ms for an acknowledgement.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let api = api::router(key);
        Ok(Self {
            address,
            key: key.to_owned(),
            server: tokio::spawn(async { axum::serve(listener, api).await }),
        })
    }

    /// What a client takes as its base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The key that it accepts.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
