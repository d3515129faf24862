//! Items of libraries: in a request they stand under an instrumentation scope of their own, as the SDK would send them.
//!
//! Spans and metrics belong to one if they were made through OpenTelemetry's API, and each log record belongs to its
//! target.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::callsite::{Callsite, ConstValue};
use crate::exporter::otlp::attributes::key_values;
use crate::exporter::otlp::batch::{NAME, SCOPE, SCOPE_ATTRIBUTES, SCOPE_ITEMS, VERSION};
use crate::exporter::otlp::protobuf::{field_len, len_tag, message, text, varint};
use crate::metrics::MetricFamily;
use crate::semconv::attribute::{OTEL_SCOPE_NAME, OTEL_SCOPE_VERSION};

/// Of `Scope{Spans,Metrics,Logs}`.
const SCHEMA_URL: u32 = 3;

/// The name and the version of a library, and what else is known of it; each may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Library {
    name: Cow<'static, str>,
    version: Cow<'static, str>,
    schema_url: Cow<'static, str>,
    /// Encoded for its scope.
    attributes: Vec<u8>,
}

impl Library {
    /// Returns the library that a callsite names.
    pub(super) fn of(site: &'static Callsite) -> Option<Self> {
        let constant = |wanted| {
            let mut all = site.constants().iter();
            all.find_map(|(key, value)| match value {
                ConstValue::Str(text) if *key == wanted => Some(*text),
                _ => None,
            })
        };
        Some(Self {
            name: constant(OTEL_SCOPE_NAME)?.into(),
            version: constant(OTEL_SCOPE_VERSION).unwrap_or_default().into(),
            ..Self::default()
        })
    }

    /// Returns the library that the target of a log record stands for.
    pub(super) fn of_target(target: Cow<'static, str>) -> Self {
        Self {
            name: target,
            ..Self::default()
        }
    }

    /// Returns the library that a metric belongs to. One without a name is obs' own.
    pub(super) fn of_metric(family: &MetricFamily) -> Option<Self> {
        let library = family.library.as_deref()?;
        let text = |text: &str| Cow::Owned(text.to_owned());
        let mut attributes = Vec::new();
        key_values(&mut attributes, SCOPE_ATTRIBUTES, library.attributes());
        (!library.name().is_empty()).then(|| Self {
            name: text(library.name()),
            version: text(library.version()),
            schema_url: text(library.schema_url()),
            attributes,
        })
    }

    /// Returns whether an attribute only says which library it is.
    pub(super) fn is_named_by(key: &str) -> bool {
        key == OTEL_SCOPE_NAME || key == OTEL_SCOPE_VERSION
    }

    /// Returns an upper bound of the bytes that its scope takes beside the items.
    fn most_bytes(&self) -> usize {
        const OVERHEAD: usize = 40;
        let texts = self.name.len() + self.version.len() + self.schema_url.len();
        texts + self.attributes.len() + OVERHEAD
    }

    /// Encodes the field of the scope.
    fn scope(&self) -> Vec<u8> {
        let mut scope = Vec::with_capacity(self.most_bytes());
        message(&mut scope, SCOPE, |out| {
            text(out, NAME, &self.name);
            text(out, VERSION, &self.version);
            out.extend_from_slice(&self.attributes);
        });
        scope
    }
}

/// The encoded items of one request, by library.
#[derive(Debug, Default)]
pub(super) struct Libraries {
    /// Libraries stand in the order in which their first items came.
    all: Vec<(Library, Vec<u8>)>,
    places: HashMap<Library, usize>,
    /// The place of the library that the last item was of.
    last: usize,
    /// The most bytes that they take in the request.
    pub(super) len: usize,
}

impl Libraries {
    /// Has `encode` append an item of a library; takes it back and returns false if all of them would then
    /// take more than `most` bytes.
    pub(super) fn add(
        &mut self,
        library: &Library,
        most: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        self.put(library, |items, others| {
            let before = items.len();
            encode(items);
            others + items.len() - before <= most
        })
    }

    /// Has `encode` append to the items of a library, given the bytes that everything before takes; takes it back
    /// and returns false if that says so.
    pub(super) fn put(
        &mut self,
        library: &Library,
        encode: impl FnOnce(&mut Vec<u8>, usize) -> bool,
    ) -> bool {
        let known = self.place(library);
        let (at, scope) = if let Some(at) = known {
            (at, 0)
        } else {
            self.all.push((library.clone(), Vec::new()));
            (self.all.len() - 1, library.most_bytes())
        };
        let items = &mut self.all[at].1;
        let before = items.len();
        let keep = encode(items, self.len + scope);
        let len = self.len + scope + items.len() - before;
        if !keep {
            items.truncate(before);
            if known.is_none() {
                self.all.pop();
            }
            return false;
        }
        if known.is_none() {
            self.places.insert(library.clone(), at);
        }
        (self.last, self.len) = (at, len);
        true
    }

    fn place(&self, library: &Library) -> Option<usize> {
        // Most items follow one of the same library, which is found without a hash.
        let last = self.all.get(self.last);
        if last.is_some_and(|(last, _)| last == library) {
            return Some(self.last);
        }
        self.places.get(library).copied()
    }

    /// Appends the messages of all scopes, each as a field of the resource's.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for (library, items) in &self.all {
            let scope = library.scope();
            let mut url = Vec::new();
            text(&mut url, SCHEMA_URL, &library.schema_url);
            let inner = scope.len() + items.len() + url.len();
            out.reserve(field_len(inner));
            out.push(len_tag(SCOPE_ITEMS));
            varint(out, inner as u64);
            out.extend_from_slice(&scope);
            out.extend_from_slice(items);
            out.extend_from_slice(&url);
        }
    }
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
