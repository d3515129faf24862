//! The twin of `client_span.rs` where there are no model calls: no span is inside of one.

use core::convert::Infallible;

use super::attribute::{AttributeValue, SpanExtra};
use super::value::Value;
use crate::callsite::Callsite;
use crate::trace::active::Manual;

/// The key by which such spans are known.
#[cfg(feature = "tracing")]
pub(crate) const KEY: &str = crate::semconv::attribute::GEN_AI_OPERATION_NAME;

/// A span that another library makes inside a call of ours: there is none.
pub(crate) struct ClientSpan(Infallible);

impl ClientSpan {
    pub(crate) const fn begin(_: &'static Callsite) -> Option<Self> {
        None
    }

    pub(crate) fn says(&mut self, _: &str, _: &AttributeValue) {
        match self.0 {}
    }

    pub(crate) fn end(
        self,
        _: &mut Manual,
        _: &[&'static str],
        _: &mut [Value],
        _: &mut SpanExtra,
    ) {
        match self.0 {}
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn end_unseen(self) {
        match self.0 {}
    }
}
