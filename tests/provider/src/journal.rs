//! What the provider billed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::asked::Format;

/// Tokens and other units of a request, the sums including their parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// All input tokens.
    pub input: u64,
    /// All output tokens.
    pub output: u64,
    /// Input tokens that came from the cache.
    pub cache_read: u64,
    /// Input tokens that were written to the cache for five minutes, or for as long as the provider has but one.
    pub cache_write_5m: u64,
    /// Input tokens that were written to the cache for an hour.
    pub cache_write_1h: u64,
    /// Output tokens of reasoning.
    pub reasoning: u64,
    /// Searches of the web that the provider made.
    pub web_searches: u64,
}

impl Tokens {
    /// Returns the sum of two requests.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.both(other, |one, other| one + other)
    }

    /// Returns the higher count of each unit.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        self.both(other, u64::max)
    }

    fn both(self, other: Self, both: fn(u64, u64) -> u64) -> Self {
        Self {
            input: both(self.input, other.input),
            output: both(self.output, other.output),
            cache_read: both(self.cache_read, other.cache_read),
            cache_write_5m: both(self.cache_write_5m, other.cache_write_5m),
            cache_write_1h: both(self.cache_write_1h, other.cache_write_1h),
            reasoning: both(self.reasoning, other.reasoning),
            web_searches: both(self.web_searches, other.web_searches),
        }
    }

    /// What has been generated after this share of the output: the input is read before the first token.
    #[must_use]
    pub fn after(self, share: f64) -> Self {
        let part = |count: u64| (count as f64 * share.clamp(0.0, 1.0)).floor() as u64;
        Self {
            output: part(self.output),
            reasoning: part(self.reasoning),
            web_searches: part(self.web_searches),
            ..self
        }
    }

    /// Input tokens that were written to the cache, for whichever time.
    pub fn cache_write(self) -> u64 {
        self.cache_write_5m + self.cache_write_1h
    }
}

/// A request that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The header `x-case`, by which a test finds its requests.
    pub case: Option<String>,
    /// The path that was asked.
    pub path: String,
    /// The format, unless the path has none.
    pub format: Option<Format>,
    /// The body of the request.
    pub request: Vec<u8>,
    /// The status of the answer, whether or not it was sent.
    pub status: u16,
    /// What the request costs.
    pub billed: Tokens,
    /// What the bytes that were written say of it; `None` if they say nothing.
    pub said: Option<Tokens>,
    /// Whether all bytes of the answer were written.
    pub whole: bool,
}

/// The entries, and how many connections there are.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    state: Mutex<State>,
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    connections: usize,
}

/// A connection that was accepted and is not done with.
#[derive(Debug)]
pub(crate) struct Connected(Arc<Journal>);

impl Journal {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().entries.clone()
    }

    pub(crate) fn connect(self: &Arc<Self>) -> Connected {
        self.lock().connections += 1;
        Connected(Arc::clone(self))
    }

    /// Waits until no connection is left, and takes the entries.
    pub(crate) async fn settle(&self) -> Vec<Entry> {
        loop {
            let left = self.left.notified();
            {
                let mut state = self.lock();
                if state.connections == 0 {
                    return std::mem::take(&mut state.entries);
                }
            }
            left.await;
        }
    }
}

impl Connected {
    pub(crate) fn enter(&self, entry: Entry) {
        self.0.lock().entries.push(entry);
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.lock().connections -= 1;
        self.0.left.notify_waiters();
    }
}
