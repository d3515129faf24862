//! Writes fields as text and as members of a JSON object.
//!
//! Secrets are masked, and control characters are escaped, so that an event cannot forge another
//! line.

use core::fmt::{self, Display, Write as _};
use std::borrow::Cow;

use ::tracing::field::{Field, Visit};
use ::tracing::span::Record;
use serde::ser::Serialize;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};

use crate::json;
use crate::printable::{formatted, is_unprintable};
use crate::redact::{MASK, is_secret_key};
use crate::trace::local::redact;

/// Writes the fields of spans as `key=value`, for [`Text`](super::Text).
#[derive(Clone, Copy, Debug, Default)]
pub struct TextFields;

/// Writes the fields of spans as members of a JSON object, for [`Json`](super::Json).
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonFields;

impl<'writer> FormatFields<'writer> for TextFields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut text = FieldsVisitor::text();
        fields.record(&mut text);
        writer.write_str(&text.fields)
    }
}

impl<'writer> FormatFields<'writer> for JsonFields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut members = FieldsVisitor::json();
        fields.record(&mut members);
        if let Some(message) = members.message {
            member(&mut members.fields, "message", &message);
        }
        writer.write_str(&members.fields)
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        if !current.fields.is_empty() {
            current.fields.push(',');
        }
        self.format_fields(current.as_writer(), fields)
    }
}

/// The fields as text or as members of a JSON object, with the message apart.
#[derive(Default)]
pub(super) struct FieldsVisitor {
    is_json: bool,
    pub(super) message: Option<String>,
    pub(super) fields: String,
    pub(super) log: LogFields,
}

/// The fields that `tracing-log` adds to a record of the crate `log`.
#[derive(Default)]
pub(super) struct LogFields {
    pub(super) target: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
}

impl LogFields {
    /// Takes a text, and returns false if the field is not one of these.
    fn text(&mut self, name: &str, text: &str) -> bool {
        match name {
            "log.target" => self.target = Some(text.to_owned()),
            "log.file" => self.file = Some(text.to_owned()),
            "log.module_path" => {}
            _ => return false,
        }
        true
    }
}

/// Appends a member to an object that is not closed. It is put together as text because those of spans come as
/// text.
pub(super) fn member(out: &mut String, key: &str, value: &impl Serialize) {
    if !out.is_empty() && !out.ends_with('{') {
        out.push(',');
    }
    json::append(out, &key);
    out.push(':');
    json::append(out, value);
}

/// Returns text in which what is unprintable is escaped, but for tabs.
///
/// So a line stays one line, and a terminal is not given commands.
pub(super) fn in_line(text: &str) -> Cow<'_, str> {
    let odd = |c: char| is_unprintable(c) && c != '\t';
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if odd(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

impl FieldsVisitor {
    /// Creates a visitor that writes the fields as `key=value`.
    pub(super) fn text() -> Self {
        Self::default()
    }

    /// Creates a visitor that writes the fields as members of a JSON object.
    pub(super) fn json() -> Self {
        Self {
            is_json: true,
            ..Self::default()
        }
    }

    fn value(&mut self, name: &str, value: &(impl Serialize + Display)) {
        if is_secret_key(name) {
            self.write(name, &MASK);
        } else {
            self.write(name, value);
        }
    }

    fn write(&mut self, name: &str, value: &(impl Serialize + Display)) {
        if self.is_json {
            return member(&mut self.fields, name, value);
        }
        if !self.fields.is_empty() {
            self.fields.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.fields, "{name}={value}");
    }

    fn text_value(&mut self, field: &Field, text: &str, quoted: bool) {
        let name = field.name();
        let text = redact(text);
        // JSON escapes by itself.
        let line = if self.is_json {
            Cow::Borrowed(&*text)
        } else {
            in_line(&text)
        };
        if name == "message" {
            self.message = Some(line.into_owned());
        } else if self.log.text(name, &text) {
        } else if quoted && !self.is_json {
            self.value(name, &format_args!("{text:?}"));
        } else {
            self.value(name, &line);
        }
    }
}

impl Visit for FieldsVisitor {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if self.is_json && !value.is_finite() {
            // JSON has no such number.
            self.text_value(field, &value.to_string(), false);
        } else {
            self.value(field.name(), &value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.log.line = Some(value);
        } else {
            self.value(field.name(), &value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text_value(field, value, true);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text_value(field, &formatted(format_args!("{value:?}")), false);
    }
}
