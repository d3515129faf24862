//! Conditions that say which spans a rule is about, for samplers and for tail sampling.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::Error;
use crate::callsite::{Callsite, SpanKind};
use crate::trace::attribute::ValueRef;
use crate::trace::value::Value;
use crate::trace::view::SpanView;

/// A condition on spans: says which spans a rule is about.
///
/// A span must meet all parts of the condition; a condition without parts fits every span. In a
/// pattern `*` stands for any text, also for none, and every other character stands for itself.
///
/// ```
/// use obs_runtime::{Sampler, trace::SpanMatch};
/// let sampler = Sampler::rule_based(
///     [
///         (SpanMatch::new().name("health*"), Sampler::always_off()),
///         (SpanMatch::new().target("shop::jobs*"), Sampler::rate_limited(5.0)),
///         (SpanMatch::new().attribute("tenant", "gold"), Sampler::always_on()),
///     ],
///     Sampler::ratio(0.1),
/// );
/// # let _ = sampler;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanMatch {
    name: Option<Cow<'static, str>>,
    target: Option<Cow<'static, str>>,
    kind: Option<SpanKind>,
    attributes: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl SpanMatch {
    /// Returns a condition that every span meets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires that the span's name fits the pattern.
    ///
    /// The name is the one that the macro gives. A name that the call decides (`name = format!(…)`)
    /// is not known when the span begins.
    #[must_use]
    pub fn name(mut self, pattern: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(pattern.into());
        self
    }

    /// Requires that the span's target fits the pattern. Without `target = "…"` a span's target is
    /// the path of its module.
    #[must_use]
    pub fn target(mut self, pattern: impl Into<Cow<'static, str>>) -> Self {
        self.target = Some(pattern.into());
        self
    }

    /// Requires that the span is of this kind.
    #[must_use]
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Requires that the span has an attribute whose text fits the pattern.
    ///
    /// Numbers and truth values are compared as they are written (`5`, `true`). A sampler sees the
    /// attributes that a span begins with: those of `fields(…)` and `span!`.
    #[must_use]
    pub fn attribute(
        mut self,
        key: impl Into<Cow<'static, str>>,
        pattern: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.attributes.push((key.into(), pattern.into()));
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let texts = self.name.iter().chain(&self.target);
        let texts = texts.chain(self.attributes.iter().map(|(key, _)| key));
        if texts.clone().any(|text| text.is_empty()) {
            return Err(Error::config(format!(
                "{self:?}: an empty name, target or attribute key fits no span: leave the condition out"
            )));
        }
        Ok(())
    }

    /// Returns whether the rule asks for a value that a call of `site` records. Such a value is not
    /// known before the call's fields are.
    pub(super) fn asks_for_fields(&self, site: &Callsite) -> bool {
        let mut keys = self.attributes.iter();
        keys.any(|(key, _)| site.keys().contains(&&**key)) && self.fits_site(site, site.name())
    }

    fn fits_site(&self, site: &Callsite, name: &str) -> bool {
        let fits = |pattern: &Option<Cow<'static, str>>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| glob(pattern, text))
        };
        fits(&self.name, name)
            && fits(&self.target, site.target())
            && self.kind.is_none_or(|kind| kind == site.kind())
    }

    /// Returns whether a finished span meets the condition.
    pub(crate) fn fits_end(&self, span: &SpanView<'_>) -> bool {
        let has = |(key, pattern): &(Cow<'static, str>, Cow<'static, str>)| {
            let mut found = span.attributes().filter(|(k, _)| k == key);
            found.any(|(_, value)| value_fits(pattern, value))
        };
        self.fits_site(span.callsite, span.name()) && self.attributes.iter().all(has)
    }

    /// Returns whether a span that begins meets the condition. `values` are those of `site.keys()`,
    /// or none.
    pub(super) fn fits_start(&self, site: &Callsite, values: &[Value]) -> bool {
        self.fits_site(site, site.name())
            && self.attributes.iter().all(|(key, pattern)| {
                let recorded = site.keys().iter().zip(values).find(|(k, _)| ***k == **key);
                // Before the record is written no value lies behind it.
                let recorded = recorded.and_then(|(_, value)| value.get(core::ptr::null()));
                let constant = || site.constants().iter().find(|(k, _)| k == key);
                let value = recorded.or_else(|| Some(constant()?.1.into()));
                value.is_some_and(|value| value_fits(pattern, value))
            })
    }
}

fn value_fits(pattern: &str, value: ValueRef<'_>) -> bool {
    let mut text = String::new();
    let _ = match value {
        ValueRef::Str(v) => return glob(pattern, v),
        ValueRef::Bool(v) => write!(text, "{v}"),
        ValueRef::I64(v) => write!(text, "{v}"),
        ValueRef::F64(v) => write!(text, "{v}"),
        // A list fits if one of its texts does.
        ValueRef::StringArray(v) => return v.iter().any(|v| glob(pattern, v)),
        ValueRef::BoolArray(_) | ValueRef::I64Array(_) | ValueRef::F64Array(_) => return false,
    };
    glob(pattern, &text)
}

/// Returns whether the text fits a pattern in which `*` stands for any text.
///
/// Between two stars the first place that fits is as good as any later one, so nothing is tried
/// twice.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
#[path = "span_match_tests.rs"]
mod tests;
