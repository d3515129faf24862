//! Writes fields as text and as members of a JSON object.
//!
//! Secrets are masked, and control characters are escaped, so that an event cannot forge another
//! line.

use core::fmt::{self, Write as _};
use std::borrow::Cow;

use ::tracing::field::{Field, Visit};
use ::tracing::span::Record;
use serde::ser::Serialize;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};

use crate::interop::tracing::text::formatted;
use crate::json;
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
        let mut text = TextVisitor::default();
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
        let mut members = JsonVisitor::default();
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

/// The fields as text, with the message apart.
#[derive(Default)]
pub(super) struct TextVisitor {
    pub(super) message: Option<String>,
    pub(super) fields: String,
    pub(super) log: LogFields,
}

/// The fields as members of a JSON object, with the message apart.
#[derive(Default)]
pub(super) struct JsonVisitor {
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

/// Returns text in which every control character but a tab is escaped.
///
/// So a line stays one line, and a terminal is not given commands.
pub(super) fn in_line(text: &str) -> Cow<'_, str> {
    let control = |c: char| c.is_control() && c != '\t';
    if !text.contains(control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if control(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

impl TextVisitor {
    fn value(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = field.name();
        if name == "log.line" {
            return;
        }
        if !self.fields.is_empty() {
            self.fields.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = if is_secret_key(name) {
            write!(self.fields, "{name}={MASK}")
        } else {
            write!(self.fields, "{name}={value}")
        };
    }

    fn text(&mut self, field: &Field, text: &str, quoted: bool) {
        let text = redact(text);
        if field.name() == "message" {
            self.message = Some(in_line(&text).into_owned());
        } else if self.log.text(field.name(), &text) {
        } else if quoted {
            self.value(field, format_args!("{text:?}"));
        } else {
            self.value(field, format_args!("{}", in_line(&text)));
        }
    }
}

impl Visit for TextVisitor {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value, true);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &formatted(format_args!("{value:?}")), false);
    }
}

impl JsonVisitor {
    fn value(&mut self, field: &Field, value: &impl Serialize) {
        let name = field.name();
        if is_secret_key(name) {
            member(&mut self.fields, name, &MASK);
        } else {
            member(&mut self.fields, name, value);
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        let text = redact(text);
        if field.name() == "message" {
            self.message = Some(text.into_owned());
        } else if !self.log.text(field.name(), &text) {
            self.value(field, &text);
        }
    }
}

impl Visit for JsonVisitor {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.value(field, &value);
        } else {
            // JSON has no such number.
            self.text(field, &value.to_string());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.log.line = Some(value);
        } else {
            self.value(field, &value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &formatted(format_args!("{value:?}")));
    }
}
