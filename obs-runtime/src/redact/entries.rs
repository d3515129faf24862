//! Values that do not stand beside their name: `{"name": "DB_PASSWORD", "value": "x"}`, and the lines
//! below a name in YAML.

use super::harmless::looks_random;
use super::keys::{MAX_KEY, is_secret, one_of};
use super::values::{self, Form, Range, is_name};

/// What the names of names are called.
const NAMES: &[&str] = &[
    "name",
    "key",
    "header",
    "field",
    "variable",
    "var",
    "env",
    "param",
    "parameter",
    "id",
    "type",
    "setting",
    "property",
    "path",
];
/// How far behind a value its name is searched.
const FAR: usize = 256;

/// Returns the value behind the separator at `sep`, if the name beside it is that of a secret.
///
/// `key` is the word `value` in the text.
pub(super) fn value(bytes: &[u8], sep: usize, key: &[u8], from: usize) -> Option<Range> {
    let start = key.as_ptr() as usize - bytes.as_ptr() as usize;
    if name_before(bytes.get(from..start)?).is_some_and(is_secret) {
        return values::after(bytes, sep, Form::Any).filter(|(start, end)| end > start);
    }
    let near = &bytes[..bytes.len().min(sep + FAR)];
    let (start, end) = values::after(near, sep, Form::Any)?;
    let is_quoted = start > sep + 1 && end < near.len() && end > start;
    let named = is_quoted && name_behind(&near[end..]).is_some_and(is_secret);
    named.then_some((start, end))
}

/// Returns whether a byte may stand between a word and the next one.
fn is_between(b: u8) -> bool {
    b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'\\' | b'(' | b')' | b'{' | b'}')
}

/// Removes what `accept` takes from the end, up to a few bytes.
///
/// Inlined, it would be unrolled to its limit: 37 KiB of jump tables in each program.
#[inline(never)]
fn trimmed(bytes: &[u8], most: usize, accept: fn(u8) -> bool) -> &[u8] {
    let len = bytes
        .iter()
        .rev()
        .take(most)
        .take_while(|b| accept(**b))
        .count();
    &bytes[..bytes.len() - len]
}

/// Returns the `X` of `name: X, ` at the end of the text.
fn name_before(before: &[u8]) -> Option<&[u8]> {
    let before = trimmed(before, 48, |b| is_between(b) || matches!(b, b',' | b';'));
    let rest = trimmed(before, MAX_KEY, is_name);
    let name = &before[rest.len()..];
    let mut rest = trimmed(rest, 8, is_between);
    // `key: Static("password")`
    if before[rest.len()..].contains(&b'(') {
        rest = trimmed(rest, 32, |b| b.is_ascii_alphanumeric() || b == b'(');
        rest = trimmed(rest, 8, is_between);
    }
    let rest = rest
        .strip_suffix(b":")
        .or_else(|| rest.strip_suffix(b"="))?;
    let rest = trimmed(rest, 8, is_between);
    let word = &rest[trimmed(rest, 16, |b| b.is_ascii_alphabetic()).len()..];
    one_of(word, NAMES).then_some(name)
}

/// Returns the text without its first bytes that `accept` takes.
fn stripped(bytes: &[u8], most: usize, accept: fn(u8) -> bool) -> &[u8] {
    &bytes[values::leading(bytes, most, accept)..]
}

/// Returns the `X` of `, name: X` at the start of the text.
fn name_behind(behind: &[u8]) -> Option<&[u8]> {
    let rest = stripped(behind, 32, |b| is_between(b) || matches!(b, b',' | b';'));
    let (word, rest) = rest.split_at(values::leading(rest, 16, |b| b.is_ascii_alphabetic()));
    if !one_of(word, NAMES) {
        return None;
    }
    let rest = stripped(rest, 8, is_between);
    let rest = rest
        .strip_prefix(b":")
        .or_else(|| rest.strip_prefix(b"="))?;
    let rest = stripped(rest, 8, is_between);
    Some(&rest[..values::leading(rest, MAX_KEY, is_name)])
}

/// Counts the signs at the end of a name's line that announce a block in YAML: `|`, `>-`.
fn signs(rest: &[u8]) -> usize {
    let sign = |b: u8| matches!(b, b'|' | b'>' | b'-' | b'+' | b'\r') || b.is_ascii_digit();
    match rest.first() {
        Some(b'|' | b'>' | b'\r') => values::leading(rest, 4, sign),
        _ => 0,
    }
}

/// Returns whether the line ends here, but for the signs of a block.
pub(super) fn is_block(rest: &[u8]) -> bool {
    rest.get(signs(rest)) == Some(&b'\n')
}

/// Returns the secret in the lines below a name, given where the name's line [ends](is_block).
pub(super) fn block(bytes: &[u8], sep: usize, at: usize) -> Option<Range> {
    if bytes[sep] != b':' {
        return None;
    }
    let indent = indent_before(bytes, sep)?;
    let is_block = matches!(bytes[at], b'|' | b'>');
    let first = at + signs(&bytes[at..]) + 1;
    let blank = values::leading(bytes.get(first..)?, 64, |b| b == b' ');
    let start = first + blank;
    if values::is_masked(bytes, start) || start == bytes.len() {
        return None;
    }
    if is_block {
        let end = values::indented(bytes, start, indent);
        return (blank > indent).then(|| values::some(bytes, start, end))?;
    }
    let (start, end) = match values::quote_at(bytes, start).1 {
        Some(_) => values::in_quotes(bytes, start)?,
        None => (start, values::plain(bytes, start)),
    };
    let value = bytes.get(start..end)?;
    let behind = bytes.get(end).copied().unwrap_or(b'\n');
    let is_alone = matches!(behind, b'\n' | b'\r' | b'"' | b'\'' | b'`');
    let is_entry = matches!(value.first()?, b'-' | b'#' | b'{' | b'[' | b'}')
        || matches!(value.last()?, b':')
        || value.contains(&b'=') && !value.ends_with(b"=");
    let is_below = blank > indent || value.len() >= 6 && looks_random(value);
    (is_alone && !is_entry && is_below).then(|| values::some(bytes, start, end))?
}

/// Returns how far the line of the name before `sep` is indented; none if more stands before the
/// name.
fn indent_before(bytes: &[u8], sep: usize) -> Option<usize> {
    let near = &bytes[sep.saturating_sub(128)..sep];
    let line = match near.iter().rposition(|b| *b == b'\n') {
        Some(end) => &near[end + 1..],
        None if near.len() == sep => near,
        None => return None,
    };
    let indent = values::leading(line, 128, |b| matches!(b, b' ' | b'-'));
    let rest = &line[indent..];
    let is_key = |b: &u8| is_name(*b) || matches!(b, b' ' | b'"' | b'\'');
    rest.iter().all(is_key).then_some(indent)
}
