//! One line of a tree: how names, outcomes and values are written, and how they are read again.
//!
//! Both directions are here because they must agree: whatever [`Captured::tree`] prints can be
//! pasted into `assert_tree` and matches the spans it came from. A property test checks that for
//! arbitrary text.
//!
//! [`Captured::tree`]: super::Captured::tree

use core::fmt::Write as _;
use std::borrow::Cow;

use crate::printable::is_unprintable;
use crate::trace::{AttributeValue, Outcome};

/// The content of a line: a span's or an event's name, outcome and attributes.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) outcome: Outcome,
    /// A part of the error's type or message.
    pub(super) error: Option<String>,
    pub(super) attributes: Vec<(String, String)>,
}

/// Returns whether a character cannot be in a line as it is.
///
/// Unprintable characters cannot, nor spaces that look like others.
fn is_odd(c: char) -> bool {
    is_unprintable(c) || c.is_whitespace() && c != ' '
}

/// Escapes odd characters, so that a line stays one line.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_odd(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Returns a text that can stand in brackets: unpaired brackets in it become round ones.
pub(super) fn bracketed(text: &str) -> String {
    let text = clean(text);
    let pairs = format!("{text}]");
    match closing(&pairs, false) {
        Some((_, "")) => text,
        _ => text.replace('[', "(").replace(']', ")"),
    }
}

/// Returns a name, in quotes if it would be read as more than a name.
pub(super) fn name(name: &str) -> String {
    let plain = !name.is_empty()
        && !name.starts_with(['"', '-', '>', '…', ' '])
        && !name.ends_with(' ')
        && name != "..."
        && !name.contains("  ")
        && !name.chars().any(is_odd)
        && name
            .split(' ')
            .all(|word| !word.starts_with('[') && !word.contains('='));
    if plain {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

/// Appends ` key=value` for each attribute.
pub(super) fn attributes(out: &mut String, all: &[(Cow<'static, str>, AttributeValue)]) {
    for (key, value) in all {
        let _ = write!(out, " {}={}", clean(key), self::value(value));
    }
}

/// Returns a value; texts are in quotes if they have several words or look like another value.
pub(super) fn value(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Bool(v) => v.to_string(),
        AttributeValue::I64(v) => v.to_string(),
        AttributeValue::F64(v) => format!("{v:?}"),
        AttributeValue::String(v) => text(v),
        AttributeValue::BoolArray(v) => format!("{v:?}"),
        AttributeValue::I64Array(v) => format!("{v:?}"),
        AttributeValue::F64Array(v) => format!("{v:?}"),
        AttributeValue::StringArray(v) => format!("{v:?}"),
    }
}

fn text(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.contains([' ', '"'])
        && !text.starts_with('[')
        && !text.chars().any(is_odd)
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "*");
    if plain {
        text.to_owned()
    } else {
        format!("{text:?}")
    }
}

impl Line {
    /// Parses `name [outcome: error] key=value …`.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let (name, mut rest) = take_name(line)?;
        let mut parsed = Self {
            name,
            outcome: Outcome::Ok,
            error: None,
            attributes: Vec::new(),
        };
        if let Some(bracket) = rest.strip_prefix('[') {
            let (inside, after) =
                closing(bracket, false).ok_or_else(|| "`[` without `]`".to_owned())?;
            (parsed.outcome, parsed.error) = outcome(inside)?;
            rest = after.trim_start();
        }
        while !rest.is_empty() {
            let (key, after) = rest
                .split_once('=')
                .filter(|(key, _)| !key.is_empty() && !key.contains(' '))
                .ok_or_else(|| format!("expected `key=value`, found `{rest}`"))?;
            let (value, after) = take_value(after)?;
            parsed.attributes.push((key.to_owned(), value.to_owned()));
            rest = after.trim_start();
        }
        Ok(parsed)
    }
}

/// Splits a line into the name and the rest.
fn take_name(line: &str) -> Result<(String, &str), String> {
    if line.starts_with('"') {
        let (quoted, rest) = take_quoted(line)?;
        return Ok((unquote(quoted), rest.trim_start()));
    }
    // `at` moves from word to word until one begins an outcome or an attribute.
    let mut end = line.len();
    let mut at = 0;
    for word in line.split(' ') {
        if word.starts_with('[') || word.contains('=') {
            end = at;
            break;
        }
        at += word.len() + 1;
    }
    let name = line[..end].trim_end();
    if name.is_empty() {
        return Err("a line begins with a name".to_owned());
    }
    Ok((name.to_owned(), &line[end..]))
}

/// Splits a text at the `]` that closes it; brackets may be inside, also in quotes.
fn closing(text: &str, quotes: bool) -> Option<(&str, &str)> {
    let mut open = 1;
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        if quotes && quoted {
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => quoted = true,
            '[' => open += 1,
            ']' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

fn outcome(text: &str) -> Result<(Outcome, Option<String>), String> {
    let (word, error) = match text.split_once(':') {
        Some((word, error)) => (word, Some(error.trim().to_owned())),
        None => (text, None),
    };
    let word = word.trim();
    let outcome = Outcome::ALL.iter().find(|known| known.as_str() == word);
    let outcome = outcome.ok_or_else(|| {
        format!("`{word}` is no outcome: expected ok, error, panicked or cancelled")
    })?;
    Ok((*outcome, error))
}

/// Splits a text into the value that it begins with, as written, and the rest.
fn take_value(text: &str) -> Result<(&str, &str), String> {
    if text.starts_with('"') {
        return take_quoted(text);
    }
    if let Some(inside) = text.strip_prefix('[') {
        let (inside, rest) = closing(inside, true).ok_or_else(|| "`[` without `]`".to_owned())?;
        return Ok((&text[..inside.len() + 2], rest));
    }
    Ok(match text.find(' ') {
        Some(end) => text.split_at(end),
        None => (text, ""),
    })
}

/// Splits a text into the `"…"` that it begins with, quotes included, and the rest.
fn take_quoted(text: &str) -> Result<(&str, &str), String> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return Ok(text.split_at(at + 1)),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    Err("a quote is not closed".to_owned())
}

/// Returns the text that `{:?}` wrote as `quoted`.
fn unquote(quoted: &str) -> String {
    let mut out = String::new();
    let mut chars = quoted[1..quoted.len() - 1].chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some('u') => {
                let code: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                let c = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                out.extend(c);
            }
            other => out.extend(other),
        }
    }
    out
}

/// Returns whether a value is the one that a line names.
pub(super) fn is_value(expected: &str, value: &AttributeValue) -> bool {
    if expected == "*" || expected == self::value(value) {
        return true;
    }
    let number: Option<f64> = expected.parse().ok();
    match value {
        // `2` and `2.0` are one number, `gpt` and `"gpt"` one text.
        AttributeValue::F64(v) => number == Some(*v),
        AttributeValue::String(v) if expected.starts_with('"') => unquote(expected) == **v,
        AttributeValue::String(v) => expected == &**v,
        _ => false,
    }
}
