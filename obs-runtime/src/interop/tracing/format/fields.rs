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
use crate::printable::{formatted, is_quoted, is_unprintable};
use crate::redact::{MASK, is_secret_key};
use crate::trace::ValueRef;
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
            set_member(&mut members.fields, "message", &message);
        }
        writer.write_str(&members.fields)
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        let mut later = String::new();
        self.format_fields(Writer::new(&mut later), fields)?;
        self.merge(&mut current.fields, &later);
        Ok(())
    }
}

/// Fields that are recorded later join those that are there, as text: no value is formatted.
pub(super) trait Merge {
    fn merge(&self, fields: &mut String, later: &str);
}

impl Merge for TextFields {
    fn merge(&self, fields: &mut String, later: &str) {
        if !fields.is_empty() && !later.is_empty() {
            fields.push(' ');
        }
        fields.push_str(later);
    }
}

impl Merge for JsonFields {
    fn merge(&self, fields: &mut String, later: &str) {
        for member in split(later) {
            let value = member_end(member, b':');
            remove_member(fields, &member[..value]);
            if !fields.is_empty() {
                fields.push(',');
            }
            fields.push_str(member);
        }
    }
}

/// Returns where a member ends, or its key: at the first such byte outside of a text.
fn member_end(text: &str, end: u8) -> usize {
    let (mut in_text, mut escapes) = (false, false);
    let ends = |b: u8| {
        let is_escaped = escapes;
        escapes = in_text && b == b'\\' && !is_escaped;
        in_text ^= b == b'"' && !is_escaped;
        !in_text && b == end
    };
    text.bytes().position(ends).unwrap_or(text.len())
}

/// Returns the members of an object that is not closed. None of their values has members of its own.
fn split(members: &str) -> impl Iterator<Item = &str> {
    let mut rest = members;
    core::iter::from_fn(move || {
        let end = member_end(rest, b',');
        let member = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        (!member.is_empty()).then_some(member)
    })
}

/// Removes the member of a key, which is given as it is written.
fn remove_member(members: &mut String, key: &str) {
    let is = |member: &str| {
        let rest = member.strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    if members.contains(key) && split(members).any(is) {
        let others: Vec<&str> = split(members).filter(|member| !is(member)).collect();
        *members = others.join(",");
    }
}

/// Sets a member of an object that is not closed. A key stands there once, with its last value.
fn set_member(members: &mut String, key: &str, value: &impl Serialize) {
    let mut name = String::new();
    json::append(&mut name, &key);
    remove_member(members, &name);
    member(members, key, value);
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
            return set_member(&mut self.fields, name, value);
        }
        if !self.fields.is_empty() {
            self.fields.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.fields, "{name}={value}");
    }

    /// Writes a field that obs has recorded, whose name was judged where it was recorded.
    pub(super) fn attribute(&mut self, key: &str, value: ValueRef<'_>) {
        let text = match value {
            ValueRef::Bool(value) => return self.write(key, &value),
            ValueRef::I64(value) => return self.write(key, &value),
            ValueRef::F64(value) if value.is_finite() => return self.write(key, &value),
            ValueRef::F64(value) => Cow::Owned(value.to_string()),
            ValueRef::Str(text) => Cow::Borrowed(text),
            list => Cow::Owned(format!("{list:?}")),
        };
        let text = redact(&text);
        // JSON quotes and escapes by itself, and what a `Debug` has quoted needs no more of it.
        let odd = |c: char| c.is_whitespace() || is_unprintable(c) || "\"={},".contains(c);
        let is_word = !text.is_empty() && !text.contains(odd);
        if self.is_json || is_word || is_quoted(&text) {
            self.write(key, &text);
        } else {
            self.write(key, &format_args!("{text:?}"));
        }
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
