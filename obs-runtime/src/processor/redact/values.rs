//! Where the value after the name of a secret begins and ends.

/// What is masked after a key and its `:` or `=`: a range of the text.
type Range = (usize, usize);

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
    match bytes.get(at)? {
        b'[' | b'{' => Some((at, balanced(bytes, at))),
        _ if key != Header::None && bytes[sep] == b':' => {
            let end = line(bytes, at);
            kept_scheme(bytes, at, end, key)
        }
        _ => some(bytes, at, plain(bytes, at)),
    }
}

/// The secret that follows the comma of a pair, if it is quoted.
pub(super) fn quoted(bytes: &[u8], at: usize) -> Option<Range> {
    let at = at + blanks(bytes.get(at..).unwrap_or_default());
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
    ];
    let value = &bytes[start..end];
    let nothing = value == b"*" || value == b"**" || NOTHING.iter().any(|n| n.as_bytes() == value);
    // Masked before, perhaps with something of the text behind it.
    let nothing = nothing || value.starts_with(b"***");
    (!nothing).then_some((start, end))
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

/// The end of `[…]` or `{…}`, marks included; without it, the end of the text.
fn balanced(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    let mut quoted = false;
    let mut escaped = false;
    for (i, b) in bytes.iter().enumerate().skip(start) {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => {
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
    const SCHEMES: &[&str] = &["Bearer", "Basic", "Token", "ApiKey"];
    let value = &bytes[start..end];
    let word = value.iter().position(|b| *b == b' ');
    if key == Header::Authorization
        && let Some(word) = word
        && SCHEMES
            .iter()
            .any(|s| value[..word].eq_ignore_ascii_case(s.as_bytes()))
    {
        let at = start + word + blanks(&value[word..]);
        return some(bytes, at, plain(bytes, at).min(end));
    }
    some(bytes, start, end)
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

/// The password of `scheme://user:password@host`, given where the `//` ends.
pub(super) fn url_password(bytes: &[u8], start: usize) -> Option<Range> {
    let rest = &bytes[start..];
    let outside =
        |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'`' | b'<' | b'>' | b'\\');
    let end = rest
        .iter()
        .position(|b| matches!(b, b'/' | b'?' | b'#') || outside(b))
        .unwrap_or(rest.len());
    let authority = &rest[..end];
    let colon = authority.iter().position(|b| *b == b':')?;
    let at = match authority.iter().rposition(|b| *b == b'@') {
        Some(at) => at,
        // A slash that the password should have had encoded; after a port it is a path.
        None if !authority[colon + 1..].iter().all(u8::is_ascii_digit) && authority[0] != b'[' => {
            let near = &rest[..rest.len().min(256)];
            let near = &near[..near.iter().position(outside).unwrap_or(near.len())];
            near.iter().rposition(|b| *b == b'@')?
        }
        None => return None,
    };
    (at > colon + 1).then(|| (start + colon + 1, start + at))
}
