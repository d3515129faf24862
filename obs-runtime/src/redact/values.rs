//! Finds where the value after the name of a secret begins and ends.
//!
//! Every function gets the bytes of the whole text and a place in it. Loops report what they read
//! to [`work`], so that tests see that a text is read once.

use super::keys::{is_secret, one_of};
use super::shapes::{is_token, run};
use super::{MASK, entries, harmless, prose, work};

/// The range of the text that is masked after a key and its `:` or `=`.
pub(super) type Range = (usize, usize);

/// Returns the secret that follows the separator at `sep`.
pub(super) fn after(bytes: &[u8], sep: usize, form: Form) -> Option<Range> {
    let mut at = sep + 1;
    // `=>`, `==`, `:=`
    while at < sep + 3 && matches!(bytes.get(at), Some(b'=' | b'>')) {
        at += 1;
    }
    at += blanks(&bytes[at..]);
    let at = wrapped(bytes, at);
    if quote_at(bytes, at).1.is_some() {
        let (start, end) = in_quotes(bytes, at)?;
        return kept_scheme(bytes, start, end, form);
    }
    if is_masked(bytes, at) {
        return None;
    }
    if entries::is_block(&bytes[at..]) {
        return entries::block(bytes, sep, at);
    }
    let is_prose = bytes[sep] == b':' && at > sep + 1 && prose::begins(&bytes[at..]);
    if harmless::is_code(&bytes[at..]) {
        return None;
    }
    match bytes.get(at)? {
        _ if form == Form::Word => {
            let is_list = matches!(bytes[at], b'[' | b'{') || construct(bytes, at).is_some();
            (!is_list).then(|| some(bytes, at, plain(bytes, at)))?
        }
        b'[' | b'{' => some(bytes, at, balanced(bytes, at, b"[{", b"]}")),
        _ if is_prose => None,
        _ => bare(bytes, at, form, bytes[sep] == b':'),
    }
}

/// Returns a value without quotation marks.
fn bare(bytes: &[u8], at: usize, form: Form, is_header: bool) -> Option<Range> {
    if let Some(token) = after_scheme(&bytes[at..]) {
        // Only in a header it is certain that the first word is not a part of the secret.
        let start = if form == Form::Authorization {
            at + token
        } else {
            at
        };
        return some(bytes, start, plain(bytes, at + token));
    }
    let end = match form {
        Form::Authorization | Form::Cookie if is_header => {
            line(bytes, at).max(parameters(bytes, at))
        }
        Form::Cookie => cookies(bytes, at),
        _ => match construct(bytes, at) {
            Some(open) if bytes[open] == b'(' => balanced(bytes, open, b"(", b")"),
            Some(open) => balanced(bytes, open, b"{", b"}"),
            None => plain(bytes, at),
        },
    };
    some(bytes, at, end)
}

/// Returns the end of `a=b; c=d`.
fn cookies(bytes: &[u8], at: usize) -> usize {
    let mut end = plain(bytes, at);
    while let Some(rest) = bytes[end..].strip_prefix(b"; ") {
        let name = leading(rest, 64, is_name);
        if name == 0 || rest.get(name) != Some(&b'=') {
            break;
        }
        end = plain(bytes, end + 2 + name + 1);
    }
    end
}

/// Returns the value between `<name …>` and `</`, given where the `>` is.
pub(super) fn element(bytes: &[u8], close: usize) -> Option<Range> {
    const CDATA: &[u8] = b"<![CDATA[";
    let from = close.saturating_sub(128);
    let before = &bytes[from..close];
    let open = before
        .iter()
        .rposition(|b| matches!(b, b'<' | b'>' | b'\n'))?;
    let tag = before[open..].strip_prefix(b"<")?;
    let name = tag.split(u8::is_ascii_whitespace).next()?;
    // `ns:name`
    let name = name.rsplit(|b| *b == b':').next()?;
    if !is_secret(name) {
        return None;
    }
    let start = close + 1;
    let (start, end) = if bytes[start..].starts_with(CDATA) {
        let start = start + CDATA.len();
        if is_masked(bytes, start) {
            return None;
        }
        (start, found(bytes, start, b"]]>").unwrap_or(bytes.len()))
    } else {
        let end = found(bytes, start, b"<")?;
        let is_closed = bytes[end..].starts_with(b"</");
        (start, is_closed.then_some(end)?)
    };
    let blank = bytes[start..end].iter().all(u8::is_ascii_whitespace);
    (!blank).then(|| some(bytes, start, end)).flatten()
}

/// Returns where `sign` first stands, from `start` on.
pub(super) fn found(bytes: &[u8], start: usize, sign: &[u8]) -> Option<usize> {
    let at = until(bytes, start, |&i| bytes[i..].starts_with(sign));
    (at < bytes.len()).then_some(at)
}

/// Returns the argument of `--name value` or `"--name", "value"`, given where the `--` is.
pub(super) fn option(bytes: &[u8], dashes: usize) -> Option<Range> {
    let name = &bytes[dashes + 2..];
    let len = leading(name, 64, is_token);
    if !is_secret(&name[..len]) {
        return None;
    }
    let rest = dashes + 2 + len;
    let (slashes, quote) = quote_at(bytes, rest);
    if quote.is_some() {
        let at = rest + slashes + 1;
        let comma = bytes.get(at) == Some(&b',');
        return comma.then(|| quoted(bytes, at + 1)).flatten();
    }
    let at = rest + blanks(&bytes[rest..]);
    let rest = bytes.get(at..).filter(|_| at > rest)?;
    if rest.first().is_none_or(|b| *b == b'-') || prose::begins(rest) {
        return None;
    }
    let (start, end) = match quote_at(bytes, at).1 {
        Some(_) => in_quotes(bytes, at)?,
        None if is_masked(bytes, at) => return None,
        None => (at, plain(bytes, at)),
    };
    some(bytes, start, end).filter(|(start, end)| end > start)
}

/// Returns the value of a parameter in a URL that is itself a parameter: `token%3Dabc%26…`.
pub(super) fn encoded(bytes: &[u8], start: usize) -> Range {
    let end = until(bytes, start, |&i| {
        matches!(bytes[i], b'&' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
            || bytes[i].is_ascii_whitespace()
            || bytes[i..].starts_with(b"%26")
    });
    (start, end)
}

/// Returns the first place from `start` on where the value `ends`; else the end of the text.
fn until(bytes: &[u8], start: usize, ends: impl FnMut(&usize) -> bool) -> usize {
    let end = (start..bytes.len()).find(ends).unwrap_or(bytes.len());
    work::read(end - start);
    end
}

/// Returns where the bracket of `Name { … }` or `Name(…)` stands, as `Debug` writes them.
fn construct(bytes: &[u8], at: usize) -> Option<usize> {
    if !bytes.get(at)?.is_ascii_uppercase() {
        return None;
    }
    let open = at + leading(&bytes[at..], 64, |b| b.is_ascii_alphanumeric() || b == b'_');
    if bytes.get(open) == Some(&b'(') {
        return Some(open);
    }
    let open = open + blanks(&bytes[open..]);
    (bytes.get(open) == Some(&b'{')).then_some(open)
}

/// Returns the end of `scheme name="value", name=value` or of cookies.
fn parameters(bytes: &[u8], at: usize) -> usize {
    let name = |at: usize| bytes[at..].iter().take_while(|b| is_name(**b)).count();
    let scheme = at + name(at);
    let mut next = scheme + blanks(&bytes[scheme..]);
    if next == scheme {
        next = at;
    }
    let mut end = at;
    loop {
        let equals = next + name(next);
        if equals == next || bytes.get(equals) != Some(&b'=') {
            break;
        }
        let value = equals + 1;
        let (slashes, quote) = quote_at(bytes, value);
        end = if let Some(quote) = quote {
            let start = value + slashes + 1;
            (closing(bytes, start, quote, slashes) + slashes + 1).min(bytes.len())
        } else {
            let ends = |b: &u8| matches!(b, b',' | b';' | b'"' | b'`') || b.is_ascii_whitespace();
            let len = bytes[value..].iter().position(ends);
            len.map_or(bytes.len(), |len| value + len)
        };
        let separated = matches!(bytes.get(end), Some(b',' | b';'));
        next = end + usize::from(separated);
        next += blanks(&bytes[next..]);
        if next == end {
            break;
        }
    }
    work::read(end - at);
    end
}

/// Returns the secret that follows the comma of a pair, if it is quoted.
pub(super) fn quoted(bytes: &[u8], at: usize) -> Option<Range> {
    let at = at + spaces(bytes.get(at..).unwrap_or_default());
    let (start, end) = in_quotes(bytes, wrapped(bytes, at))?;
    some(bytes, start, end)
}

/// Returns what stands between quotation marks at `at`; none if there are no marks, or if it was
/// masked before.
pub(super) fn in_quotes(bytes: &[u8], at: usize) -> Option<Range> {
    let (slashes, quote) = quote_at(bytes, at);
    let start = at + slashes + 1;
    if is_masked(bytes, start) {
        return None;
    }
    Some((start, closing(bytes, start, quote?, slashes)))
}

/// What the name before a value says about the value's form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Any,
    /// The name is `token` in its sense of a text's token: a parser's list after it gives nothing
    /// away.
    Word,
    /// The name is that of a header whose values have more than one word.
    Authorization,
    Cookie,
}

/// Returns the range, unless its value hides nothing and should stay as it is.
pub(super) fn some(bytes: &[u8], start: usize, end: usize) -> Option<Range> {
    let nothing = harmless::is_nothing(&bytes[start..end]);
    (!nothing && !is_masked(bytes, start)).then_some((start, end))
}

/// Returns whether the value was masked before, perhaps with some of the text behind it.
///
/// It must be asked before the value is read: a search that finds nothing must not have read far,
/// or a text of many such values would be read again and again.
pub(super) fn is_masked(bytes: &[u8], start: usize) -> bool {
    bytes
        .get(start..)
        .is_some_and(|value| value.starts_with(MASK.as_bytes()))
}

/// Counts the first bytes that are accepted, up to a limit. What is limited needs no report.
///
/// Not inlined, as it would be unrolled to its limit.
#[inline(never)]
pub(super) fn leading(bytes: &[u8], most: usize, accept: fn(u8) -> bool) -> usize {
    let near = bytes.iter().take(most);
    near.take_while(|b| accept(**b)).count()
}

/// Counts blanks and ends of lines, as the pretty `Debug` writes them, up to a limit.
fn spaces(bytes: &[u8]) -> usize {
    leading(bytes, 256, |b| b.is_ascii_whitespace())
}

pub(super) fn blanks(bytes: &[u8]) -> usize {
    run(bytes, |b| matches!(b, b' ' | b'\t'))
}

/// Steps into `Some("`, `Secret(Some("`, `b"`, as `Debug` writes them. Before anything else it
/// stays where it is.
fn wrapped(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    for _ in 0..4 {
        let name = leading(&bytes[at..], 32, |b| b.is_ascii_alphanumeric());
        let open = at + name;
        if bytes.get(open) == Some(&b'(') && name > 0 && bytes[at].is_ascii_uppercase() {
            at = open + 1;
            at += spaces(&bytes[at..]);
        } else if name == 1 && bytes[at] == b'b' {
            at += 1;
            break;
        } else {
            break;
        }
    }
    if quote_at(bytes, at).1.is_some() {
        at
    } else {
        from
    }
}

/// Returns the quotation mark at `at`, and how many backslashes stand before it.
pub(super) fn quote_at(bytes: &[u8], at: usize) -> (usize, Option<u8>) {
    let rest = bytes.get(at..).unwrap_or_default();
    let slashes = leading(rest, 8, |b| b == b'\\');
    let quote = rest
        .get(slashes)
        .copied()
        .filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    (slashes, quote)
}

/// Returns the end of a quoted value whose opening mark has `slashes` backslashes before it.
///
/// Text that was quoted once has 0, text that was quoted again 1, then 3, 7. Without a closing mark
/// it is the end of the text.
fn closing(bytes: &[u8], start: usize, quote: u8, slashes: usize) -> usize {
    let mut before = 0;
    let end = until(bytes, start, |&i| {
        let closes = bytes[i] == quote && before % (2 * (slashes + 1)) <= slashes;
        if !closes {
            before = if bytes[i] == b'\\' { before + 1 } else { 0 };
        }
        closes
    });
    let is_closed = end < bytes.len();
    end - if is_closed { before.min(slashes) } else { 0 }
}

/// Returns the end of what the bracket at `start` opens, itself included; else the end of the text.
fn balanced(bytes: &[u8], start: usize, opens: &[u8], closes: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut quoted = false;
    let mut escaped = false;
    let last = until(bytes, start, |&i| {
        match &bytes[i] {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b if !quoted && opens.contains(b) => depth += 1,
            b if !quoted && closes.contains(b) => {
                depth -= 1;
                return depth == 0;
            }
            _ => {}
        }
        false
    });
    (last + 1).min(bytes.len())
}

/// Returns the end of the line, or of the quoted text around it.
fn line(bytes: &[u8], start: usize) -> usize {
    let end = until(bytes, start, |&i| {
        matches!(bytes[i], b'\n' | b'\r' | b'"' | b'`')
    });
    // `\"` and the blanks before the end do not belong to the value.
    let trimmed = bytes[start..end]
        .iter()
        .rposition(|b| !matches!(b, b'\\' | b' ' | b'\t'));
    start + trimmed.map_or(0, |n| n + 1)
}

/// Returns the part of a header's value to mask.
///
/// `Authorization: Bearer x` keeps the scheme and what follows the token. An unknown scheme is
/// masked, and everything after it.
fn kept_scheme(bytes: &[u8], start: usize, end: usize, form: Form) -> Option<Range> {
    match after_scheme(&bytes[start..end]) {
        Some(at) if form == Form::Authorization => {
            some(bytes, start + at, plain(bytes, start + at).min(end))
        }
        _ => some(bytes, start, end),
    }
}

/// Returns where the token behind a known scheme begins.
fn after_scheme(value: &[u8]) -> Option<usize> {
    const SCHEMES: &[&str] = &["Bearer", "Basic", "Token", "ApiKey"];
    let near = &value[..value.len().min(16)];
    let word = near.iter().position(|b| *b == b' ')?;
    one_of(&near[..word], SCHEMES).then(|| word + blanks(&value[word..]))
}

/// Returns the end of a bare value: a blank, a quotation mark, or a comma, semicolon, ampersand or
/// bracket after which something else begins.
pub(super) fn plain(bytes: &[u8], start: usize) -> usize {
    let end = until(bytes, start, |&i| match bytes[i] {
        b'"' | b'`' | b'<' | b'>' => true,
        b if b.is_ascii_whitespace() => true,
        b'\\' => bytes.get(i + 1) == Some(&b'"'),
        b',' | b';' | b'&' => another_begins(&bytes[i + 1..]),
        b')' | b']' | b'}' | b'\'' => bytes
            .get(i + 1)
            .is_none_or(|next| next.is_ascii_whitespace() || next.is_ascii_punctuation()),
        _ => false,
    });
    // The mark at the end belongs to the sentence.
    let dot = end > start + 1 && bytes[end - 1] == b'.';
    end - usize::from(dot)
}

/// Returns the end of the lines from `start` on that are indented by more than `indent`.
pub(super) fn indented(bytes: &[u8], start: usize, indent: usize) -> usize {
    let is_less = |line: &[u8]| {
        let blank = leading(line, indent + 1, |b| b == b' ');
        blank <= indent && !matches!(line.get(blank), None | Some(b'\n' | b'\r'))
    };
    let end = until(bytes, start, |&i| {
        bytes[i] == b'\n' && is_less(&bytes[i + 1..])
    });
    start + bytes[start..end].trim_ascii_end().len()
}

/// Returns whether a byte can be a part of a name.
pub(super) fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
}

/// Returns whether another entry follows a comma (`, x`, `,name=`), rather than more of a value.
fn another_begins(rest: &[u8]) -> bool {
    let Some(first) = rest.first() else {
        return true;
    };
    if first.is_ascii_whitespace() || matches!(first, b'"' | b'\'' | b'\\') {
        return true;
    }
    let n = leading(rest, 40, is_name);
    n > 0 && matches!(rest.get(n), Some(b'=' | b':'))
}
