//! Who wants to see the requests of clients on their way: a model call that runs, to know what they used.
//!
//! It stands on a higher floor than the clients' layers, so it comes here to say so.

use core::fmt::Debug;
use std::sync::OnceLock;

use ::http::HeaderMap;

/// Sees one request, from its begin until this is dropped.
pub(crate) trait Watch: Debug + Send + Sync {
    /// The head of the response has come.
    fn head(&mut self, status: u16, headers: &HeaderMap);

    /// The next bytes of the response's body have come.
    fn bytes(&mut self, bytes: &[u8]);

    /// The body has come to its end.
    fn end(&mut self);

    /// The request was not sent at all.
    fn unsent(&mut self);
}

/// Begins to watch a request that a layer of this name sends, if somebody wants to.
type Begin = fn(layer: &'static str) -> Option<Box<dyn Watch>>;

static BEGIN: OnceLock<Begin> = OnceLock::new();

/// Says who wants to see requests from now on; the first one stays.
#[cfg(feature = "llm")]
pub(crate) fn set(begin: Begin) {
    let _ = BEGIN.set(begin);
}

pub(crate) fn begin(layer: &'static str) -> Option<Box<dyn Watch>> {
    BEGIN.get()?(layer)
}
