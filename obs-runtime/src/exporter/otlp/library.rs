//! Spans of libraries that trace through OpenTelemetry's API: in a request they stand under an
//! instrumentation scope of their own, as the SDK would send them.

use crate::callsite::Callsite;
use crate::callsite::ConstValue;
use crate::exporter::otlp::batch::{NAME, SCOPE, SCOPE_ITEMS, VERSION};
use crate::exporter::otlp::protobuf::{field_len, len_tag, message, text, varint};
use crate::semconv::attribute::{OTEL_SCOPE_NAME, OTEL_SCOPE_VERSION};

/// Name and version of a library; the latter may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Library {
    name: &'static str,
    version: &'static str,
}

impl Library {
    /// The library that a callsite names.
    pub(super) fn of(site: &'static Callsite) -> Option<Self> {
        let constant = |wanted| {
            let mut all = site.constants().iter();
            all.find_map(|(key, value)| match value {
                ConstValue::Str(text) if *key == wanted => Some(*text),
                _ => None,
            })
        };
        Some(Self {
            name: constant(OTEL_SCOPE_NAME)?,
            version: constant(OTEL_SCOPE_VERSION).unwrap_or_default(),
        })
    }

    /// Whether an attribute only says which library it is.
    pub(super) fn is_named_by(key: &str) -> bool {
        key == OTEL_SCOPE_NAME || key == OTEL_SCOPE_VERSION
    }

    /// The field of the scope.
    fn scope(self) -> Vec<u8> {
        let mut scope = Vec::with_capacity(self.name.len() + self.version.len() + OVERHEAD);
        message(&mut scope, SCOPE, |out| {
            text(out, NAME, self.name);
            text(out, VERSION, self.version);
        });
        scope
    }
}

/// What a scope needs beside its name, its version and its spans, at most.
const OVERHEAD: usize = 32;

/// The encoded spans of one request, by library.
#[derive(Debug, Default)]
pub(super) struct Libraries {
    all: Vec<(Library, Vec<u8>)>,
    /// The most bytes that they take in the request.
    pub(super) len: usize,
}

impl Libraries {
    /// Has `encode` append an item of a library; takes it back and returns false if all of them would then
    /// take more than `most` bytes.
    pub(super) fn add(
        &mut self,
        library: Library,
        most: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let known = self.all.iter().position(|(l, _)| *l == library);
        let (at, scope) = if let Some(at) = known {
            (at, 0)
        } else {
            self.all.push((library, Vec::new()));
            let scope = library.name.len() + library.version.len() + OVERHEAD;
            (self.all.len() - 1, scope)
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
        self.len = len;
        true
    }

    /// The messages of all scopes, each a field of the resource's.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len);
        for (library, items) in &self.all {
            let scope = library.scope();
            let inner = scope.len() + items.len();
            out.reserve(field_len(inner));
            out.push(len_tag(SCOPE_ITEMS));
            varint(&mut out, inner as u64);
            out.extend_from_slice(&scope);
            out.extend_from_slice(items);
        }
        out
    }
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
