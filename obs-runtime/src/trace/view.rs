//! A finished span as exporters see it: borrowed from its record, or owned.
//!
//! The drain creates a [`SpanView`] for each full record and hands it to the sinks; it is valid
//! during that call alone. A [`SpanRecord`] is its public copy.

use std::borrow::Cow;

use crate::callsite::{Callsite, Written};
use crate::semconv::OTHER;
use crate::trace::attribute::{
    AttributeValue, Event, Link, SpanError, SpanExtra, Status, ValueRef,
};
use crate::trace::value::Value;
use crate::trace::{SpanId, TraceFlags, TraceId};
use crate::words::words;

words! {
    /// How a call ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[repr(u8)]
    pub enum Outcome {
        /// The call returned, and its result is not an error.
        Ok = 0 => "ok",
        /// The call returned an error, or the user said that it failed.
        Error = 1 => "error",
        /// The call unwound.
        Panicked = 2 => "panicked",
        /// The call's future was dropped before it was ready.
        Cancelled = 3 => "cancelled",
    }
}

impl Outcome {
    pub(crate) const fn from_bits(bits: u64) -> Self {
        match bits & 3 {
            0 => Self::Ok,
            1 => Self::Error,
            2 => Self::Panicked,
            _ => Self::Cancelled,
        }
    }
}

/// A finished span, borrowed from the buffer. It is valid during one call of a sink.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "only OTLP sends all of it")
)]
pub(crate) struct SpanView<'a> {
    pub(crate) callsite: &'static Callsite,
    /// The `Observability` that recorded the span.
    pub(crate) scope: u16,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// The parent's id; zero for a root.
    pub(crate) parent_id: SpanId,
    pub(crate) parent_is_remote: bool,
    pub(crate) flags: TraceFlags,
    /// Nanoseconds since the Unix epoch; never before the parent's start.
    pub(crate) start_unix_nanos: u64,
    /// Nanoseconds since the Unix epoch; never before `start_unix_nanos`.
    pub(crate) end_unix_nanos: u64,
    pub(crate) outcome: Outcome,
    /// The values of `callsite.keys()`, in their order.
    pub(crate) values: &'a [Value],
    /// The start of the record. Strings that did not fit a value lie behind it.
    pub(crate) base: *const u8,
    pub(crate) extra: Option<&'a SpanExtra>,
}

impl<'a> SpanView<'a> {
    #[cfg_attr(
        not(any(feature = "otlp", feature = "console")),
        allow(dead_code, reason = "a name without a copy is for exporters")
    )]
    pub(crate) fn name(&self) -> &'a str {
        let name = self.extra.and_then(|e| e.name.as_deref());
        name.unwrap_or(self.callsite.name())
    }

    /// Returns the constants of the callsite and the values that the call recorded, as the user wrote
    /// them.
    ///
    /// Late attributes are not among them.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&'static str, ValueRef<'a>)> + use<'a> {
        let (values, base) = (self.values, self.base);
        self.callsite
            .written()
            .filter_map(move |attribute| match attribute {
                Written::Constant(key, value) => Some((key, value.into())),
                Written::Key(index, key) => Some((key, values.get(index)?.get(base)?)),
            })
    }

    /// Returns the attributes that were set while the span ran.
    pub(crate) fn late(&self) -> &'a [(Cow<'static, str>, AttributeValue)] {
        self.extra.map_or(&[], |e| &e.attributes)
    }

    pub(crate) fn events(&self) -> &'a [Event] {
        self.extra.map_or(&[], |e| &e.events)
    }

    pub(crate) fn links(&self) -> &'a [Link] {
        self.extra.map_or(&[], |e| &e.links)
    }

    /// Returns the status that was set through OpenTelemetry's API.
    pub(crate) fn status(&self) -> Option<&'a Status> {
        self.extra.and_then(|e| e.status.as_ref())
    }

    pub(crate) fn error(&self) -> Option<&'a SpanError> {
        self.extra.and_then(|e| e.error.as_ref())
    }

    /// Returns every attribute once: constants and recorded values as written, then late ones.
    ///
    /// A late value of a key that was recorded stands in the place of the earlier one.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + use<'a> {
        let (view, late) = (*self, self.late());
        let latest = move |(key, value): (&'static str, ValueRef<'a>)| {
            let later = late.iter().find(|(k, _)| k == key);
            (key as &'a str, later.map_or(value, |(_, v)| v.as_ref()))
        };
        let is_new = move |key: &str| !view.written().any(|(k, _)| k == key);
        let new = late.iter().filter(move |(key, _)| is_new(key));
        self.written()
            .map(latest)
            .chain(new.map(|(key, value)| (&**key, value.as_ref())))
    }
}

/// A finished span that owns its data. A [`RecordExporter`](crate::exporter::RecordExporter) receives these.
///
/// With the feature `serde` it is serialized with its fields: ids are lower-case hexadecimal texts,
/// and attributes an object.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SpanRecord {
    /// The span's name.
    pub name: Cow<'static, str>,
    /// The function's name.
    pub function: &'static str,
    /// The path of the function's module.
    pub module: &'static str,
    /// The id of the trace.
    pub trace_id: TraceId,
    /// The id of the span.
    pub span_id: SpanId,
    /// The id of the parent; none for a root.
    pub parent_id: Option<SpanId>,
    /// Whether the parent belongs to another process.
    pub parent_is_remote: bool,
    /// The span's role.
    pub kind: crate::SpanKind,
    /// When the call began, in nanoseconds since the Unix epoch.
    pub start_unix_nanos: u64,
    /// When the call ended, in nanoseconds since the Unix epoch.
    pub end_unix_nanos: u64,
    /// How the call ended.
    pub outcome: Outcome,
    /// Why the call failed, if it did.
    pub error: Option<SpanError>,
    /// The attributes; each key is there once.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::map"))]
    pub attributes: Vec<(Cow<'static, str>, AttributeValue)>,
    /// The events, in the order in which they were added.
    pub events: Vec<Event>,
    /// The links to other spans.
    pub links: Vec<Link>,
    /// Whether the span's status was set to "ok" through OpenTelemetry's API.
    #[cfg_attr(
        not(feature = "opentelemetry"),
        allow(dead_code, reason = "for the exporters of its SDK")
    )]
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) is_ok: bool,
}

impl SpanRecord {
    pub(crate) fn from_view(view: &SpanView<'_>) -> Self {
        let name = view.extra.and_then(|e| e.name.clone());
        let limits = crate::trace::limits::SpanLimits::current();
        Self {
            name: name.unwrap_or(Cow::Borrowed(view.callsite.name())),
            function: view.callsite.function(),
            module: view.callsite.module(),
            trace_id: view.trace_id,
            span_id: view.span_id,
            parent_id: view.parent_id.is_valid().then_some(view.parent_id),
            parent_is_remote: view.parent_is_remote,
            kind: view.callsite.kind(),
            start_unix_nanos: view.start_unix_nanos,
            end_unix_nanos: view.end_unix_nanos,
            outcome: view.outcome,
            error: view.error().cloned().or_else(|| match view.status() {
                Some(Status::Error(description)) => Some(SpanError {
                    exception: false,
                    ..SpanError::new(OTHER, Some(description.clone()).filter(|d| !d.is_empty()))
                }),
                _ => None,
            }),
            attributes: view
                .attributes()
                .take(limits.attributes as usize)
                .map(|(k, v)| (Cow::Owned(k.to_owned()), limits.value(v).to_owned()))
                .collect(),
            events: view.events().to_vec(),
            links: view.links().to_vec(),
            is_ok: view.status() == Some(&Status::Ok),
        }
    }

    /// Returns how long the call took.
    pub fn duration(&self) -> core::time::Duration {
        core::time::Duration::from_nanos(self.end_unix_nanos.saturating_sub(self.start_unix_nanos))
    }

    /// Returns the value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&AttributeValue> {
        self.attributes
            .iter()
            .find_map(|(k, v)| (k == key).then_some(v))
    }
}

#[cfg(all(test, feature = "serde"))]
#[path = "view_tests.rs"]
mod tests;
