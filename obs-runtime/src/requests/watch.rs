//! Who wants to see the requests of clients on their way: a model call that runs, to know what they used.
//!
//! It stands on a higher floor than the clients' layers, so it comes here to say so.

use core::fmt::Debug;
use std::sync::OnceLock;

use ::http::HeaderMap;

/// Where a request goes.
#[cfg_attr(not(feature = "llm"), expect(dead_code, reason = "nobody watches"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
    pub(crate) path: &'a str,
}

/// Sees one request, from its begin until this is dropped.
pub(crate) trait Watch: Debug + Send + Sync {
    /// What the request's work is part of, to be open while its inner service is asked.
    #[cfg(feature = "llm")]
    fn place(&self) -> Option<crate::trace::open_call::Place>;

    /// The head of the response has come, from there.
    fn head(&mut self, status: u16, headers: &HeaderMap, from: Target<'_>);

    /// The next bytes of the response's body have come.
    fn bytes(&mut self, bytes: &[u8]);

    /// The body has come to its end.
    fn end(&mut self);

    /// The request was not sent at all.
    fn unsent(&mut self);
}

/// Begins to watch a request that a layer of this name sends, if somebody wants to. Some layers do not see where it
/// goes.
type Begin = fn(layer: &'static str, target: Option<Target<'_>>) -> Option<Box<dyn Watch>>;

static BEGIN: OnceLock<Begin> = OnceLock::new();

/// Says who wants to see requests from now on; the first one stays.
#[cfg(feature = "llm")]
pub(crate) fn set(begin: Begin) {
    let _ = BEGIN.set(begin);
}

pub(crate) fn begin(layer: &'static str, target: Option<Target<'_>>) -> Option<Box<dyn Watch>> {
    BEGIN.get()?(layer, target)
}

/// Opens the place of a watch, to be closed with what is returned.
#[cfg(feature = "llm")]
pub(crate) fn open(watch: Option<&dyn Watch>) -> Option<crate::trace::open_call::Open> {
    watch?.place().map(crate::trace::open_call::Open::new)
}

/// Nobody watches.
#[cfg(not(feature = "llm"))]
pub(crate) fn open(_: Option<&dyn Watch>) -> Option<core::convert::Infallible> {
    None
}
