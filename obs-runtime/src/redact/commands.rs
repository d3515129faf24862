//! Secrets among the arguments of commands whose options do not say so: `mysql -pX`, `curl -u a:X`.

use super::values::{self, Range};

/// How much of the line before an option is searched for the command.
const FAR: usize = 256;

/// Where the secret of an option stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the same word: `-pX`.
    Attached,
    /// It is the next word: `-a X`.
    Next,
    /// Behind a mark in the next word: `-u name:X`.
    Behind(u8),
}

/// Beginnings of commands, their options, and where the secret is.
const OPTIONS: &[(&str, &str, Place)] = &[
    ("mysql", "-p", Place::Attached),
    ("mariadb", "-p", Place::Attached),
    ("sshpass", "-p", Place::Attached),
    ("sshpass", "-p", Place::Next),
    ("7z", "-p", Place::Attached),
    ("mongo", "-p", Place::Next),
    ("login", "-p", Place::Next),
    ("redis-cli", "-a", Place::Next),
    ("ldap", "-w", Place::Next),
    ("unzip", "-P", Place::Next),
    ("zip", "-P", Place::Next),
    ("sqlcmd", "-P", Place::Next),
    ("bcp", "-P", Place::Next),
    ("curl", "-u", Place::Behind(b':')),
    ("curl", "-U", Place::Behind(b':')),
    ("curl", "--user", Place::Behind(b':')),
    ("curl", "--proxy-user", Place::Behind(b':')),
    ("smbclient", "-U", Place::Behind(b'%')),
];

/// Returns the secret of the option behind the blank at `blank`.
///
/// `out` and the text from `copied` on are what stands before it, as it leaves the redaction: what
/// was masked must not decide how far the command is, or a text that is masked again would differ.
pub(super) fn argument(bytes: &[u8], blank: usize, out: &[u8], copied: usize) -> Option<Range> {
    let rest = &bytes[blank + 1..];
    let mut fitting = OPTIONS
        .iter()
        .filter(|(_, option, _)| rest.starts_with(option.as_bytes()))
        .peekable();
    fitting.peek()?;
    let mut line = [0; FAR];
    let line = line_before(bytes.get(copied..blank)?, out, &mut line);
    fitting.find_map(|(command, option, place)| {
        let is_called = words(line).any(|word| begins(word, command.as_bytes()));
        is_called.then(|| secret(bytes, blank + 1 + option.len(), *place))?
    })
}

/// Returns the end of what stands before, without what belongs to another command or line.
fn line_before<'a>(near: &[u8], far: &[u8], line: &'a mut [u8; FAR]) -> &'a [u8] {
    let near = &near[near.len().saturating_sub(FAR)..];
    let far = &far[far.len().saturating_sub(FAR - near.len())..];
    let (before, rest) = line.split_at_mut(far.len());
    before.copy_from_slice(far);
    rest[..near.len()].copy_from_slice(near);
    let line = &line[..far.len() + near.len()];
    let ends = |b: &u8| matches!(b, b'\n' | b'|' | b';');
    let start = line.iter().rposition(ends).map_or(0, |end| end + 1);
    &line[start..]
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let outside =
        |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'/' | b'(');
    line.split(outside)
}

/// Returns whether the word is a command or one of its family: `mysqldump`, `mongosh`.
fn begins(word: &[u8], command: &[u8]) -> bool {
    let rest = word.strip_prefix(command);
    rest.is_some_and(|rest| rest.iter().all(u8::is_ascii_alphabetic))
}

fn secret(bytes: &[u8], at: usize, place: Place) -> Option<Range> {
    if place == Place::Attached {
        let first = bytes.get(at)?;
        let (start, end) = if values::quote_at(bytes, at).1.is_some() {
            values::in_quotes(bytes, at)?
        } else {
            (at, values::plain(bytes, at))
        };
        let is_value = !first.is_ascii_whitespace() && end > start;
        return is_value.then(|| values::some(bytes, start, end))?;
    }
    let start = at + values::blanks(bytes.get(at..)?);
    if bytes.get(start)?.eq(&b'-') || start == at && at > 0 && place == Place::Next {
        return None;
    }
    let (start, end) = match values::quote_at(bytes, start).1 {
        Some(_) => values::in_quotes(bytes, start)?,
        None if values::is_masked(bytes, start) => return None,
        None => (start, values::plain(bytes, start)),
    };
    let start = match place {
        Place::Behind(mark) => start + bytes[start..end].iter().position(|b| *b == mark)? + 1,
        _ => start,
    };
    (end > start).then(|| values::some(bytes, start, end))?
}
