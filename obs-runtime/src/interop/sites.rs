//! The callsites of spans that other crates make, whose kind is known only when they begin.

use crate::callsite::{Callsite, CallsiteSpec, SpanKind};

/// All kinds, in the order of [`SpanKind`]'s variants.
pub(super) const KINDS: [SpanKind; 5] = [
    SpanKind::Internal,
    SpanKind::Server,
    SpanKind::Client,
    SpanKind::Producer,
    SpanKind::Consumer,
];

/// A callsite for each of [`KINDS`].
#[derive(Debug)]
pub(super) struct Sites([Callsite; 5]);

impl Sites {
    pub(super) fn new(spec: CallsiteSpec) -> Self {
        Self(KINDS.map(|kind| Callsite::new(CallsiteSpec { kind, ..spec })))
    }

    /// Returns the callsite of spans of a kind.
    pub(super) fn of(&self, kind: SpanKind) -> &Callsite {
        &self.0[kind as usize]
    }
}
