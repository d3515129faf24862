//! What metrics and spans have in common in the JSON mapping of Protocol Buffers: 64-bit numbers are texts, ids
//! hexadecimal (OTLP, "JSON Protobuf Encoding").

use std::borrow::Cow;

use serde::ser::{Serialize, Serializer};

use crate::AttributeValue;
use crate::json::{Each, Field, Float, Object, Text};

/// Puts a list of items under its scope and its resource, which makes a request.
pub(super) fn envelope(
    (resources, scopes, items): (&'static str, &'static str, &'static str),
    resource: &[(Cow<'static, str>, AttributeValue)],
    all: impl Serialize,
) -> impl Serialize {
    let scope = Object((
        Field("name", "obs"),
        Field("version", env!("CARGO_PKG_VERSION")),
    ));
    let scoped = Object((Field("scope", scope), Field(items, all)));
    let of_resource = Object((
        Field("resource", Object(attributes(resource))),
        Field(scopes, [scoped]),
    ));
    Object(Field(resources, [of_resource]))
}

/// Returns the list of `KeyValue` under its usual name.
pub(super) fn attributes(
    all: &[(Cow<'static, str>, AttributeValue)],
) -> Field<'static, impl Serialize> {
    let pairs = all.iter().map(|(k, v)| key_value(k, Value::Of(v)));
    Field("attributes", Each(pairs))
}

/// Returns a `KeyValue`.
pub(super) fn key_value<T: Serialize>(key: &str, value: T) -> impl Serialize {
    Object((Field("key", key), Field("value", value)))
}

fn text_value(text: &str) -> impl Serialize {
    Object(Field("stringValue", text))
}

/// An `AnyValue`.
pub(super) enum Value<'a> {
    Of(&'a AttributeValue),
    Text(&'a str),
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let boolean = |v: &bool| Object(Field("boolValue", *v));
        let int = |v: &i64| Object(Field("intValue", Text(*v)));
        let double = |v: &f64| Object(Field("doubleValue", Float(*v)));
        let value = match self {
            Self::Of(value) => value,
            Self::Text(text) => return text_value(text).serialize(serializer),
        };
        match value {
            AttributeValue::String(v) => text_value(v).serialize(serializer),
            AttributeValue::Bool(v) => boolean(v).serialize(serializer),
            AttributeValue::I64(v) => int(v).serialize(serializer),
            AttributeValue::F64(v) => double(v).serialize(serializer),
            AttributeValue::BoolArray(v) => list(v, boolean).serialize(serializer),
            AttributeValue::I64Array(v) => list(v, int).serialize(serializer),
            AttributeValue::F64Array(v) => list(v, double).serialize(serializer),
            AttributeValue::StringArray(v) => list(v, |v| text_value(v)).serialize(serializer),
        }
    }
}

fn list<'a, T, R: Serialize>(all: &'a [T], value: impl Fn(&'a T) -> R + Clone) -> impl Serialize {
    let values = Each(all.iter().map(value));
    Object(Field("arrayValue", Object(Field("values", values))))
}
