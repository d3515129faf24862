//! Masks secrets in text before it is stored: in errors, messages and alerts.
//!
//! One pass over the bytes, no backtracking: a pathological text costs no more than a long one.

mod keys;
mod shapes;
mod values;

use std::borrow::Cow;

pub(crate) use keys::is_secret_key;
use values::Header;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";

const NONE: u8 = 0;
/// `:` and `=`.
const SEPARATOR: u8 = 1;
/// First letters of the shapes and schemes.
const START: u8 = 2;
/// `-`, the first of a PEM block.
const DASH: u8 = 3;
/// `,` between the parts of a pair.
const COMMA: u8 = 4;

const CLASS: [u8; 256] = {
    let mut class = [NONE; 256];
    class[b':' as usize] = SEPARATOR;
    class[b'=' as usize] = SEPARATOR;
    class[b'-' as usize] = DASH;
    class[b',' as usize] = COMMA;
    let starts = b"srgxAhnpyebB";
    let mut i = 0;
    while i < starts.len() {
        class[starts[i] as usize] = START;
        i += 1;
    }
    class
};

/// Masks secrets with `***`; borrows when there are none.
///
/// Masked are values of names that hold secrets (`password=…`, `"api_key": "…"`,
/// `Authorization: Bearer …`), keys with a vendor's prefix (`sk-…`, `ghp_…`, `AKIA…`), JSON Web
/// Tokens, PEM private keys, and passwords in URLs. Masking twice changes nothing.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    // Everything before `copied` is in `out`.
    let mut copied = 0;
    let mut i = 0;
    while i < bytes.len() {
        let class = CLASS[bytes[i] as usize];
        if class == NONE {
            i += 1;
            continue;
        }
        let Some((start, end)) = secret_at(bytes, i, class) else {
            i += 1;
            continue;
        };
        // Every bound is beside an ASCII character or at the end: `get` cannot fail.
        if let Some(before) = text.get(copied..start)
            && &bytes[start..end] != MASK.as_bytes()
        {
            out.push_str(before);
            out.push_str(MASK);
            copied = end;
        }
        i = end.max(i + 1);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// The secret that the byte at `i` leads to.
fn secret_at(bytes: &[u8], i: usize, class: u8) -> Option<(usize, usize)> {
    match class {
        START => {
            let inside = i > 0 && {
                let before = bytes[i - 1];
                before.is_ascii_alphanumeric() || before == b'_' || before == b'-'
            };
            if inside {
                return None;
            }
            if matches!(bytes[i], b'b' | b'B') {
                return shapes::scheme(&bytes[i..]).map(|(s, e)| (i + s, i + e));
            }
            shapes::secret(&bytes[i..]).map(|n| (i, i + n))
        }
        COMMA => pair(bytes, i),
        DASH => shapes::pem(&bytes[i..]).map(|(s, e)| (i + s, i + e)),
        _ if bytes[i] == b':' && bytes[i + 1..].starts_with(b"//") => {
            values::url_password(bytes, i + 3)
        }
        // A path of Rust.
        _ if bytes[i] == b':'
            && (bytes.get(i + 1) == Some(&b':') || i > 0 && bytes[i - 1] == b':') =>
        {
            None
        }
        _ => {
            let mut key = key_before(bytes, i);
            // `token-service.example.com:8080` is a host: the last of its names says what it is.
            if bytes[i] == b':' && bytes.get(i + 1).is_some_and(u8::is_ascii_digit) {
                let dot = key.iter().rposition(|b| *b == b'.');
                key = dot.map_or(key, |dot| &key[dot + 1..]);
            }
            if key.is_empty() || !keys::is_secret(key) {
                return None;
            }
            let header = if ends_with(key, b"authorization") {
                Header::Authorization
            } else if ends_with(key, b"cookie") {
                Header::Cookie
            } else {
                Header::None
            };
            values::after(bytes, i, header).filter(|(start, end)| end > start)
        }
    }
}

/// The value of `("name", "value")`, as `Debug` writes pairs. Without the parenthesis it is a list of
/// names.
fn pair(bytes: &[u8], comma: usize) -> Option<(usize, usize)> {
    if comma == 0 || bytes[comma - 1] != b'"' {
        return None;
    }
    let key = key_before(bytes, comma);
    let before = bytes[..comma].strip_suffix(b"\"")?;
    let before = before
        .strip_suffix(b"\\")
        .unwrap_or(before)
        .strip_suffix(key)?;
    let before = before.strip_suffix(b"\"")?;
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    if !before.ends_with(b"(") || !keys::is_secret(key) {
        return None;
    }
    values::quoted(bytes, comma + 1).filter(|(start, end)| end > start)
}

fn ends_with(key: &[u8], word: &[u8]) -> bool {
    key.len() >= word.len() && key[key.len() - word.len()..].eq_ignore_ascii_case(word)
}

/// The name that ends before the separator at `sep`: `name`, `"name"`, `\"name\"`, `["name"]`.
fn key_before(bytes: &[u8], sep: usize) -> &[u8] {
    let mut end = sep;
    let mut steps = 0;
    while end > 0
        && steps < 12
        && matches!(bytes[end - 1], b' ' | b'"' | b'\'' | b'`' | b'\\' | b']')
    {
        end -= 1;
        steps += 1;
    }
    let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let back = |from: usize| {
        let mut start = from;
        while start > 0 && end - start < keys::MAX_KEY && name(bytes[start - 1]) {
            start -= 1;
        }
        start
    };
    let mut start = back(end);
    // "api key: …"
    let word = &bytes[start..end];
    if (word.eq_ignore_ascii_case(b"key") || word.eq_ignore_ascii_case(b"keys"))
        && start > 1
        && bytes[start - 1] == b' '
    {
        start = back(start - 1);
    }
    &bytes[start..end]
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
