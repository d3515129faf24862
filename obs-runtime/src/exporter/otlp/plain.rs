//! A span as most are: only what its callsite foresaw.
//!
//! It is put together in a block of fixed size and appended to the request as a whole: what is written at known
//! distances from a place needs one check of the room there, not one for each byte.

use core::ops::Range;

use crate::exporter::otlp::attributes::KeyField;
use crate::exporter::otlp::batch::ITEMS;
use crate::exporter::otlp::protobuf::len_tag;
use crate::exporter::otlp::span::{flags, flags_field};
use crate::exporter::otlp::template::Template;
use crate::trace::SpanView;

/// Room for one span; longer ones are encoded otherwise.
pub(super) type Block = [u8; 2048];

/// Tag and length of the span, which are written last.
const HEAD: usize = 3;

/// Writes behind each other, as long as there is room.
pub(super) struct Pen<'a> {
    pub(super) block: &'a mut Block,
    pub(super) at: usize,
}

impl Pen<'_> {
    /// Returns the next `N` bytes, to be written to.
    #[inline]
    pub(super) fn window<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        self.block.get_mut(self.at..)?.first_chunk_mut()
    }

    /// Writes `bytes` and returns what was written.
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<&mut [u8]> {
        let room = self.block.get_mut(self.at..)?.get_mut(..bytes.len())?;
        room.copy_from_slice(bytes);
        self.at += bytes.len();
        Some(room)
    }

    /// Writes a number in seven-bit groups.
    pub(super) fn varint(&mut self, mut value: u64) -> Option<()> {
        while value >= 0x80 {
            self.put(&[value as u8 | 0x80])?;
            value >>= 7;
        }
        self.put(&[value as u8]).map(drop)
    }
}

/// Writes the span as an item of a request, and returns it; none if it is too long.
#[inline]
pub(super) fn plain<'a>(
    block: &'a mut Block,
    view: &SpanView<'_>,
    template: &Template,
) -> Option<&'a [u8]> {
    let image = if view.parent_id.is_valid() {
        &template.child
    } else {
        &template.root
    };
    let mut pen = Pen { block, at: HEAD };
    image.stamp(&mut pen, view)?;
    let mut written = 0;
    for part in &template.between {
        pairs(&mut pen, view, template, written..part.keys)?;
        pen.put(&part.bytes)?;
        written = part.keys;
    }
    pairs(&mut pen, view, template, written..template.keys.len())?;
    pen.put(&flags_field(flags(view.flags, view.parent_is_remote)))?;
    let Pen { block, at: end } = pen;
    let len = end - HEAD;
    // Two bytes hold every length up to that of the block.
    let start = if len < 0x80 {
        [block[1], block[2]] = [len_tag(ITEMS), len as u8];
        1
    } else {
        [block[0], block[1], block[2]] = [len_tag(ITEMS), len as u8 | 0x80, (len >> 7) as u8];
        0
    };
    block.get(start..end)
}

/// Writes the values of some keys.
#[inline]
fn pairs(
    pen: &mut Pen<'_>,
    view: &SpanView<'_>,
    template: &Template,
    keys: Range<usize>,
) -> Option<()> {
    let values = view.values.get(keys.start..).unwrap_or_default();
    for (key, value) in template.keys.get(keys)?.iter().zip(values) {
        if let Some(value) = value.get(view.base) {
            KeyField::pair(key, pen, value)?;
        }
    }
    Some(())
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;
