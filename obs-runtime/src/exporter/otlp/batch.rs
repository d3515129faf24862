//! One export request: its items are appended, its outer headers written in front at the end.

use std::borrow::Cow;

use crate::exporter::delta::Receipt;
use crate::exporter::otlp::attributes::key_values;
use crate::exporter::otlp::library::{Libraries, Library};
use crate::exporter::otlp::protobuf::{field_len, len_tag, message, text, varint};
use crate::memory::Held;
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
pub(super) const SCOPE_ATTRIBUTES: u32 = 3;

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

    /// Returns the room for the headers in front of the items.
    fn room(&self) -> usize {
        self.resource.len() + self.scope.len() + 2 * HEADER
    }

    /// Begins an empty request; `spare` is memory of an earlier one.
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

    /// Writes the headers in front of the items, and the items of libraries behind them.
    pub(super) fn finish(&self, open: Open) -> Batch {
        let Open {
            mut out,
            room,
            libraries,
            items,
        } = open;
        let own_end = out.len();
        libraries.encode(&mut out);
        let of_libraries = out.len() - own_end;
        let inner = self.scope.len() + own_end - room;
        // A scope without items says nothing, unless it is the only one.
        let has_own = own_end > room || of_libraries == 0;
        let own = if has_own { field_len(inner) } else { 0 };
        let outer = self.resource.len() + own + of_libraries;
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
        Batch {
            buffer: out,
            start,
            items,
            receipt: None,
            held: Held::none(),
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
    libraries: Libraries,
    /// How many were appended: spans, log records or metric points.
    pub(super) items: u64,
}

impl Open {
    /// Returns an upper bound of the bytes that the finished request has.
    pub(super) fn len(&self) -> usize {
        self.out.len() + self.libraries.len
    }

    /// Returns the number of encoded bytes of the items that are no library's.
    pub(super) fn own_len(&self) -> usize {
        self.out.len() - self.room
    }

    /// Adds an item of a library, which `encode` appends; returns false if the request would then have more than
    /// `most` bytes.
    pub(super) fn add(
        &mut self,
        library: &Library,
        most: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let most = most.saturating_sub(self.out.len());
        let fits = self.libraries.add(library, most, encode);
        self.items += u64::from(fits);
        fits
    }

    /// Has `encode` append to the items of a library, given the bytes that the request has without them; takes it back
    /// and returns false if that says so. The caller counts the items.
    pub(super) fn put(
        &mut self,
        library: &Library,
        encode: impl FnOnce(&mut Vec<u8>, usize) -> bool,
    ) -> bool {
        let own = self.out.len();
        let encode = |items: &mut Vec<u8>, others| encode(items, own + others);
        self.libraries.put(library, encode)
    }

    /// Takes back what was appended since [`Open::own_len`] was `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.out.truncate(self.room + len);
    }
}

/// The memory of an earlier request, and its part of the memory budget.
pub(super) type Spare = (Vec<u8>, Held);

/// A finished request.
pub(super) struct Batch {
    buffer: Vec<u8>,
    start: usize,
    pub(super) items: u64,
    /// To be told if the request is delivered; otherwise its deltas are given back.
    pub(super) receipt: Option<Receipt>,
    /// The part of the memory budget that it has while it waits and is sent.
    pub(super) held: Held,
}

impl Batch {
    /// Returns the encoded request.
    pub(super) fn body(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Tells the receipt, if there is one, what became of the request.
    pub(super) fn settle(&self, delivered: bool) {
        if let Some(receipt) = &self.receipt {
            receipt.settle(delivered);
        }
    }

    /// Makes a request of what was encoded earlier.
    pub(super) fn encoded(body: Vec<u8>, items: u64) -> Self {
        Self {
            buffer: body,
            start: 0,
            items,
            receipt: None,
            held: Held::none(),
        }
    }

    /// Returns how many bytes its memory has.
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Gives the memory back for another request.
    pub(super) fn into_spare(self) -> Spare {
        (self.buffer, self.held)
    }
}
