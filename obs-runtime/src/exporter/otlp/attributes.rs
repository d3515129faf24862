//! `KeyValue` and `AnyValue` (opentelemetry/proto/common/v1/common.proto).

use crate::callsite::ConstValue;
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

/// The bytes of an `AnyValue`, without its own header.
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

/// The bytes of an `ArrayValue`, without its own header.
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
    /// The head of a whole pair: a tag, a length to be filled in, and the key's field, if it fits.
    /// Copying all of it and cutting it off is quicker than copying a part.
    padded: Option<[u8; Self::PADDED]>,
}

impl KeyField {
    pub(super) const PADDED: usize = 32;

    pub(super) fn new(number: u32, key: &str) -> Self {
        let mut field = Vec::new();
        bytes(&mut field, KEY, key.as_bytes());
        let mut padded = [0; Self::PADDED];
        padded[0] = len_tag(number);
        let fits = padded.get_mut(2..2 + field.len());
        let padded = fits
            .is_some_and(|room| {
                room.copy_from_slice(&field);
                true
            })
            .then_some(padded);
        Self {
            tag: len_tag(number),
            field: field.into_boxed_slice(),
            padded,
        }
    }

    /// The bytes of a pair, without its own header; `any_len` are those of the value.
    #[inline]
    pub(super) fn pair_len(&self, any_len: usize) -> usize {
        self.field.len() + field_len(any_len)
    }

    /// Appends the key with a value.
    #[inline]
    pub(super) fn pair(&self, out: &mut Vec<u8>, value: ValueRef<'_>) {
        let any_len = any_len(value);
        let len = self.pair_len(any_len);
        match &self.padded {
            // A pair of one length byte has a value of one length byte.
            Some(padded) if len < 0x80 => {
                let at = out.len();
                out.extend_from_slice(padded);
                // In place: patched before, the copy would wait for the patch.
                out[at + 1] = len as u8;
                out.truncate(at + 2 + self.field.len());
                out.extend_from_slice(&[len_tag(VALUE), any_len as u8]);
            }
            _ => {
                out.push(self.tag);
                varint(out, len as u64);
                out.extend_from_slice(&self.field);
                out.push(len_tag(VALUE));
                varint(out, any_len as u64);
            }
        }
        any(out, value);
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

/// A constant as a value.
pub(super) const fn constant(value: &ConstValue) -> ValueRef<'static> {
    match value {
        ConstValue::Str(v) => ValueRef::Str(v),
        ConstValue::I64(v) => ValueRef::I64(*v),
        ConstValue::F64(v) => ValueRef::F64(*v),
        ConstValue::Bool(v) => ValueRef::Bool(*v),
    }
}
