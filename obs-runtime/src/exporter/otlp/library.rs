//! Items of libraries: in a request they stand under an instrumentation scope of their own, as the SDK would send them.
//!
//! Spans belong to one if they were traced through OpenTelemetry's API, and each log record belongs to its target.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::callsite::{Callsite, ConstValue};
use crate::exporter::otlp::batch::{NAME, SCOPE, SCOPE_ITEMS, VERSION};
use crate::exporter::otlp::protobuf::{field_len, len_tag, message, text, varint};
use crate::semconv::attribute::{OTEL_SCOPE_NAME, OTEL_SCOPE_VERSION};

/// The name and the version of a library; either may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Library {
    name: Cow<'static, str>,
    version: &'static str,
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
            version: constant(OTEL_SCOPE_VERSION).unwrap_or_default(),
        })
    }

    /// Returns the library that the target of a log record stands for.
    pub(super) const fn of_target(target: Cow<'static, str>) -> Self {
        Self {
            name: target,
            version: "",
        }
    }

    /// Returns whether an attribute only says which library it is.
    pub(super) fn is_named_by(key: &str) -> bool {
        key == OTEL_SCOPE_NAME || key == OTEL_SCOPE_VERSION
    }

    /// Returns an upper bound of the bytes that its scope takes beside the items.
    fn most_bytes(&self) -> usize {
        const OVERHEAD: usize = 32;
        self.name.len() + self.version.len() + OVERHEAD
    }

    /// Encodes the field of the scope.
    fn scope(&self) -> Vec<u8> {
        let mut scope = Vec::with_capacity(self.most_bytes());
        message(&mut scope, SCOPE, |out| {
            text(out, NAME, &self.name);
            text(out, VERSION, self.version);
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
        let known = self.place(library);
        let (at, scope) = if let Some(at) = known {
            (at, 0)
        } else {
            self.all.push((library.clone(), Vec::new()));
            (self.all.len() - 1, library.most_bytes())
        };
        let items = &mut self.all[at].1;
        let before = items.len();
        encode(items);
        let len = self.len + scope + items.len() - before;
        if len > most {
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
            let inner = scope.len() + items.len();
            out.reserve(field_len(inner));
            out.push(len_tag(SCOPE_ITEMS));
            varint(out, inner as u64);
            out.extend_from_slice(&scope);
            out.extend_from_slice(items);
        }
    }
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
