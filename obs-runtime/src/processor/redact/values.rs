//! Where the value after the name of a secret begins and ends.

use super::keys::is_secret;
use super::prose;

/// What is masked after a key and its `:` or `=`: a range of the text.
pub(super) type Range = (usize, usize);

/// The secret that follows the separator at `sep`; `header` says that the key is one of a header
/// whose value has spaces (`Cookie`, `Authorization`).
pub(super) fn after(bytes: &[u8], sep: usize, key: Header) -> Option<Range> {
    let mut at = sep + 1;
    // `=>`, `==`, `:=`
    while at < sep + 3 && matches!(bytes.get(at), Some(b'=' | b'>')) {
        at += 1;
    }
    at += blanks(&bytes[at..]);
    let at = wrapped(bytes, at);
    let (slashes, quote) = quote_at(bytes, at);
    if let Some(quote) = quote {
        let start = at + slashes + 1;
        let end = closing(bytes, start, quote, slashes);
        return kept_scheme(bytes, start, end, key);
    }
    let is_prose = bytes[sep] == b':' && at > sep + 1 && prose::begins(&bytes[at..]);
    match bytes.get(at)? {
        b'[' | b'{' => Some((at, balanced(bytes, at, b"[{", b"]}"))),
        _ if is_prose => None,
        b'*' if bytes[at..].starts_with(b"***") => None,
        _ if key != Header::None && bytes[sep] == b':' => {
            if let Some(token) = after_scheme(&bytes[at..], key) {
                return some(bytes, at + token, plain(bytes, at + token));
            }
            some(bytes, at, line(bytes, at).max(parameters(bytes, at)))
        }
        _ => some(
            bytes,
            at,
            construct(bytes, at).unwrap_or_else(|| plain(bytes, at)),
        ),
    }
}

/// The value between `<name …>` and `</`, given where the `>` is.
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
    let mut start = close + 1;
    let mut ends = b"<".as_slice();
    if bytes[start..].starts_with(CDATA) {
        start += CDATA.len();
        ends = b"]]>";
    }
    let value = &bytes[start..];
    let near = &value[..value.len().min(1024)];
    let end = near.windows(ends.len()).position(|w| w == ends)?;
    let closed = near[end..].starts_with(b"</") || near[end..].starts_with(b"]]></");
    let blank = near[..end].iter().all(u8::is_ascii_whitespace);
    (closed && !blank)
        .then(|| some(bytes, start, start + end))
        .flatten()
}

/// The argument after an option, `--name value` or `"--name", "value"`, given where the `--` is.
pub(super) fn option(bytes: &[u8], dashes: usize) -> Option<Range> {
    let name = &bytes[dashes + 2..];
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let len = name.iter().take(64).take_while(is_name).count();
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
    let (slashes, quote) = quote_at(bytes, at);
    let (start, end) = match quote {
        Some(quote) => (
            at + slashes + 1,
            closing(bytes, at + slashes + 1, quote, slashes),
        ),
        None => (at, plain(bytes, at)),
    };
    some(bytes, start, end).filter(|(start, end)| end > start)
}

/// The value of a parameter in a URL that is itself a parameter: `token%3Dabc%26…`.
pub(super) fn encoded(bytes: &[u8], start: usize) -> Range {
    let rest = &bytes[start..];
    let ends = |i: &usize| {
        matches!(rest[*i], b'&' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
            || rest[*i].is_ascii_whitespace()
            || rest[*i..].starts_with(b"%26")
    };
    let end = (0..rest.len()).find(ends).unwrap_or(rest.len());
    (start, start + end)
}

/// The end of `Name { … }` and `Name(…)`, as `Debug` writes them.
fn construct(bytes: &[u8], at: usize) -> Option<usize> {
    if !bytes.get(at)?.is_ascii_uppercase() {
        return None;
    }
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let open = at + bytes[at..].iter().take(64).take_while(is_name).count();
    if bytes.get(open) == Some(&b'(') {
        return Some(balanced(bytes, open, b"(", b")"));
    }
    let open = open + blanks(&bytes[open..]);
    (bytes.get(open) == Some(&b'{')).then(|| balanced(bytes, open, b"{", b"}"))
}

/// The end of `scheme name="value", name=value` or of cookies.
fn parameters(bytes: &[u8], at: usize) -> usize {
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let name = |at: usize| bytes[at..].iter().take_while(is_name).count();
    let scheme = at + name(at);
    let mut next = scheme + blanks(&bytes[scheme..]);
    if next == scheme {
        next = at;
    }
    let mut end = at;
    loop {
        let equals = next + name(next);
        if equals == next || bytes.get(equals) != Some(&b'=') {
            return end;
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
        next = end
            + bytes[end..]
                .iter()
                .take(1)
                .filter(|b| matches!(b, b',' | b';'))
                .count();
        next += blanks(&bytes[next..]);
        if next == end {
            return end;
        }
    }
}

/// The secret that follows the comma of a pair, if it is quoted.
pub(super) fn quoted(bytes: &[u8], at: usize) -> Option<Range> {
    let at = at + spaces(bytes.get(at..).unwrap_or_default());
    let at = wrapped(bytes, at);
    let (slashes, quote) = quote_at(bytes, at);
    let start = at + slashes + 1;
    let end = closing(bytes, start, quote?, slashes);
    some(bytes, start, end)
}

/// Headers whose values are more than a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    None,
    Authorization,
    Cookie,
}

/// Values that hide nothing stay as they are.
fn some(bytes: &[u8], start: usize, end: usize) -> Option<Range> {
    const NOTHING: &[&str] = &[
        "None",
        "null",
        "nil",
        "true",
        "false",
        "undefined",
        "Sensitive",
        // MySQL: "(using password: YES)".
        "YES",
        "NO",
    ];
    let value = &bytes[start..end];
    let nothing = value == b"*" || value == b"**" || NOTHING.iter().any(|n| n.as_bytes() == value);
    // Masked before, perhaps with something of the text behind it.
    let nothing = nothing || value.starts_with(b"***");
    (!nothing).then_some((start, end))
}

/// Blanks and ends of lines, as the pretty `Debug` writes them; not a whole page of them.
fn spaces(bytes: &[u8]) -> usize {
    let is_space = |b: &&u8| b.is_ascii_whitespace();
    bytes.iter().take(256).take_while(is_space).count()
}

fn blanks(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count()
}

/// Steps into `Some("`, `Secret(Some("`, `b"` as `Debug` writes them; stays where it is before
/// anything else.
fn wrapped(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    for _ in 0..4 {
        let name = bytes[at..]
            .iter()
            .take(32)
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
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

/// A quotation mark at `at`, and how many backslashes stand before it.
fn quote_at(bytes: &[u8], at: usize) -> (usize, Option<u8>) {
    let rest = bytes.get(at..).unwrap_or_default();
    let slashes = rest.iter().take(8).take_while(|b| **b == b'\\').count();
    let quote = rest
        .get(slashes)
        .copied()
        .filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    (slashes, quote)
}

/// The end of a quoted value whose opening mark has `slashes` backslashes before it: text that was
/// quoted once has 0, text quoted again 1, then 3, 7. Without a closing mark, the end of the text.
fn closing(bytes: &[u8], start: usize, quote: u8, slashes: usize) -> usize {
    let mut run = 0;
    for (i, b) in bytes.iter().enumerate().skip(start) {
        if *b == quote && run % (2 * (slashes + 1)) <= slashes {
            return i - run.min(slashes);
        }
        run = if *b == b'\\' { run + 1 } else { 0 };
    }
    bytes.len()
}

/// The end of what the bracket at `start` opens, itself included; without it, the end of the text.
fn balanced(bytes: &[u8], start: usize, opens: &[u8], closes: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut quoted = false;
    let mut escaped = false;
    for (i, b) in bytes.iter().enumerate().skip(start) {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b if !quoted && opens.contains(b) => depth += 1,
            b if !quoted && closes.contains(b) => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

/// The end of the line, or of the quoted text around it.
fn line(bytes: &[u8], start: usize) -> usize {
    let ends = |b: &u8| matches!(b, b'\n' | b'\r' | b'"' | b'`');
    let end = bytes[start..].iter().position(ends);
    let end = end.map_or(bytes.len(), |n| start + n);
    // `\"` and the blanks before the end are not the value's.
    let trimmed = bytes[start..end]
        .iter()
        .rposition(|b| !matches!(b, b'\\' | b' ' | b'\t'));
    start + trimmed.map_or(0, |n| n + 1)
}

/// `Authorization: Bearer x` keeps the scheme and what follows the token; an unknown scheme and
/// everything after it is masked.
fn kept_scheme(bytes: &[u8], start: usize, end: usize, key: Header) -> Option<Range> {
    match after_scheme(&bytes[start..end], key) {
        Some(at) => some(bytes, start + at, plain(bytes, start + at).min(end)),
        None => some(bytes, start, end),
    }
}

/// Where the token behind a known scheme begins.
fn after_scheme(value: &[u8], key: Header) -> Option<usize> {
    const SCHEMES: &[&str] = &["Bearer", "Basic", "Token", "ApiKey"];
    let near = &value[..value.len().min(16)];
    let word = near.iter().position(|b| *b == b' ')?;
    let known = SCHEMES
        .iter()
        .any(|s| near[..word].eq_ignore_ascii_case(s.as_bytes()));
    (key == Header::Authorization && known).then(|| word + blanks(&value[word..]))
}

/// The end of a bare value: a blank, a quotation mark, or a comma, semicolon, ampersand or bracket
/// after which something else begins.
fn plain(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let ends = |i: usize| match rest[i] {
        b'"' | b'`' | b'<' | b'>' => true,
        b if b.is_ascii_whitespace() => true,
        b'\\' => rest.get(i + 1) == Some(&b'"'),
        b',' | b';' | b'&' => another_begins(&rest[i + 1..]),
        b')' | b']' | b'}' | b'\'' => rest
            .get(i + 1)
            .is_none_or(|next| next.is_ascii_whitespace() || next.is_ascii_punctuation()),
        _ => false,
    };
    let end = (0..rest.len()).find(|i| ends(*i)).unwrap_or(rest.len());
    // The sentence's own mark.
    let dot = end > 1 && rest[end - 1] == b'.';
    start + end - usize::from(dot)
}

/// Whether the text after a comma is another entry (`, x`, `,name=`) rather than more of a value.
fn another_begins(rest: &[u8]) -> bool {
    let Some(first) = rest.first() else {
        return true;
    };
    if first.is_ascii_whitespace() || matches!(first, b'"' | b'\'' | b'\\') {
        return true;
    }
    let name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let n = rest.iter().take(40).take_while(name).count();
    n > 0 && matches!(rest.get(n), Some(b'=' | b':'))
}
