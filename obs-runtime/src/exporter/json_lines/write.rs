//! JSON as the Protocol Buffers mapping writes it: 64-bit numbers are texts, ids hexadecimal
//! (OTLP, "JSON Protobuf Encoding").

use core::fmt::Display;
use std::borrow::Cow;

use crate::AttributeValue;
use crate::metrics::json;

/// A text that grows; separators come by themselves.
#[derive(Debug, Default)]
pub(super) struct Json(String);

impl Json {
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn separate(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(['{', '[', ':']) {
            self.0.push(',');
        }
    }

    pub(super) fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.separate();
        self.0.push('{');
        write(self);
        self.0.push('}');
    }

    pub(super) fn array<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.separate();
        self.0.push('[');
        for item in items {
            write(self, item);
        }
        self.0.push(']');
    }

    /// The name of the member that follows.
    pub(super) fn key(&mut self, name: &str) -> &mut Self {
        self.string(name);
        self.0.push(':');
        self
    }

    pub(super) fn string(&mut self, text: &str) {
        self.separate();
        json::string(&mut self.0, text);
    }

    /// A number of 32 bits, or what else needs no quotes.
    pub(super) fn plain(&mut self, value: impl Display) {
        self.separate();
        self.0.push_str(&value.to_string());
    }

    /// A number of 64 bits, or an id: in quotes, without escapes.
    pub(super) fn quoted(&mut self, value: impl Display) {
        self.plain(format_args!("\"{value}\""));
    }

    pub(super) fn double(&mut self, value: f64) {
        self.separate();
        json::float(&mut self.0, value);
    }

    /// A list of `KeyValue`.
    pub(super) fn attributes<'a>(
        &mut self,
        all: impl IntoIterator<Item = &'a (Cow<'static, str>, AttributeValue)>,
    ) {
        self.array(all, |json, (key, value)| {
            json.pair(key, |json| json.value(value));
        });
    }

    /// A `KeyValue`.
    pub(super) fn pair(&mut self, key: &str, value: impl FnOnce(&mut Self)) {
        self.object(|json| {
            json.key("key").string(key);
            value(json.key("value"));
        });
    }

    /// An `AnyValue` that is a text.
    pub(super) fn text_value(&mut self, text: &str) {
        self.object(|json| json.key("stringValue").string(text));
    }

    fn value(&mut self, value: &AttributeValue) {
        fn boolean(json: &mut Json, v: bool) {
            json.object(|json| json.key("boolValue").plain(v));
        }
        fn int(json: &mut Json, v: i64) {
            json.object(|json| json.key("intValue").quoted(v));
        }
        fn double(json: &mut Json, v: f64) {
            json.object(|json| json.key("doubleValue").double(v));
        }
        fn list<T: Copy>(json: &mut Json, all: &[T], write: fn(&mut Json, T)) {
            json.object(|json| {
                json.key("arrayValue").object(|json| {
                    json.key("values").array(all.iter().copied(), write);
                });
            });
        }
        match value {
            AttributeValue::String(v) => self.text_value(v),
            AttributeValue::Bool(v) => boolean(self, *v),
            AttributeValue::I64(v) => int(self, *v),
            AttributeValue::F64(v) => double(self, *v),
            AttributeValue::BoolArray(v) => list(self, v, boolean),
            AttributeValue::I64Array(v) => list(self, v, int),
            AttributeValue::F64Array(v) => list(self, v, double),
            AttributeValue::StringArray(v) => {
                let texts: Vec<&str> = v.iter().map(|v| &**v).collect();
                list(self, &texts, Self::text_value);
            }
        }
    }

    /// A list of one object.
    fn only(&mut self, write: impl FnOnce(&mut Self)) {
        self.separate();
        self.0.push('[');
        self.object(write);
        self.0.push(']');
    }

    /// Resource, scope and the list of items that makes a request.
    pub(super) fn envelope<T>(
        (resources, scopes, items): (&str, &str, &str),
        resource: &[(Cow<'static, str>, AttributeValue)],
        all: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut Self, T),
    ) -> Self {
        let scope = |json: &mut Self| {
            json.key("name").string("obs");
            json.key("version").string(env!("CARGO_PKG_VERSION"));
        };
        let mut json = Self::default();
        json.object(|json| {
            json.key(resources).only(|json| {
                json.key("resource")
                    .object(|json| json.key("attributes").attributes(resource));
                json.key(scopes).only(|json| {
                    json.key("scope").object(scope);
                    json.key(items).array(all, write);
                });
            });
        });
        json
    }
}
