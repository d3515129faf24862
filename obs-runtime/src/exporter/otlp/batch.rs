//! One export request: its items are appended, its outer headers written in front at the end.

use std::borrow::Cow;

use crate::exporter::delta::Receipt;
use crate::exporter::otlp::attributes::key_values;
use crate::exporter::otlp::library::Libraries;
use crate::exporter::otlp::protobuf::{field_len, len_tag, message, text, varint};
use crate::trace::AttributeValue;

/// What describes the program: the attributes of an OpenTelemetry resource.
pub(crate) type Resource = Vec<(Cow<'static, str>, AttributeValue)>;

/// Of `Export{Trace,Metrics,Logs}ServiceRequest`.
const RESOURCE_ITEMS: u32 = 1;
/// Of `Resource{Spans,Metrics,Logs}`.
const RESOURCE: u32 = 1;
pub(super) const SCOPE_ITEMS: u32 = 2;
/// Of `Resource`.
const ATTRIBUTES: u32 = 1;
/// Of `Scope{Spans,Metrics,Logs}`.
pub(super) const SCOPE: u32 = 1;
/// The field of `ScopeSpans`, `ScopeMetrics` and `ScopeLogs` that holds the items.
pub(super) const ITEMS: u32 = 2;
/// Of `InstrumentationScope`.
pub(super) const NAME: u32 = 1;
pub(super) const VERSION: u32 = 2;

/// The longest tag and length in front of a message.
const HEADER: usize = 6;

/// The parts in front of the items, which are the same in every request. Requests for traces,
/// metrics and logs have the same shape and the same numbers.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    resource: Vec<u8>,
    scope: Vec<u8>,
}

impl Envelope {
    pub(super) fn new(attributes: &Resource) -> Self {
        let mut resource = Vec::new();
        message(&mut resource, RESOURCE, |out| {
            key_values(out, ATTRIBUTES, attributes);
        });
        let mut scope = Vec::new();
        message(&mut scope, SCOPE, |out| {
            text(out, NAME, "obs");
            text(out, VERSION, env!("CARGO_PKG_VERSION"));
        });
        Self { resource, scope }
    }

    /// Room for the headers in front of the items.
    fn room(&self) -> usize {
        self.resource.len() + self.scope.len() + 2 * HEADER
    }

    /// An empty request; `spare` is memory of an earlier one.
    pub(super) fn begin(&self, mut spare: Vec<u8>) -> Open {
        spare.clear();
        spare.resize(self.room(), 0);
        Open {
            out: spare,
            room: self.room(),
            libraries: Libraries::default(),
            items: 0,
        }
    }

    /// Writes the headers in front of the items.
    pub(super) fn finish(&self, open: Open) -> Batch {
        let Open {
            mut out,
            room,
            libraries,
            items,
        } = open;
        let inner = self.scope.len() + out.len() - room;
        let libraries = libraries.encode();
        // A scope without items says nothing, unless it is the only one.
        let has_own = out.len() > room || libraries.is_empty();
        let own = if has_own { field_len(inner) } else { 0 };
        let outer = self.resource.len() + own + libraries.len();
        let mut head = Vec::with_capacity(room);
        head.push(len_tag(RESOURCE_ITEMS));
        varint(&mut head, outer as u64);
        head.extend_from_slice(&self.resource);
        if has_own {
            head.push(len_tag(SCOPE_ITEMS));
            varint(&mut head, inner as u64);
            head.extend_from_slice(&self.scope);
        }
        let start = room - head.len();
        out[start..room].copy_from_slice(&head);
        out.extend_from_slice(&libraries);
        Batch {
            buffer: out,
            start,
            items,
            receipt: None,
        }
    }
}

impl Envelope {
    /// A request of several scopes: the name and the encoded items of each. `spare` is memory of an earlier
    /// request.
    pub(super) fn finish_scopes(
        &self,
        scopes: &[(Cow<'static, str>, Vec<u8>)],
        items: u64,
        mut spare: Vec<u8>,
    ) -> Batch {
        spare.clear();
        let scope_len = |name: &str| {
            if name.is_empty() {
                0
            } else {
                field_len(name.len())
            }
        };
        let parts = scopes.iter().map(|(name, items)| {
            let inner = field_len(scope_len(name)) + items.len();
            (name, items, inner)
        });
        let inner: usize = parts.clone().map(|(_, _, inner)| field_len(inner)).sum();
        spare.push(len_tag(RESOURCE_ITEMS));
        varint(&mut spare, (self.resource.len() + inner) as u64);
        spare.extend_from_slice(&self.resource);
        for (name, items, inner) in parts {
            spare.push(len_tag(SCOPE_ITEMS));
            varint(&mut spare, inner as u64);
            message(&mut spare, SCOPE, |out| text(out, NAME, name));
            spare.extend_from_slice(items);
        }
        Batch {
            buffer: spare,
            start: 0,
            items,
            receipt: None,
        }
    }
}

/// A request that is being filled.
#[derive(Debug)]
pub(super) struct Open {
    /// Where items are appended, as field [`ITEMS`].
    pub(super) out: Vec<u8>,
    room: usize,
    /// Items of other libraries.
    pub(super) libraries: Libraries,
    /// How many were appended: spans or metric points.
    pub(super) items: u64,
}

impl Open {
    /// Encoded bytes of all items.
    pub(super) fn len(&self) -> usize {
        self.own_len() + self.libraries.len
    }

    /// Encoded bytes of the items that are no library's.
    pub(super) fn own_len(&self) -> usize {
        self.out.len() - self.room
    }

    /// Takes back what was appended since [`Open::own_len`] was `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.out.truncate(self.room + len);
    }
}

/// A finished request.
pub(super) struct Batch {
    buffer: Vec<u8>,
    start: usize,
    pub(super) items: u64,
    /// To be told if the request is delivered; otherwise its deltas are given back.
    pub(super) receipt: Option<Receipt>,
}

impl Batch {
    /// The encoded request.
    pub(super) fn body(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Its fate is known.
    pub(super) fn settle(&self, delivered: bool) {
        if let Some(receipt) = &self.receipt {
            receipt.settle(delivered);
        }
    }

    /// A request that was encoded earlier.
    pub(super) const fn encoded(body: Vec<u8>, items: u64) -> Self {
        Self {
            buffer: body,
            start: 0,
            items,
            receipt: None,
        }
    }

    /// Gives the memory back for another request.
    pub(super) fn into_spare(self) -> Vec<u8> {
        self.buffer
    }
}

impl core::fmt::Debug for Batch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Batch")
            .field("items", &self.items)
            .field("bytes", &self.body().len())
            .finish_non_exhaustive()
    }
}
