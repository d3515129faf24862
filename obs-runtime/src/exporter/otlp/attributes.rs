//! `KeyValue` and `AnyValue` (opentelemetry/proto/common/v1/common.proto).

use crate::exporter::otlp::plain::Pen;
use crate::exporter::otlp::protobuf::{
    bytes, field_len, fixed64_tag, len_tag, message, varint, varint_len, varint_tag,
};
use crate::trace::{AttributeValue, ValueRef};

const KEY: u32 = 1;
const VALUE: u32 = 2;

const STRING: u32 = 1;
const BOOL: u32 = 2;
const INT: u32 = 3;
const DOUBLE: u32 = 4;
const ARRAY: u32 = 5;
/// Of `ArrayValue`.
const VALUES: u32 = 1;

/// Returns how many bytes an `AnyValue` has, without its own header.
#[inline]
pub(super) fn any_len(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Str(v) => field_len(v.len()),
        ValueRef::Bool(_) => 2,
        ValueRef::I64(v) => 1 + varint_len(v as u64),
        ValueRef::F64(_) => 9,
        array => array_len(array),
    }
}

#[cold]
fn array_len(array: ValueRef<'_>) -> usize {
    field_len(values_len(array))
}

/// Returns how many bytes an `ArrayValue` has, without its own header.
fn values_len(array: ValueRef<'_>) -> usize {
    let mut len = 0;
    each(array, |v| len += field_len(any_len(v)));
    len
}

/// Goes through an array's values; through nothing else.
fn each(array: ValueRef<'_>, mut f: impl FnMut(ValueRef<'_>)) {
    match array {
        ValueRef::BoolArray(v) => v.iter().for_each(|v| f(ValueRef::Bool(*v))),
        ValueRef::I64Array(v) => v.iter().for_each(|v| f(ValueRef::I64(*v))),
        ValueRef::F64Array(v) => v.iter().for_each(|v| f(ValueRef::F64(*v))),
        ValueRef::StringArray(v) => v.iter().for_each(|v| f(ValueRef::Str(v))),
        ValueRef::Bool(_) | ValueRef::I64(_) | ValueRef::F64(_) | ValueRef::Str(_) => {}
    }
}

/// Appends an `AnyValue`, without its own header.
#[inline]
pub(super) fn any(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Str(v) => {
            out.push(len_tag(STRING));
            varint(out, v.len() as u64);
            out.extend_from_slice(v.as_bytes());
        }
        ValueRef::Bool(v) => out.extend_from_slice(&[varint_tag(BOOL), u8::from(v)]),
        ValueRef::I64(v) => {
            out.push(varint_tag(INT));
            varint(out, v as u64);
        }
        ValueRef::F64(v) => {
            let mut field = [fixed64_tag(DOUBLE); 9];
            field[1..].copy_from_slice(&v.to_le_bytes());
            out.extend_from_slice(&field);
        }
        array => any_array(out, array),
    }
}

#[cold]
fn any_array(out: &mut Vec<u8>, array: ValueRef<'_>) {
    out.push(len_tag(ARRAY));
    varint(out, values_len(array) as u64);
    each(array, |v| {
        out.push(len_tag(VALUES));
        varint(out, any_len(v) as u64);
        any(out, v);
    });
}

/// A key as it is written in each `KeyValue`: encoded once.
#[derive(Debug)]
pub(super) struct KeyField {
    /// Of the pair.
    tag: u8,
    field: Box<[u8]>,
    /// All of a pair before its value, if it fits: a tag, a length to be filled in, the key's field, the tag of
    /// the value and its length, to be filled in as well. Copying all of it is quicker than copying a part.
    padded: Option<[u8; PADDED]>,
    /// How much of it is used.
    head: usize,
}

/// The longest beginning of a pair that is copied as a whole.
const PADDED: usize = 32;
/// The longest text whose pair has a length of one byte, with any key that is copied so.
const SHORT: usize = 0x7f - PADDED - 2;
/// Room for the beginning and any number.
const WINDOW: usize = 2 * PADDED;

impl KeyField {
    pub(super) fn new(number: u32, key: &str) -> Self {
        let mut field = Vec::new();
        bytes(&mut field, KEY, key.as_bytes());
        let tag = len_tag(number);
        let head = [&[tag, 0], &field[..], &[len_tag(VALUE), 0]].concat();
        let mut padded = [0; PADDED];
        let fits = head.len() < PADDED;
        if fits {
            padded[..head.len()].copy_from_slice(&head);
        }
        Self {
            tag,
            field: field.into_boxed_slice(),
            padded: fits.then_some(padded),
            head: head.len(),
        }
    }

    /// Appends the key with a value; none if there is no room.
    #[inline]
    pub(super) fn pair(&self, pen: &mut Pen<'_>, value: ValueRef<'_>) -> Option<()> {
        let is_short = match value {
            ValueRef::Str(v) => v.len() <= SHORT,
            ValueRef::Bool(_) | ValueRef::I64(_) | ValueRef::F64(_) => true,
            _ => false,
        };
        let Some(padded) = self.padded.as_ref().filter(|_| is_short) else {
            return self.long_pair(pen, value);
        };
        let window: &mut [u8; WINDOW] = pen.window()?;
        window[..PADDED].copy_from_slice(padded);
        // It is less already, which the compiler does not know.
        let head = self.head % PADDED;
        let (any_len, text) = match value {
            ValueRef::Bool(v) => {
                [window[head], window[head + 1]] = [varint_tag(BOOL), u8::from(v)];
                (2, "")
            }
            ValueRef::I64(v) => {
                window[head] = varint_tag(INT);
                let (mut at, mut rest) = (head + 1, v as u64);
                while rest >= 0x80 {
                    window[at % WINDOW] = rest as u8 | 0x80;
                    rest >>= 7;
                    at += 1;
                }
                window[at % WINDOW] = rest as u8;
                (at + 1 - head, "")
            }
            ValueRef::F64(v) => {
                window[head] = fixed64_tag(DOUBLE);
                window[head + 1..head + 9].copy_from_slice(&v.to_le_bytes());
                (9, "")
            }
            ValueRef::Str(v) => {
                [window[head], window[head + 1]] = [len_tag(STRING), v.len() as u8];
                (2 + v.len(), v)
            }
            _ => return None,
        };
        window[head.wrapping_sub(1) % WINDOW] = any_len as u8;
        window[1] = (head + any_len).wrapping_sub(2) as u8;
        pen.at += head + any_len - text.len();
        if !text.is_empty() {
            pen.put(text.as_bytes())?;
        }
        Some(())
    }

    /// Appends a pair with a long key or a long value.
    #[inline(never)]
    fn long_pair(&self, pen: &mut Pen<'_>, value: ValueRef<'_>) -> Option<()> {
        let any_len = any_len(value);
        pen.put(&[self.tag])?;
        pen.varint((self.field.len() + field_len(any_len)) as u64)?;
        pen.put(&self.field)?;
        pen.put(&[len_tag(VALUE)])?;
        pen.varint(any_len as u64)?;
        if let ValueRef::Str(v) = value {
            pen.put(&[len_tag(STRING)])?;
            pen.varint(v.len() as u64)?;
            pen.put(v.as_bytes()).map(drop)
        } else {
            let mut bytes = Vec::new();
            any(&mut bytes, value);
            pen.put(&bytes).map(drop)
        }
    }
}

/// Appends a `KeyValue` as field number `field`.
pub(super) fn key_value(out: &mut Vec<u8>, field: u32, name: &str, value: ValueRef<'_>) {
    message(out, field, |out| {
        bytes(out, KEY, name.as_bytes());
        out.push(len_tag(VALUE));
        varint(out, any_len(value) as u64);
        any(out, value);
    });
}

/// Appends each attribute as field number `field`.
pub(super) fn key_values<K: AsRef<str>>(
    out: &mut Vec<u8>,
    field: u32,
    attributes: &[(K, AttributeValue)],
) {
    for (i, (name, value)) in attributes.iter().enumerate() {
        // The last value of a key wins; a list of attributes is short.
        if !attributes[i + 1..]
            .iter()
            .any(|(k, _)| k.as_ref() == name.as_ref())
        {
            key_value(out, field, name.as_ref(), value.as_ref());
        }
    }
}
