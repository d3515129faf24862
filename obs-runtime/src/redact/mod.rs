//! Masks secrets in text before it is stored: in errors, messages and alerts.
//!
//! It makes one pass over the bytes without backtracking, so that a hostile text costs no more than
//! any other of its length. The drain and the threads of the program call it; tests and `fuzz/`
//! hold it to the bound through [`work`].
//!
//! `look.rs` finds the parts of a text that must be read closely, and `leads.rs` the places in them.
//! At such a place, `keys.rs` knows the names of secrets, `prefixes.rs` and `shapes.rs` their looks;
//! `commands.rs`, `entries.rs`, `sentence.rs` and `url.rs` know where they stand without a mark
//! between name and value; `values.rs` knows where a value ends; `prose.rs` and `harmless.rs` know
//! what in its place is none.

mod commands;
pub(crate) mod custom;
mod entries;
mod harmless;
mod keys;
mod leads;
mod look;
mod prefixes;
mod prose;
mod sentence;
mod shapes;
mod url;
mod values;
pub(crate) mod work;

use std::borrow::Cow;

pub(crate) use keys::is_secret_key;
use look::Look;
use shapes::is_token;
use values::Form;

/// The text that replaces a secret.
pub(crate) const MASK: &str = "***";

/// Masks secrets with `***`, including those that the program adds to the redaction of the scope.
///
/// The scope is asked for only if there are such additions. It borrows when there is nothing to
/// mask.
pub(crate) fn redact(scope: impl FnOnce() -> u16, text: &str) -> Cow<'_, str> {
    custom::apply(scope, masked(text))
}

/// Returns whether [`redact`] leaves a text as it is for sure.
///
/// That is so if nothing in it has a secret beside it.
#[inline]
pub(crate) fn is_clean(text: &str) -> bool {
    !custom::any() && look::is_clean(text.as_bytes())
}

/// Masks secrets with `***`, and borrows when there are none.
///
/// It masks the values of names that hold secrets (`password=…`, `"api_key": "…"`, `Authorization:
/// Bearer …`), keys with a vendor's prefix (`sk-…`, `ghp_…`, `AKIA…`), JSON Web Tokens, PEM private
/// keys, and passwords in URLs. Masking twice changes nothing.
fn masked(text: &str) -> Cow<'_, str> {
    masked_by(text, Look::new())
}

/// Masks the secrets in the parts of the text that are looked at closely.
fn masked_by(text: &str, mut look: Look) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    // Everything before `copied` is in `out`.
    let mut copied = 0;
    // The start of the value whose end is looked at as a name.
    let mut named = 0;
    let mut i = 0;
    // A secret after the last byte would lie behind the text.
    while let Some(lead) = look.next(bytes, i) {
        i = lead;
        let from = if i < copied { named } else { copied };
        let Some((start, end)) = secret_at(bytes, i, from, out.as_bytes()) else {
            i += 1;
            continue;
        };
        // Every bound is beside an ASCII character or at the end, so `get` cannot fail.
        if let Some(before) = text.get(copied..start)
            && &bytes[start..end] != MASK.as_bytes()
        {
            out.push_str(before);
            out.push_str(MASK);
            copied = end;
        }
        // `token= api_key: x`: what looks like the value is the name of the next secret.
        let is_name = matches!(bytes[end.saturating_sub(1)], b':' | b'=');
        named = start;
        i = (end - usize::from(is_name && end > start)).max(i + 1);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Returns the secret that the byte at `i` leads to.
///
/// What stands before `from` is masked, and no name reaches into it: otherwise a text that is
/// masked again would have other names. `out` is what stands before `from` without its secrets.
fn secret_at(bytes: &[u8], i: usize, from: usize, out: &[u8]) -> Option<(usize, usize)> {
    match bytes[i] {
        b',' => pair(bytes, i, from),
        b' ' if bytes.get(i + 1) == Some(&b'-') => commands::argument(bytes, i, out, from),
        b' ' => sentence::secret(bytes, i, from),
        b'-' if bytes.get(i + 1) != Some(&b'-') => None,
        b'-' => match shapes::pem(&bytes[i..]) {
            Some((start, end)) => Some((i + start, i + end)),
            None if i > from && (bytes[i - 1] == b'-' || bytes[i - 1].is_ascii_alphanumeric()) => {
                None
            }
            None => values::option(bytes, i),
        },
        b'>' => values::element(bytes, i),
        b'%' => encoded(bytes, i, from),
        b':' if bytes[i + 1..].starts_with(b"//") => {
            url::hook(bytes, i + 3).or_else(|| url::userinfo(bytes, i + 3))
        }
        // This is a path of Rust.
        b':' if bytes.get(i + 1) == Some(&b':') || i > from && bytes[i - 1] == b':' => None,
        b':' | b'=' => named(bytes, i, from),
        // All other leads are the first letters of a shape or scheme.
        _ if i > from && is_token(bytes[i - 1]) => None,
        _ if !look::may_begin(&bytes[i..]) && !matches!(bytes[i], b'b' | b'B') => None,
        _ => match shapes::scheme(&bytes[i..]) {
            Some((start, end)) => Some((i + start, i + end)),
            None => shapes::secret(&bytes[i..]).map(|n| (i, i + n)),
        },
    }
}

/// Returns the value of the name that ends before the separator at `sep`, if it is that of a secret.
fn named(bytes: &[u8], sep: usize, from: usize) -> Option<(usize, usize)> {
    let mut key = key_before(bytes, sep, from);
    // `token-service.example.com:8080` is a host: its last name says what it is.
    if bytes[sep] == b':' && bytes.get(sep + 1).is_some_and(u8::is_ascii_digit) {
        let dot = key.iter().rposition(|b| *b == b'.');
        key = dot.map_or(key, |dot| &key[dot + 1..]);
    }
    let may_be_text = keys::may_be_text_token(key);
    if keys::is_value(key) {
        return entries::value(bytes, sep, key, from);
    }
    if key.is_empty() || !may_be_text && !is_secret_here(bytes, key) || keys::is_file(key) {
        return None;
    }
    let form = if may_be_text {
        Form::Word
    } else if ends_with(key, b"authorization") {
        Form::Authorization
    } else if ends_with(key, b"cookie") {
        Form::Cookie
    } else {
        Form::Any
    };
    let (start, end) = values::after(bytes, sep, form)?;
    let value = &bytes[start..end];
    if harmless::is_of(key, value) || is_path(bytes, sep, key) && !harmless::looks_random(value) {
        return None;
    }
    // `unexpected token: identifier` gives nothing away, `invalid token: 8f3a…` does.
    let random = end - start >= 8 && bytes[start..end].iter().any(u8::is_ascii_digit);
    (end > start && (random || !may_be_text)).then_some((start, end))
}

/// Returns whether the name, which lies in `bytes`, is that of a secret where it stands.
fn is_secret_here(bytes: &[u8], key: &[u8]) -> bool {
    let start = key.as_ptr() as usize - bytes.as_ptr() as usize;
    let is_parameter = start > 0 && matches!(bytes[start - 1], b'?' | b'&');
    keys::is_secret(key) || is_parameter && key.eq_ignore_ascii_case(b"signature")
}

/// Returns whether the name is the last part of a path: `/etc/passwd: permission denied`.
fn is_path(bytes: &[u8], sep: usize, key: &[u8]) -> bool {
    let start = key.as_ptr() as usize - bytes.as_ptr() as usize;
    bytes[sep] == b':' && start > 0 && bytes[start - 1] == b'/'
}

/// Returns the value of `name%3Dvalue`, an encoded URL inside another.
fn encoded(bytes: &[u8], percent: usize, from: usize) -> Option<(usize, usize)> {
    let rest = &bytes[percent + 1..];
    if !(rest.starts_with(b"3D") || rest.starts_with(b"3d")) {
        return None;
    }
    let mut key = key_before(bytes, percent, from);
    let start = key.as_ptr() as usize - bytes.as_ptr() as usize;
    if start > 0 && bytes[start - 1] == b'%' {
        // The mark before the name is encoded too.
        key = key.get(2..)?;
    }
    if !keys::is_secret(key) || values::is_masked(bytes, percent + 3) {
        return None;
    }
    let (start, end) = values::encoded(bytes, percent + 3);
    (end > start).then_some((start, end))
}

/// Returns the value of `("name", "value")`, as `Debug` writes pairs, and of `[["name", "value"]]`.
///
/// A list alone is a list of names.
fn pair(bytes: &[u8], comma: usize, from: usize) -> Option<(usize, usize)> {
    if comma == 0 || bytes[comma - 1] != b'"' {
        return None;
    }
    let key = key_before(bytes, comma, from);
    let before = bytes[..comma].strip_suffix(b"\"")?;
    let before = before
        .strip_suffix(b"\\")
        .unwrap_or(before)
        .strip_suffix(key)?;
    let before = before.strip_suffix(b"\"")?;
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    let open = trimmed_end(before);
    if !keys::is_secret(key) {
        return None;
    }
    let (start, end) = match open.last()? {
        b'(' => values::quoted(bytes, comma + 1)?,
        b'[' if matches!(trimmed_end(&open[..open.len() - 1]).last()?, b'[' | b',') => {
            let (start, end) = values::quoted(bytes, comma + 1)?;
            // `["api_key", "model"]` is a list of names all the same.
            let random = bytes[start..end].iter().any(u8::is_ascii_digit);
            random.then_some((start, end))?
        }
        _ => return None,
    };
    (end > start).then_some((start, end))
}

/// Removes blanks and ends of lines at the end, up to a few.
fn trimmed_end(bytes: &[u8]) -> &[u8] {
    let spaces = bytes
        .iter()
        .rev()
        .take(64)
        .take_while(|b| b.is_ascii_whitespace())
        .count();
    &bytes[..bytes.len() - spaces]
}

fn ends_with(key: &[u8], word: &[u8]) -> bool {
    key.len() >= word.len() && key[key.len() - word.len()..].eq_ignore_ascii_case(word)
}

/// Returns the name that ends before the separator at `sep` and begins at `from` or later.
///
/// It may be written `name`, `"name"`, `\"name\"` or `["name"]`.
fn key_before(bytes: &[u8], sep: usize, from: usize) -> &[u8] {
    let run = |end: usize, most: usize, accept: fn(u8) -> bool| {
        let before = bytes.get(from..end).unwrap_or_default();
        let before = before.iter().rev().take(most);
        before.take_while(|b| accept(**b)).count()
    };
    let is_around = |b: u8| matches!(b, b' ' | b'"' | b'\'' | b'`' | b'\\' | b']');
    let end = sep - run(sep, 12, is_around);
    let back = |at: usize| at - run(at, keys::MAX_KEY - (end - at), values::is_name);
    let mut start = back(end);
    // "api key: …", "access token: …"
    let word = &bytes[start..end];
    if keys::one_of(word, &["key", "keys", "token"]) && start > from + 1 && bytes[start - 1] == b' '
    {
        start = back(start - 1);
    }
    &bytes[start..end]
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;

#[cfg(test)]
#[path = "corpus_tests.rs"]
mod corpus_tests;
