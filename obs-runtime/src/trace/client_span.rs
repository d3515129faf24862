//! Spans that other libraries make of a request, while a call of ours that is about this request runs around them.
//!
//! A client of models may have telemetry of its own. Its span says of itself what it is, attribute by attribute, and
//! the call around it judges: two spans of one inference would be counted twice by whoever reads the trace.

use super::attribute::{AttributeValue, SpanExtra};
use super::open_call::{self, Judge};
use super::value::Value;
use crate::callsite::Callsite;
use crate::trace::active::Manual;

/// The key by which such spans are known.
#[cfg(feature = "tracing")]
pub(crate) const KEY: &str = crate::semconv::attribute::GEN_AI_OPERATION_NAME;

/// What begins every key that says of an inference what it is, used or said.
const OF_INFERENCE: &str = "gen_ai.";

/// A span that another library makes inside a call of ours.
pub(crate) struct ClientSpan {
    judge: Box<dyn Judge>,
    client: &'static str,
    /// The callsite of the span if it is an attempt, which is no request of its own.
    internal: &'static Callsite,
}

impl ClientSpan {
    /// Begins to listen to a span of the library with this target, if a call runs around it.
    pub(crate) fn begin(internal: &'static Callsite) -> Option<Self> {
        let place = open_call::running()?;
        let target = internal.target();
        let client = target
            .split_once("::")
            .map_or(target, |(library, _)| library);
        Some(Self {
            judge: place
                .call
                .client_span(client, internal.keys(), place.within),
            client,
            internal,
        })
    }

    pub(crate) fn says(&mut self, key: &str, value: &AttributeValue) {
        self.judge.says(key, value);
    }

    /// The span ends: if it is an attempt of the call around it, it stays as such, without what the call says.
    pub(crate) fn end(
        mut self,
        manual: &mut Manual,
        keys: &[&'static str],
        values: &mut [Value],
        extra: &mut SpanExtra,
    ) {
        if !self.judge.is_attempt() {
            return;
        }
        for (key, value) in keys.iter().zip(values) {
            if key.starts_with(OF_INFERENCE) {
                *value = Value::NONE;
            }
        }
        extra
            .attributes
            .retain(|(key, _)| !key.starts_with(OF_INFERENCE));
        extra.name = Some(format!("attempt {}", self.client).into());
        manual.recast(self.internal);
    }

    /// The span, which has no identity, ends.
    #[cfg(feature = "tracing")]
    pub(crate) fn end_unseen(mut self) {
        self.judge.is_attempt();
    }
}
