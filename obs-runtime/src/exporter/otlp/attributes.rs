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

/// Appends the key's field: the constant head of each `KeyValue`.
pub(super) fn key(out: &mut Vec<u8>, key: &str) {
    bytes(out, KEY, key.as_bytes());
}

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

/// The bytes of a `KeyValue`, without its own header; `key_len` are those of the key's field.
#[inline]
pub(super) fn key_value_len(key_len: usize, any_len: usize) -> usize {
    key_len + field_len(any_len)
}

/// Appends a `KeyValue` as field number `field`; `key` is the key's field, ready encoded, and
/// `any_len` what [`any_len`] says of the value.
#[inline]
pub(super) fn encoded_key_value(
    out: &mut Vec<u8>,
    field: u32,
    key: &[u8],
    value: ValueRef<'_>,
    any_len: usize,
) {
    out.push(len_tag(field));
    varint(out, key_value_len(key.len(), any_len) as u64);
    out.extend_from_slice(key);
    out.push(len_tag(VALUE));
    varint(out, any_len as u64);
    any(out, value);
}

/// Appends a `KeyValue` as field number `field`.
pub(super) fn key_value(out: &mut Vec<u8>, field: u32, name: &str, value: ValueRef<'_>) {
    message(out, field, |out| {
        key(out, name);
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
