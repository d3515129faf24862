//! Attribute values outside the hot path, owned and borrowed, and the parts that few spans have.
//!
//! Users and adapters create [`AttributeValue`]s; the fields of annotated functions are
//! [`Value`](super::Value)s and become [`ValueRef`]s only when the drain reads them.

use std::borrow::Cow;

use crate::callsite::{ConstValue, Level};
use crate::clock::unix_nanos;
use crate::panics;
use crate::redact::{MASK, is_secret_key};
use crate::trace::SpanContext;
use crate::trace::chain::Link as ChainLink;
use crate::trace::limits::SpanLimits;
use crate::trace::local::{redact, redact_kept};

/// An attribute's value (OpenTelemetry common attributes: a primitive or a homogeneous array).
///
/// With the feature `serde` it is serialized as the value alone. Infinity and NaN are the texts
/// `"Infinity"`, `"-Infinity"` and `"NaN"`, because JSON has no numbers for them.
///
/// ```
/// use obs_runtime::AttributeValue;
/// assert_eq!(AttributeValue::from(3), AttributeValue::I64(3));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum AttributeValue {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A floating-point number.
    F64(#[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::float"))] f64),
    /// A text.
    String(Cow<'static, str>),
    /// A list of truth values.
    BoolArray(Vec<bool>),
    /// A list of whole numbers.
    I64Array(Vec<i64>),
    /// A list of floating-point numbers.
    F64Array(
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::floats"))] Vec<f64>,
    ),
    /// A list of texts.
    StringArray(Vec<Cow<'static, str>>),
}

impl AttributeValue {
    /// Returns the value without its secrets; none if it has none.
    ///
    /// Under the name of a secret it is masked whatever it is, but for a truth value, which says only
    /// whether there is one. Else `text` masks its texts.
    pub(crate) fn redacted(
        &self,
        key: &str,
        text: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let is_secret = is_secret_key(key);
        let masked = |value: &str| {
            if is_secret {
                (value != MASK).then(|| MASK.to_owned())
            } else {
                text(value)
            }
        };
        match self {
            Self::String(value) => masked(value).map(Into::into),
            Self::StringArray(values) => {
                let all: Vec<_> = values.iter().map(|value| masked(value)).collect();
                let both = all.into_iter().zip(values);
                let is_dirty = both.clone().any(|(masked, _)| masked.is_some());
                let texts =
                    both.map(|(masked, value)| masked.map_or_else(|| value.clone(), Cow::Owned));
                is_dirty.then(|| Self::StringArray(texts.collect()))
            }
            Self::Bool(_) | Self::BoolArray(_) => None,
            _ => is_secret.then(|| MASK.into()),
        }
    }
}

/// A borrowed [`AttributeValue`], as finished spans hand it to exporters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A text.
    Str(&'a str),
    /// A list of truth values.
    BoolArray(&'a [bool]),
    /// A list of whole numbers.
    I64Array(&'a [i64]),
    /// A list of floating-point numbers.
    F64Array(&'a [f64]),
    /// A list of texts.
    StringArray(&'a [Cow<'static, str>]),
}

impl AttributeValue {
    /// Borrows the value.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Bool(v) => ValueRef::Bool(*v),
            Self::I64(v) => ValueRef::I64(*v),
            Self::F64(v) => ValueRef::F64(*v),
            Self::String(v) => ValueRef::Str(v),
            Self::BoolArray(v) => ValueRef::BoolArray(v),
            Self::I64Array(v) => ValueRef::I64Array(v),
            Self::F64Array(v) => ValueRef::F64Array(v),
            Self::StringArray(v) => ValueRef::StringArray(v),
        }
    }
}

impl ValueRef<'_> {
    /// Copies the value.
    pub fn to_owned(self) -> AttributeValue {
        match self {
            Self::Bool(v) => AttributeValue::Bool(v),
            Self::I64(v) => AttributeValue::I64(v),
            Self::F64(v) => AttributeValue::F64(v),
            Self::Str(v) => AttributeValue::String(Cow::Owned(v.to_owned())),
            Self::BoolArray(v) => AttributeValue::BoolArray(v.to_vec()),
            Self::I64Array(v) => AttributeValue::I64Array(v.to_vec()),
            Self::F64Array(v) => AttributeValue::F64Array(v.to_vec()),
            Self::StringArray(v) => AttributeValue::StringArray(v.to_vec()),
        }
    }
}

impl From<ConstValue> for ValueRef<'static> {
    fn from(value: ConstValue) -> Self {
        match value {
            ConstValue::Str(v) => Self::Str(v),
            ConstValue::I64(v) => Self::I64(v),
            ConstValue::F64(v) => Self::F64(v),
            ConstValue::Bool(v) => Self::Bool(v),
        }
    }
}

macro_rules! from {
    ($($t:ty => $variant:ident),* $(,)?) => {
        $(impl From<$t> for AttributeValue {
            fn from(v: $t) -> Self {
                Self::$variant(v.into())
            }
        })*
    };
}

from! {
    bool => Bool, i8 => I64, i16 => I64, i32 => I64, i64 => I64, u8 => I64, u16 => I64, u32 => I64,
    f32 => F64, f64 => F64, &'static str => String, String => String, Cow<'static, str> => String,
    Vec<bool> => BoolArray, Vec<i64> => I64Array, Vec<f64> => F64Array,
    Vec<Cow<'static, str>> => StringArray,
}

impl From<u64> for AttributeValue {
    /// Converts a number; one that does not fit `i64` becomes text, as OpenTelemetry has no larger
    /// ones.
    fn from(v: u64) -> Self {
        i64::try_from(v).map_or_else(|_| Self::String(v.to_string().into()), Self::I64)
    }
}

impl From<usize> for AttributeValue {
    fn from(v: usize) -> Self {
        Self::from(v as u64)
    }
}

impl From<Vec<String>> for AttributeValue {
    fn from(v: Vec<String>) -> Self {
        Self::StringArray(v.into_iter().map(Cow::Owned).collect())
    }
}

/// An event: something that happened at one moment of a span.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Event {
    /// The event's name.
    pub name: Cow<'static, str>,
    /// When it happened, in nanoseconds since the Unix epoch.
    pub unix_nanos: u64,
    /// The event's attributes.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::map"))]
    pub attributes: Vec<(Cow<'static, str>, AttributeValue)>,
}

impl Event {
    /// Creates an event that happens now.
    pub(crate) fn now(
        name: Cow<'static, str>,
        attributes: Vec<(Cow<'static, str>, AttributeValue)>,
    ) -> Self {
        Self {
            name,
            unix_nanos: unix_nanos(),
            attributes,
        }
    }
}

/// A reference to another span.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Link {
    /// The other span.
    pub context: SpanContext,
    /// The attributes of the reference.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::map"))]
    pub attributes: Vec<(Cow<'static, str>, AttributeValue)>,
}

impl Link {
    /// Creates a link without attributes.
    pub(crate) fn to(context: SpanContext) -> Self {
        Self {
            context,
            attributes: Vec::new(),
        }
    }
}

/// Why a span failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SpanError {
    /// The value of `error.type`: a type's path, `panic`, or what the user named, secrets masked.
    pub kind: Cow<'static, str>,
    /// The message with its secrets masked, if the error has one.
    pub message: Option<String>,
    /// The severity of the exception, if `err(level = …)` gives one.
    pub level: Option<Level>,
    /// Whether the exception is recorded with this span.
    ///
    /// It is not if a child of the span failed with the same error, which is recorded there, or if
    /// `level` is more verbose than the configured one.
    pub exception: bool,
    /// The backtrace that the error has captured, if it has.
    pub stacktrace: Option<String>,
    /// The error and its causes, if it has any.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) chain: Vec<ChainLink>,
}

impl SpanError {
    pub(crate) fn new(kind: impl Into<Cow<'static, str>>, message: Option<String>) -> Self {
        Self {
            kind: kind.into(),
            message,
            level: None,
            exception: true,
            stacktrace: None,
            chain: Vec::new(),
        }
    }

    /// Creates the error of a span that a panic ends, and perhaps its parent next.
    pub(crate) fn of_panic(span: u64, parent: u64) -> Self {
        match panics::take(span, parent) {
            Some(text) => Self::redacted("panic", &text),
            None => Self::new("panic", None),
        }
    }

    /// Creates an error from what a user says; secrets in it are masked.
    pub(crate) fn redacted(kind: impl Into<Cow<'static, str>>, message: &str) -> Self {
        Self::new(redact_kept(kind.into()), Some(redact(message).into_owned()))
    }
}

/// The parts of a span that few spans have, kept out of the record.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpanExtra {
    /// The name that replaces the callsite's.
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) attributes: Vec<(Cow<'static, str>, AttributeValue)>,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
    pub(crate) error: Option<SpanError>,
    /// A status that was set through OpenTelemetry's API, without `error.type` and event.
    pub(crate) status: Option<Status>,
    /// The start that the user gave instead of the measured one, in nanoseconds since the Unix
    /// epoch.
    pub(crate) start_unix_nanos: Option<u64>,
    pub(crate) end_unix_nanos: Option<u64>,
    /// The span as OpenTelemetry knows it, until it has finished.
    #[cfg(feature = "opentelemetry")]
    pub(crate) boundary: Option<crate::trace::bridge::boundary::Boundary>,
    /// What others say of the span while it runs.
    #[cfg(feature = "tracing")]
    pub(crate) mailboxes: crate::trace::mailbox::Mailboxes,
    /// What log lines inside of the span show while it runs.
    #[cfg(feature = "tracing")]
    pub(crate) line_fields: Option<crate::trace::line_fields::LineFields>,
    /// How many attributes the limits kept out.
    pub(crate) dropped_attributes: u32,
    pub(crate) dropped_events: u32,
    pub(crate) dropped_links: u32,
}

/// A status of OpenTelemetry's API; without one it is "unset" (trace API, "Set Status").
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "opentelemetry"),
    allow(dead_code, reason = "only OpenTelemetry's API sets one")
)]
pub(crate) enum Status {
    Ok,
    /// The status "error" with its description, secrets masked.
    Error(String),
}

impl SpanExtra {
    /// Sets the status. "Ok" is final, and nothing unsets a status (OpenTelemetry trace API, "Set
    /// Status").
    pub(crate) fn set_status(&mut self, status: Option<Status>) {
        if status.is_some() && self.status != Some(Status::Ok) {
            self.status = status;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.attributes.is_empty()
            && self.events.is_empty()
            && self.links.is_empty()
            && self.error.is_none()
            && self.dropped_attributes + self.dropped_events + self.dropped_links == 0
            && self.status.is_none()
            && self.start_unix_nanos.is_none()
            && self.end_unix_nanos.is_none()
            && !self.is_spoken_of()
    }

    /// Returns whether others may have something to say of the span.
    fn is_spoken_of(&self) -> bool {
        #[cfg(feature = "tracing")]
        return !self.mailboxes.is_empty();
        #[cfg(not(feature = "tracing"))]
        false
    }

    /// Adds what others have said of the span, now that it ends.
    #[cfg(feature = "tracing")]
    pub(crate) fn settle(&mut self) {
        self.line_fields = None;
        for said in self.mailboxes.close() {
            self.merge(said);
        }
    }

    /// Returns whether somebody said that the span failed.
    pub(crate) fn failed(&self) -> bool {
        self.error.is_some() || matches!(self.status, Some(Status::Error(_)))
    }

    /// Adds data that came later.
    pub(crate) fn merge(&mut self, later: Self) {
        self.name = later.name.or(self.name.take());
        for (key, value) in later.attributes {
            self.set(key, value);
        }
        later
            .events
            .into_iter()
            .for_each(|event| self.add_event(event));
        later.links.into_iter().for_each(|link| self.add_link(link));
        self.error = self.error.take().or(later.error);
        self.set_status(later.status);
        self.dropped_attributes += later.dropped_attributes;
        self.dropped_events += later.dropped_events;
        self.dropped_links += later.dropped_links;
        #[cfg(feature = "tracing")]
        for said in self.mailboxes.merge(later.mailboxes) {
            self.merge(said);
        }
    }

    /// Sets an attribute. The last value of a key wins.
    pub(crate) fn set(&mut self, key: Cow<'static, str>, mut value: AttributeValue) {
        let limits = SpanLimits::current();
        limits.cut(&mut value);
        #[cfg(feature = "tracing")]
        if let Some(fields) = &self.line_fields {
            fields.record(&key, &value);
        }
        let has_room = self.attributes.len() < limits.attributes as usize;
        match self.attributes.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None if has_room => {
                self.attributes.push((key, value));
            }
            None => self.dropped_attributes += 1,
        }
    }

    pub(crate) fn add_event(&mut self, mut event: Event) {
        let limits = SpanLimits::current();
        if self.events.len() < limits.events as usize {
            event.attributes.iter_mut().for_each(|(_, v)| limits.cut(v));
            self.events.push(event);
        } else {
            self.dropped_events += 1;
        }
    }

    pub(crate) fn add_link(&mut self, mut link: Link) {
        let limits = SpanLimits::current();
        if self.links.len() < limits.links as usize {
            link.attributes.iter_mut().for_each(|(_, v)| limits.cut(v));
            self.links.push(link);
        } else {
            self.dropped_links += 1;
        }
    }
}
