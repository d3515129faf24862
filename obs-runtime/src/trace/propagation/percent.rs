//! Percent-encoding of baggage values (W3C Baggage, section 3.2.1.3; RFC 3986, section 2.1).

use std::borrow::Cow;

/// Returns whether a byte stands for itself: the octets that a value may have, without `%`, and
/// without `=`, at which some readers split.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
        && byte != b'%'
        && byte != b'='
}

pub(super) fn encoded_len(value: &str) -> usize {
    value
        .bytes()
        .map(|byte| if is_plain(byte) { 1 } else { 3 })
        .sum()
}

pub(super) fn encode(value: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// Decodes a value. Bytes that are not UTF-8 become U+FFFD, and a `%` without two digits stands for
/// itself (W3C Baggage, section 3.2.1.3).
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
