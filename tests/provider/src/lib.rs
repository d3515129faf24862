//! A provider of language models on a loopback port, for tests and examples.
//!
//! It speaks the bytes of OpenAI (chat completions, responses, embeddings), Anthropic (messages), Gemini
//! (`generateContent`) and Bedrock (`Converse`), whole and as streams. What it answers is a [`Script`], which its
//! [`Model`] returns for each request: an answer with its tokens, where the usage stands in it, and what goes wrong on the
//! way, to the byte. Its [journal](Provider::journal) says what it billed for each request, which is the truth that a
//! client's account is held against.
//!
//! ```
//! use obs_tests_provider::{Answer, Asked, Provider, Script, Tokens};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let provider = Provider::start(|asked: &Asked| {
//!     let tokens = Tokens { input: 12, output: 3, ..Tokens::default() };
//!     Script::answer(Answer::new(&asked.model, ["It ", "is ", "so."], tokens))
//! })
//! .await?;
//! println!("{}/v1/chat/completions", provider.url());
//! # Ok(())
//! # }
//! ```

mod asked;
mod connection;
mod fault;
mod format;
mod journal;
mod script;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

pub use asked::{Asked, Format, Head, Message};
pub use fault::{At, Close, Fault};
pub use journal::{Entry, Tokens};
pub use script::{Answer, Finish, Refusal, Reply, Reports, Script};

use journal::Journal;

/// Returns the pieces of the body that answers such a request: one if it is whole, else one for each chunk of a stream.
pub fn body(format: Format, stream: bool, answer: &Answer) -> Vec<Vec<u8>> {
    let asked = Asked::new(format, &answer.model, stream);
    let rendered = format::render(&asked, &Reply::Answer(answer.clone()));
    let chunks = rendered.chunks.into_iter();
    chunks.map(|chunk| chunk.bytes).collect()
}

/// What decides how each request is answered.
pub trait Model: Send + Sync + 'static {
    /// Looks at a request before anything else is looked at, such as for its key.
    ///
    /// # Errors
    /// When the request is refused, whatever it asks for.
    fn admit(&self, head: &Head) -> Result<(), Box<Refusal>> {
        let _ = head;
        Ok(())
    }

    /// Says what becomes of a request that was understood.
    fn script(&self, asked: &Asked) -> Script;
}

impl<F: Fn(&Asked) -> Script + Send + Sync + 'static> Model for F {
    fn script(&self, asked: &Asked) -> Script {
        self(asked)
    }
}

/// A running provider. Once it is dropped its port is closed, and so are its connections.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    journal: Arc<Journal>,
    server: AbortHandle,
}

impl Provider {
    /// Starts a provider on a free loopback port, on the runtime that calls this.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(model: impl Model) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let journal = Arc::new(Journal::default());
        let server = tokio::spawn(serve(listener, Arc::new(model), Arc::clone(&journal)));
        Ok(Self {
            address,
            journal,
            server: server.abort_handle(),
        })
    }

    /// The address without a path, such as `http://127.0.0.1:4711`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked, answered and billed until now, in the order of the requests.
    ///
    /// A request that is being answered is not in it.
    pub fn journal(&self) -> Vec<Entry> {
        self.journal.entries()
    }

    /// Waits until all clients have gone, and returns the journal, which is empty afterwards. A request that somebody sent
    /// and gave up is in it.
    ///
    /// # Errors
    /// When the provider does not accept connections any more.
    pub async fn settle(&self) -> io::Result<Vec<Entry>> {
        // Accepted after every connection that was made before it.
        let mut last = TcpStream::connect(self.address).await?;
        last.shutdown().await?;
        // It ends by the provider, in whichever way.
        let _ = last.read(&mut [0]).await;
        drop(last);
        Ok(self.journal.settle().await)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Accepts connections until it is aborted, which ends them too.
async fn serve(listener: TcpListener, model: Arc<dyn Model>, journal: Arc<Journal>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of descriptors: those that are open will be closed.
                let Ok((stream, _)) = accepted else {
                    tokio::task::yield_now().await;
                    continue;
                };
                // It counts from here on, so that nobody who waits for its end comes before its beginning.
                connections.spawn(connection::serve(stream, Arc::clone(&model), journal.connect()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
