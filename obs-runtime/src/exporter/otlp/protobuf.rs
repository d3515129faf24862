//! The protobuf wire format, as much of it as OTLP needs (protobuf.dev, "Encoding").

/// The wire type of numbers in seven-bit groups.
const VARINT: u8 = 0;
/// Eight bytes, least significant first.
const FIXED64: u8 = 1;
/// Length-delimited: text, bytes, messages.
const LEN: u8 = 2;
/// Four bytes, least significant first.
pub(super) const FIXED32: u8 = 5;

/// Returns how many bytes `value` takes as a varint.
#[inline]
pub(super) const fn varint_len(value: u64) -> usize {
    // Seven bits a byte, and zero takes one as well: 9/64 is a little less than 1/7, and right for 64 bits.
    ((value | 1).ilog2() as usize * 9 + 73) / 64
}

/// Returns how many bytes a length-delimited field below number 16 takes whose content has `len` bytes.
#[inline]
pub(super) const fn field_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

#[inline]
pub(super) fn varint(out: &mut Vec<u8>, value: u64) {
    let group = |shift: u32| (value >> shift) as u8;
    match value {
        0..0x80 => out.push(group(0)),
        // Most lengths: one check of the room.
        0x80..0x4000 => out.extend_from_slice(&[group(0) | 0x80, group(7)]),
        _ => long_varint(out, value),
    }
}

fn long_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Returns the tag byte of a length-delimited field below number 16.
#[inline]
pub(super) const fn len_tag(field: u32) -> u8 {
    debug_assert!(field < 16);
    (field as u8) << 3 | LEN
}

#[inline]
pub(super) const fn varint_tag(field: u32) -> u8 {
    debug_assert!(field < 16);
    (field as u8) << 3 | VARINT
}

#[inline]
pub(super) const fn fixed64_tag(field: u32) -> u8 {
    debug_assert!(field < 16);
    (field as u8) << 3 | FIXED64
}

#[inline]
fn tag(out: &mut Vec<u8>, field: u32, wire: u8) {
    varint(out, u64::from(field << 3 | u32::from(wire)));
}

/// Appends text or bytes, also when empty (as members of a `oneof` need it).
#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    tag(out, field, LEN);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Appends a text, which is left out when empty, as proto3 does.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, field: u32, value: &str) {
    if !value.is_empty() {
        bytes(out, field, value.as_bytes());
    }
}

/// Appends a number in seven-bit groups, also when zero.
#[inline]
pub(super) fn uint(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, VARINT);
    varint(out, value);
}

/// Appends eight bytes, also when zero.
#[inline]
pub(super) fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends four bytes, also when zero.
#[inline]
pub(super) fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    tag(out, field, FIXED32);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a nested message, most often one below 128 bytes.
pub(super) fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, LEN);
    out.push(0);
    let at = out.len();
    write(out);
    let len = out.len() - at;
    if len < 0x80 {
        out[at - 1] = len as u8;
    } else {
        fit(out, at, 1);
    }
}

/// Appends a nested message, most often one from 128 bytes to 16 KiB.
#[inline]
pub(super) fn long_message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[len_tag(field), 0, 0]);
    let at = out.len();
    write(out);
    let len = out.len() - at;
    if (0x80..0x4000).contains(&len) {
        out[at - 2] = len as u8 | 0x80;
        out[at - 1] = (len >> 7) as u8;
    } else {
        fit(out, at, 2);
    }
}

/// Writes the length of the message that begins at `at`, for which `room` bytes were kept: the
/// message moves if it needs more or fewer.
#[cold]
fn fit(out: &mut Vec<u8>, at: usize, room: usize) {
    let len = out.len() - at;
    let needed = varint_len(len as u64);
    let moved = at - room + needed;
    out.resize(out.len().max(moved + len), 0);
    out.copy_within(at..at + len, moved);
    out.truncate(moved + len);
    let mut rest = len;
    for byte in &mut out[at - room..moved] {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out[moved - 1] &= 0x7f;
}

/// One field of a message that is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes, which no answer needs.
    Fixed,
}

/// Reads the fields of a message; `None` in place of a field ends it as malformed.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// Returns the next field, and all bytes that it takes. `None` at the end, and where the message is malformed.
    pub(super) fn next_whole(&mut self) -> Option<(u64, Field<'a>, &'a [u8])> {
        let before = self.0;
        let (number, field) = self.next()??;
        Some((number, field, &before[..before.len() - self.0.len()]))
    }

    /// Returns the content of the first field of this number that has text, bytes or a message.
    pub(super) fn bytes(self, number: u64) -> Option<&'a [u8]> {
        self.flatten().find_map(|field| match field {
            (n, Field::Bytes(bytes)) if n == number => Some(bytes),
            _ => None,
        })
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let field = match (tag & 7) as u8 {
            VARINT => Field::Varint(self.varint()?),
            FIXED64 => self.take(8).map(|_| Field::Fixed)?,
            LEN => {
                let len = self.varint()?;
                Field::Bytes(self.take(len)?)
            }
            FIXED32 => self.take(4).map(|_| Field::Fixed)?,
            _ => return None,
        };
        (tag >> 3 > 0).then_some((tag >> 3, field))
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Option<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
#[path = "protobuf_tests.rs"]
mod tests;
