//! The callsites of spans that other crates make, whose kind is known only when they begin.

use crate::callsite::{Callsite, CallsiteSpec, SpanKind};

/// A callsite for each kind of span, in the order of [`SpanKind`]'s variants.
#[derive(Debug)]
pub(super) struct Sites([Callsite; 5]);

impl Sites {
    pub(super) fn new(spec: CallsiteSpec) -> Self {
        let kinds = [
            SpanKind::Internal,
            SpanKind::Server,
            SpanKind::Client,
            SpanKind::Producer,
            SpanKind::Consumer,
        ];
        Self(kinds.map(|kind| Callsite::new(CallsiteSpec { kind, ..spec })))
    }

    /// Returns the callsite of spans of a kind.
    pub(super) fn of(&self, kind: SpanKind) -> &Callsite {
        &self.0[kind as usize]
    }
}
