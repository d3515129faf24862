//! Turns the fields of a `tracing` span into values of a record.

use core::fmt;
use std::borrow::Cow;

use ::tracing::field::{Field, Visit};

use super::site::{Role, Site};
use super::text::masked;
use crate::callsite::SpanKind;
use crate::causes::WithCauses;
use crate::interop::sites::KINDS;
use crate::printable::formatted;
use crate::redact::MASK;
use crate::trace::attribute::SpanExtra;
use crate::trace::client_span::ClientSpan;
use crate::trace::local::redact;
use crate::trace::{SpanError, Value};

/// What the fields say about the span.
#[derive(Default)]
pub(super) struct FieldData {
    /// The values by the index of their field.
    pub(super) values: Vec<(usize, Value)>,
    pub(super) name: Option<String>,
    pub(super) failed: bool,
    pub(super) message: Option<String>,
}

/// Returns the error of a span of `tracing`.
///
/// Nothing is known of its type (semantic conventions, `error.type`), and the event that reported
/// it is recorded itself.
pub(super) fn failure(message: Option<String>) -> SpanError {
    SpanError {
        exception: false,
        ..SpanError::new(crate::semconv::OTHER, message)
    }
}

impl FieldData {
    /// Evaluates fields. The user's code runs, so no lock may be held.
    pub(super) fn of(site: &Site, record: impl FnOnce(&mut dyn Visit)) -> Self {
        let mut visitor = ValuesVisitor {
            site,
            said: Self::default(),
        };
        record(&mut visitor);
        visitor.said
    }

    /// Moves the values to their places.
    pub(super) fn fill(&mut self, values: &mut [Value]) {
        for (index, value) in self.values.drain(..) {
            if let Some(place) = values.get_mut(index) {
                *place = value;
            }
        }
    }

    /// Says the fields to the model call around the span.
    pub(super) fn say(&self, site: &Site, client: &mut ClientSpan) {
        for (index, value) in &self.values {
            if let Some(key) = site.keys().get(*index)
                && let Some(value) = value.to_attribute()
            {
                client.says(key, &value);
            }
        }
    }

    /// Says the fields of a span of obs.
    pub(super) fn tell(&mut self, site: &Site, extra: &mut SpanExtra) {
        for (index, value) in self.values.drain(..) {
            if let Some(key) = site.keys().get(index)
                && let Some(value) = value.to_attribute()
            {
                extra.set(Cow::Borrowed(key), value);
            }
        }
        if let Some(name) = self.name.take() {
            extra.name = Some(name.into());
        }
        if let Some(error) = self.error() {
            extra.error = Some(error);
        }
    }

    /// Returns the error of the span, if the fields say that it failed.
    pub(super) fn error(&self) -> Option<SpanError> {
        self.failed.then(|| failure(self.message.clone()))
    }
}

/// A visitor that collects the fields of one span.
struct ValuesVisitor<'a> {
    site: &'a Site,
    said: FieldData,
}

impl ValuesVisitor<'_> {
    fn text(&mut self, field: &Field, text: impl Into<String> + AsRef<str>) {
        match self.role(field) {
            Role::Attribute => {
                let value = Value::from_str(&redact(text.as_ref()));
                self.said.values.push((field.index(), value));
            }
            Role::Secret => self.secret(field),
            Role::Kind => {}
            Role::Name => self.said.name = Some(masked(text.into())),
            Role::StatusMessage => self.said.message = Some(masked(text.into())),
            // A text that was formatted with `Debug` has quotation marks.
            Role::StatusCode => {
                let code = text.as_ref().trim_matches('"');
                self.said.failed = code.eq_ignore_ascii_case("error");
            }
        }
    }

    fn role(&self, field: &Field) -> Role {
        let role = self.site.roles.get(field.index());
        role.copied().unwrap_or(Role::Attribute)
    }

    fn secret(&mut self, field: &Field) {
        let value = Value::from_static(MASK);
        self.said.values.push((field.index(), value));
    }

    fn plain(&mut self, field: &Field, value: Value) {
        match self.role(field) {
            Role::Attribute => self.said.values.push((field.index(), value)),
            Role::Secret => self.secret(field),
            // A number or truth value cannot be a name, kind or status.
            _ => {}
        }
    }
}

impl Visit for ValuesVisitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.plain(field, Value::f64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, Value::i64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.plain(field, Value::i64(value)),
            // OpenTelemetry has no unsigned numbers.
            Err(_) => self.plain(field, Value::from_str(&value.to_string())),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, Value::bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn core::error::Error + 'static)) {
        self.text(field, WithCauses::of(value).text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.role(field) == Role::Secret {
            self.secret(field);
        } else {
            self.text(field, formatted(format_args!("{value:?}")));
        }
    }
}

/// A visitor that finds `otel.kind`, which must be known before the span begins.
#[derive(Default)]
pub(super) struct KindVisitor(pub(super) SpanKind);

impl Visit for KindVisitor {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "otel.kind" {
            let is = |kind: &SpanKind| kind.as_str().eq_ignore_ascii_case(value);
            self.0 = KINDS.into_iter().find(is).unwrap_or_default();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "otel.kind" {
            let text = formatted(format_args!("{value:?}"));
            self.record_str(field, text.trim_matches('"'));
        }
    }
}
