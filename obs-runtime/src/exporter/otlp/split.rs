//! A request in two halves, for a receiver that finds the whole too large.
//!
//! The encoded request is read again: it may come from the disk, where nothing else is known of it.

use core::ops::Range;

use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::Signal;
use crate::exporter::otlp::protobuf::{Field, Reader, message};

/// The fields that lead from an export request to its items, one step for each message; the last are the items.
type Path = &'static [&'static [u64]];

/// Through `Resource{Spans,Logs}` and `Scope{Spans,Logs}`.
const ITEMS: Path = &[&[1], &[2], &[2]];
/// Through `ResourceMetrics`, `ScopeMetrics`, `Metric`, and its gauge, sum or histogram.
const POINTS: Path = &[&[1], &[2], &[2], &[5, 7, 9, 10], &[1]];

/// Returns two requests with half of the items each. `None` if there is only one item, which cannot be divided.
pub(super) fn halve(batch: &Batch, signal: Signal) -> Option<[Batch; 2]> {
    let path = match signal {
        Signal::Traces | Signal::Logs => ITEMS,
        Signal::Metrics => POINTS,
    };
    let items = batch.items;
    let part = |kept: Range<u64>| {
        let len = kept.end - kept.start;
        let mut out = Vec::with_capacity(batch.body().len() / 2);
        let mut part = Part { kept, next: 0 };
        part.copy(&mut out, batch.body(), path);
        // Otherwise it is not what its head said: no item may vanish here.
        (part.next == items).then(|| Batch::encoded(out, len))
    };
    if items < 2 {
        return None;
    }
    Some([part(0..items / 2)?, part(items / 2..items)?])
}

/// Which items go into a half.
struct Part {
    kept: Range<u64>,
    /// The number of the next item.
    next: u64,
}

impl Part {
    /// Copies a message, without the items of the other half and without what has none left. Returns whether there was
    /// an item for this half.
    fn copy(&mut self, out: &mut Vec<u8>, from: &[u8], path: Path) -> bool {
        let Some((step, further)) = path.split_first() else {
            return false;
        };
        let mut has_items = false;
        let mut fields = Reader::new(from);
        while let Some((number, field, whole)) = fields.next_whole() {
            match field {
                Field::Bytes(_) if step.contains(&number) && further.is_empty() => {
                    if self.kept.contains(&self.next) {
                        out.extend_from_slice(whole);
                        has_items = true;
                    }
                    self.next += 1;
                }
                Field::Bytes(inner) if step.contains(&number) => {
                    let before = out.len();
                    let mut is_needed = false;
                    message(out, number as u32, |out| {
                        is_needed = self.copy(out, inner, further);
                    });
                    if is_needed {
                        has_items = true;
                    } else {
                        out.truncate(before);
                    }
                }
                _ => out.extend_from_slice(whole),
            }
        }
        has_items
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
