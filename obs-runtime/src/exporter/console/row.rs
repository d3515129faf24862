//! One span, reduced to what its line says.

use crate::printable::is_quoted;
use crate::semconv::attribute as semconv;
use crate::terminal::text::{clean, width};
use crate::trace::attribute::{SpanError, ValueRef};
use crate::trace::heap::HeapBytes;
use crate::trace::{Outcome, SpanId, SpanRecord, SpanView};
use crate::type_names;

/// Columns of a name, of a value, and of all attributes together.
const NAME: usize = 64;
const VALUE: usize = 48;
const DETAILS: usize = 160;

/// A span's line, bounded in size whatever the span holds.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) span: SpanId,
    /// Zero for a root.
    pub(super) parent: SpanId,
    pub(super) parent_is_remote: bool,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) outcome: Outcome,
    pub(super) name: String,
    /// Why it failed; may be empty.
    pub(super) error: String,
    /// The attributes that tell spans apart, in their order.
    pub(super) details: Vec<Detail>,
}

/// An attribute with its short key.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) key: String,
    pub(super) value: String,
    /// Whether the span's name says it already.
    pub(super) in_name: bool,
    /// Whether it is what the call used.
    pub(super) is_amount: bool,
}

impl HeapBytes for Row {
    fn heap_bytes(&self) -> usize {
        self.name.heap_bytes() + self.error.heap_bytes() + self.details.heap_bytes()
    }
}

impl HeapBytes for Detail {
    fn heap_bytes(&self) -> usize {
        self.key.heap_bytes() + self.value.heap_bytes()
    }
}

impl Row {
    pub(super) fn from_record(span: &SpanRecord) -> Self {
        let error = error(span.error.as_ref());
        Self {
            span: span.span_id,
            parent: span.parent_id.unwrap_or_default(),
            parent_is_remote: span.parent_is_remote,
            start: span.start_unix_nanos,
            end: span.end_unix_nanos,
            outcome: span.outcome,
            name: clean(&span.name, NAME),
            details: details(
                &span.name,
                &error,
                span.attributes.iter().map(|(k, v)| (&**k, v.as_ref())),
            ),
            error,
        }
    }

    pub(super) fn from_view(span: &SpanView<'_>) -> Self {
        let error = error(span.error());
        Self {
            span: span.span_id,
            parent: span.parent_id,
            parent_is_remote: span.parent_is_remote,
            start: span.start_unix_nanos,
            end: span.end_unix_nanos,
            outcome: span.outcome,
            name: clean(span.name(), NAME),
            details: details(span.name(), &error, span.attributes()),
            error,
        }
    }

    pub(super) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Returns whether no span of this process is above it.
    pub(super) fn is_root(&self) -> bool {
        !self.parent.is_valid() || self.parent_is_remote
    }
}

fn error(error: Option<&SpanError>) -> String {
    let Some(error) = error else {
        return String::new();
    };
    let kind = type_names::short(&error.kind);
    match error.message.as_deref() {
        Some(message) if !message.is_empty() => clean(&format!("{kind}: {message}"), DETAILS),
        _ => clean(&kind, DETAILS),
    }
}

fn details<'a>(
    name: &str,
    error: &str,
    attributes: impl Iterator<Item = (&'a str, ValueRef<'a>)>,
) -> Vec<Detail> {
    let mut details = Vec::new();
    let mut used = 0;
    let attributes: Vec<_> = attributes.collect();
    let is_http = attributes
        .iter()
        .any(|(key, _)| *key == semconv::HTTP_REQUEST_METHOD);
    for (key, value) in attributes {
        let full_key = key;
        let short = if is_http {
            http_key(key)
        } else {
            short_key(key)
        };
        let Some(short) = short else {
            continue;
        };
        let value = show(value);
        if is_http && value == error {
            // A status that is the error of the request.
            continue;
        }
        // `chat gpt-4o-mini` says its operation and its model already.
        let in_name = short.len() < key.len() && name.split(' ').any(|part| part == value);
        if key == semconv::OBS_TASK_ATTEMPT && value == "1" {
            continue;
        }
        let short_key = clean(short, VALUE);
        used += if in_name {
            0
        } else {
            width(&short_key) + width(&value) + 2
        };
        // What a call used is its own, though the call around it may have used as much.
        let is_amount = AMOUNTS.iter().any(|amounts| full_key.starts_with(amounts));
        // Values that the name says take no room on the line, but they take memory.
        let too_much = used > DETAILS || details.len() == 64;
        let key = if too_much {
            "…".to_owned()
        } else {
            short_key
        };
        details.push(Detail {
            key,
            value,
            in_name,
            is_amount,
        });
        if too_much {
            break;
        }
    }
    details
}

/// Returns how a key of a request is shown: nothing stands before a path or a URL, which is its own
/// key. None for what its name says (`GET /orders/{id}`), and for what concerns the connection.
fn http_key(key: &str) -> Option<&str> {
    match key {
        semconv::HTTP_RESPONSE_STATUS_CODE => Some("status"),
        semconv::HTTP_REQUEST_RESEND_COUNT => Some("resend_count"),
        semconv::URL_QUERY => Some("query"),
        semconv::URL_PATH | semconv::URL_FULL => Some(""),
        semconv::HTTP_REQUEST_METHOD
        | semconv::HTTP_REQUEST_METHOD_ORIGINAL
        | semconv::HTTP_ROUTE
        | semconv::URL_SCHEME
        | semconv::URL_TEMPLATE
        | semconv::USER_AGENT_ORIGINAL => None,
        _ => {
            let of_connection = ["client.", "network.", "server."];
            let is_of_connection = of_connection.iter().any(|part| key.starts_with(part));
            if is_of_connection {
                None
            } else {
                short_key(key)
            }
        }
    }
}

/// The namespaces of what a call used.
const AMOUNTS: [&str; 4] = ["gen_ai.usage.", "obs.cost.", "obs.total.", "operation.cost"];

/// Returns how a key is shown; none for what is on every span, or in the name or the error already.
fn short_key(key: &str) -> Option<&str> {
    const HIDDEN: [&str; 12] = [
        semconv::DB_OPERATION_NAME,
        semconv::DB_SYSTEM_NAME,
        semconv::ERROR_TYPE,
        semconv::GEN_AI_AGENT_DESCRIPTION,
        semconv::GEN_AI_OPERATION_NAME,
        semconv::GEN_AI_PROVIDER_NAME,
        semconv::GEN_AI_RESPONSE_ID,
        semconv::GEN_AI_RESPONSE_MODEL,
        semconv::GEN_AI_TOOL_DESCRIPTION,
        semconv::GEN_AI_TOOL_TYPE,
        semconv::OBS_OUTCOME,
        semconv::OBS_PIPELINE_STATE,
    ];
    let hidden = HIDDEN.contains(&key) || key.starts_with("code.") || key.starts_with("thread.");
    if key == semconv::OPERATION_COST {
        return Some("cost_usd");
    }
    if key == semconv::OBS_TOTAL_COST {
        return Some("total.cost_usd");
    }
    // Namespaces tell machines apart, not people: `gen_ai.usage.input_tokens` is `input_tokens`.
    let namespaced = [
        "gen_ai.usage.",
        "gen_ai.request.",
        "gen_ai.response.",
        "gen_ai.",
        "db.",
        "obs.vector.",
        "obs.",
    ];
    let short = namespaced
        .iter()
        .find_map(|namespace| key.strip_prefix(namespace))
        .unwrap_or(key);
    (!hidden).then_some(short)
}

pub(super) fn show(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Bool(v) => v.to_string(),
        ValueRef::I64(v) => v.to_string(),
        ValueRef::F64(v) => v.to_string(),
        ValueRef::Str(v) => quoted(v),
        ValueRef::BoolArray(v) => list(v, ToString::to_string),
        ValueRef::I64Array(v) => list(v, ToString::to_string),
        ValueRef::F64Array(v) => list(v, ToString::to_string),
        ValueRef::StringArray(v) => list(v, |v| quoted(v)),
    }
}

/// Quotes a text with spaces, so that it is clear where it ends. One in quotes already, such as the
/// `Debug` of a path, stays as it is.
fn quoted(text: &str) -> String {
    if is_quoted(text) {
        return format!("\"{}\"", clean(&text[1..text.len() - 1], VALUE));
    }
    let shown = clean(text, VALUE);
    if shown.is_empty() || shown.contains([' ', '"', '=']) {
        format!("\"{}\"", shown.replace('"', "\\\""))
    } else {
        shown
    }
}

fn list<T>(values: &[T], show: impl Fn(&T) -> String) -> String {
    const MOST: usize = 4;
    let mut parts: Vec<String> = values.iter().take(MOST).map(show).collect();
    if values.len() > MOST {
        parts.push(format!("… {} in all", values.len()));
    }
    format!("[{}]", parts.join(", "))
}
