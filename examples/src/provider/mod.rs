//! The built-in provider: an OpenAI-compatible server on a loopback port, so that the example
//! runs without an account and costs nothing.
//!
//! Everything about it is real except the intelligence: HTTP, keys, JSON, server-sent events,
//! token counts. Its "embedding" is a hashed bag of words, its "model" picks sentences.

mod answer;
mod api;
mod embedding;
mod tokens;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use answer::answer;
pub use embedding::{DIMENSIONS, embed};

/// A running provider; it stops when dropped.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    key: String,
    server: JoinHandle<()>,
}

impl Provider {
    /// Starts a provider on a free loopback port. It accepts `key` and no other.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(key: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(accept(listener, Arc::from(key)));
        Ok(Self {
            address,
            key: key.to_owned(),
            server,
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

async fn accept(listener: TcpListener, key: Arc<str>) {
    // Connections end with the accept loop: dropping the set aborts its tasks.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                // One connection that broke before it was accepted says nothing about the next.
                let Ok((stream, _)) = accepted else { continue };
                // Without this, the end of a large response may wait 40 ms for an acknowledgement.
                let _ = stream.set_nodelay(true);
                let key = Arc::clone(&key);
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let key = Arc::clone(&key);
                        async move { Ok::<_, Infallible>(api::handle(request, &key).await) }
                    });
                    // An error here is the client's: it went away, or spoke no HTTP.
                    let _ = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        }
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
