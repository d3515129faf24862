//! Masks the secrets in finished spans on their way to the exporters.
//!
//! It runs in the drain, so that the threads of the program do not pay for it.

use std::borrow::Cow;

use crate::processor::owned::OwnedSpan;
use crate::redact::{is_clean, redact};
use crate::trace::attribute::{AttributeValue, SpanExtra};
use crate::trace::value::Value;
use crate::trace::view::SpanView;

type Pairs = [(Cow<'static, str>, AttributeValue)];

/// The redaction of a scope's spans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanRedaction {
    scope: u16,
}

impl SpanRedaction {
    /// Returns the redaction of a scope, if there is to be one.
    pub(crate) fn start(scope: u16, is_asked: bool) -> Option<Self> {
        is_asked.then_some(Self { scope })
    }

    /// Returns the span without its secrets; none if it has none, as nearly every one.
    ///
    /// Texts that the compiler saw (`&'static str`) are not looked at. A recorded field is judged
    /// by its text alone: whether its name is that of a secret was settled when it was written
    /// (`redact`, `allow`).
    #[inline]
    pub(crate) fn span(self, span: &SpanView<'_>) -> Option<OwnedSpan> {
        let is_clean = |v: &Value| v.own_text(span.base).is_none_or(is_clean);
        let is_clean = span.values.iter().all(is_clean);
        if is_clean && span.extra.is_none() {
            return None;
        }
        self.looked_at(span)
    }

    #[cold]
    fn looked_at(self, span: &SpanView<'_>) -> Option<OwnedSpan> {
        let values = span.values.iter();
        let dirty = values.clone().any(|v| self.value(v, span.base).is_some())
            || span.extra.is_some_and(|extra| self.is_dirty(extra));
        dirty.then(|| self.clean(span))
    }

    fn value(self, value: &Value, base: *const u8) -> Option<String> {
        value.own_text(base).and_then(|text| self.text(text))
    }

    fn text(self, text: &str) -> Option<String> {
        match redact(|| self.scope, text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked),
        }
    }

    fn is_dirty(self, extra: &SpanExtra) -> bool {
        let pair =
            |(key, value): &(Cow<'static, str>, AttributeValue)| self.pair(key, value).is_some();
        let name = |name: &Cow<'static, str>| self.text(name).is_some();
        extra.name.as_ref().is_some_and(name)
            || extra.attributes.iter().any(pair)
            || extra
                .events
                .iter()
                .any(|e| name(&e.name) || e.attributes.iter().any(pair))
            || extra.links.iter().any(|l| l.attributes.iter().any(pair))
    }

    fn pair(self, key: &str, value: &AttributeValue) -> Option<AttributeValue> {
        value.redacted(key, |text| self.text(text))
    }

    fn pairs(self, pairs: &mut Pairs) {
        for (key, value) in pairs {
            if let Some(masked) = self.pair(key, value) {
                *value = masked;
            }
        }
    }

    #[cold]
    fn clean(self, span: &SpanView<'_>) -> OwnedSpan {
        let mut owned = OwnedSpan::new(span);
        for value in &mut owned.values {
            if let Some(masked) = self.value(value, core::ptr::null()) {
                *value = Value::from_str(&masked);
            }
        }
        if let Some(extra) = &mut owned.extra {
            if let Some(masked) = extra.name.as_deref().and_then(|name| self.text(name)) {
                extra.name = Some(masked.into());
            }
            self.pairs(&mut extra.attributes);
            for event in &mut extra.events {
                if let Some(masked) = self.text(&event.name) {
                    event.name = masked.into();
                }
                self.pairs(&mut event.attributes);
            }
            for link in &mut extra.links {
                self.pairs(&mut link.attributes);
            }
        }
        owned
    }
}
