//! Percent-encoding (RFC 3986, section 2.1) of baggage, resource attributes and headers in variables.

use std::borrow::Cow;

/// Returns whether an octet stands for itself in the value of a baggage member (W3C Baggage, section 3.2.1.3): not
/// `%`, and not `=`, at which some readers split.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
        && byte != b'%'
        && byte != b'='
}

/// Returns how many bytes [`encode`] appends.
pub(crate) fn encoded_len(value: &str) -> usize {
    value
        .bytes()
        .map(|byte| if is_plain(byte) { 1 } else { 3 })
        .sum()
}

/// Appends a value of baggage in its encoded form.
pub(crate) fn encode(value: &str, out: &mut String) {
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

/// Decodes a text, or returns `None` if a `%` has no two digits behind it or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let (bytes, is_well_formed) = octets(text);
    String::from_utf8(bytes).ok().filter(|_| is_well_formed)
}

/// Decodes whatever text: what is not UTF-8 becomes U+FFFD, and a `%` without two digits stands for itself (W3C
/// Baggage, section 3.2.1.3).
pub(crate) fn decode_lossy(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(String::from_utf8_lossy(&octets(text).0).into_owned())
}

/// Returns the octets, and whether each `%` had two digits behind it; one that has not is kept.
fn octets(text: &str) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut is_well_formed = true;
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
            is_well_formed &= first != b'%';
            bytes.push(first);
            rest = tail;
        }
    }
    (bytes, is_well_formed)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
#[path = "percent_tests.rs"]
mod tests;
