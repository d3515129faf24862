//! Secrets that are known by their own look: keys with a vendor's prefix, JSON Web Tokens, PEM.

use super::prefixes::{Alphabet, PREFIXES};
use super::{keys, values, work};

/// Returns whether a byte is a letter, a digit, `_` or `-`.
pub(super) fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

/// Returns whether a byte is one that base64 and RFC 7235 (section 2.1, `token68`) allow.
fn is_token68(b: u8) -> bool {
    is_token(b) || matches!(b, b'.' | b'~' | b'+' | b'/' | b'=')
}

/// Counts the first bytes that are accepted.
pub(super) fn run(bytes: &[u8], accept: fn(u8) -> bool) -> usize {
    let len = bytes.iter().take_while(|b| accept(**b)).count();
    work::read(len);
    len
}

/// Returns the length of the secret at the start of `bytes`, if one begins there.
pub(super) fn secret(bytes: &[u8]) -> Option<usize> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    if let Some(rest) = bytes.strip_prefix(b"eyJ") {
        return jwt(rest).map(|n| 3 + n);
    }
    // A call for each prefix would cost more than the text around it.
    let begins = |p: &[u8]| p[0] == first && p[1] == second && bytes.starts_with(p);
    let mut fitting = PREFIXES.iter().filter(|(prefix, ..)| begins(prefix));
    let len = fitting.find_map(|&(prefix, alphabet, least)| {
        let len = body(&bytes[prefix.len()..], alphabet);
        (len >= least).then_some(prefix.len() + len)
    })?;
    Some(len)
}

/// Returns the length of what follows a prefix; 0 if it is not what the prefix announces.
fn body(rest: &[u8], alphabet: Alphabet) -> usize {
    // A hash or an identifier that goes on is another thing.
    let whole = |len: usize| match rest.get(len) {
        Some(next) if is_token(*next) => 0,
        _ => len,
    };
    match alphabet {
        Alphabet::Token => run(rest, is_token),
        Alphabet::Base64 => run(rest, |b| is_token(b) || matches!(b, b'+' | b'/' | b'=')),
        Alphabet::Upper => run(rest, |b| b.is_ascii_uppercase() || b.is_ascii_digit()),
        Alphabet::Hex => whole(run(rest, |b| b.is_ascii_hexdigit())),
        Alphabet::Word => whole(run(rest, |b| b.is_ascii_alphanumeric())),
        Alphabet::Dotted => {
            let len = run(rest, |b| is_token(b) || b == b'.');
            len - usize::from(len > 0 && rest[len - 1] == b'.')
        }
        Alphabet::Random => {
            let len = run(rest, is_token);
            let digits = rest[..len].iter().filter(|b| b.is_ascii_digit()).count();
            if digits >= 3 { len } else { 0 }
        }
    }
}

/// Returns the length of a JSON Web Token after its `eyJ` (RFC 7519): base64url parts between dots.
fn jwt(rest: &[u8]) -> Option<usize> {
    let mut end = run(rest, is_token);
    if end < 6 {
        return None;
    }
    let mut parts = 1;
    while rest.get(end) == Some(&b'.') {
        let n = run(&rest[end + 1..], is_token);
        // A signature may be empty (`alg: none`), but a full stop ends the sentence.
        if n == 0 {
            break;
        }
        end += 1 + n;
        parts += 1;
    }
    (parts > 1).then_some(end)
}

/// Words that follow `Bearer` in a sentence about the scheme.
const ABOUT_BEARER: &[&str] = &[
    "and",
    "auth",
    "authentication",
    "authorization",
    "credentials",
    "error",
    "expected",
    "header",
    "invalid",
    "is",
    "missing",
    "must",
    "not",
    "of",
    "or",
    "realm",
    "required",
    "scheme",
    "token",
    "tokens",
    "was",
];

/// Returns where the secret of `Bearer …` or `Basic …` outside a header begins and ends.
pub(super) fn scheme(bytes: &[u8]) -> Option<(usize, usize)> {
    let (word, basic) = match bytes.get(..6)? {
        w if w.eq_ignore_ascii_case(b"bearer") => (6, false),
        w if w[..5].eq_ignore_ascii_case(b"basic") => (5, true),
        _ => return None,
    };
    let spaces = run(&bytes[word..], |b| b == b' ');
    let start = word + spaces;
    if spaces == 0 {
        return None;
    }
    let secret = &bytes[start..start + run(&bytes[start..], is_token68)];
    // The full stop belongs to the sentence.
    let secret = secret.strip_suffix(b".").unwrap_or(secret);
    if secret.is_empty() {
        return None;
    }
    let random = secret.len() >= 8
        && (secret.iter().any(u8::is_ascii_digit)
            || secret[1..].iter().any(u8::is_ascii_uppercase));
    // What follows it is base64 of a whole number of groups.
    let random = random && (!basic || secret.len().is_multiple_of(4));
    let named = !basic && bytes[0] == b'B' && !keys::one_of(secret, ABOUT_BEARER);
    // `Bearer realm="…"` is a challenge, and gives nothing away.
    let challenge = secret.starts_with(b"realm=") || secret.starts_with(b"error=");
    ((random || named) && !challenge).then_some((start, start + secret.len()))
}

/// Returns where the secret part of a private key begins and ends.
///
/// It may be in PEM (RFC 7468) or of OpenPGP (RFC 9580, section 6.2).
pub(super) fn pem(bytes: &[u8]) -> Option<(usize, usize)> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const DASHES: &[u8] = b"-----";
    let rest = bytes.strip_prefix(BEGIN)?;
    let is_label = |b: &&u8| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b' ';
    let (label, rest) = rest.split_at(rest.iter().take(64).take_while(is_label).count());
    let is_key = label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    if !is_key || !rest.starts_with(DASHES) {
        return None;
    }
    let start = BEGIN.len() + label.len() + DASHES.len();
    let end = values::found(bytes, start, DASHES);
    Some((start, end.unwrap_or(bytes.len())))
}
