//! Secrets that are known by their own look: keys with a vendor's prefix, JSON Web Tokens, PEM.

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

/// Prefixes, and how many characters must follow for a secret. Of two that match, the first counts.
pub(super) const PREFIXES: &[(&[u8], usize)] = &[
    (b"sk-proj-", 4),
    (b"sk-ant-", 4),
    (b"sk-or-", 4),
    (b"sk-svcacct-", 4),
    (b"sk_live_", 4),
    (b"sk_test_", 4),
    (b"rk_live_", 4),
    (b"ghp_", 6),
    (b"gho_", 6),
    (b"ghu_", 6),
    (b"ghs_", 6),
    (b"ghr_", 6),
    (b"github_pat_", 6),
    (b"glpat-", 6),
    (b"gsk_", 16),
    (b"xai-", 20),
    (b"xoxa-", 6),
    (b"xoxb-", 6),
    (b"xoxe-", 6),
    (b"xoxp-", 6),
    (b"xoxr-", 6),
    (b"xoxs-", 6),
    (b"xapp-", 6),
    (b"AIza", 20),
    (b"hf_", 16),
    (b"npm_", 20),
    (b"pypi-", 20),
    (b"ya29.", 10),
    (b"shpat_", 16),
    (b"shpss_", 16),
    (b"whsec_", 12),
    (b"dop_v1_", 20),
    (b"dckr_pat_", 12),
    (b"glsa_", 16),
    (b"lsv2_", 16),
    (b"lin_api_", 16),
    (b"nvapi-", 20),
    (b"pplx-", 20),
    (b"tvly-", 12),
    (b"r8_", 20),
    (b"xkeysib-", 20),
];

/// Returns the length of the secret at the start of `bytes`, if one begins there.
pub(super) fn secret(bytes: &[u8]) -> Option<usize> {
    let (Some(first), Some(second)) = (bytes.first(), bytes.get(1)) else {
        return None;
    };
    // A call for each prefix would cost more than the text around it.
    let begins = |p: &[u8]| p[0] == *first && p[1] == *second && bytes.starts_with(p);
    if let Some((prefix, least)) = PREFIXES.iter().find(|(p, _)| begins(p)) {
        let rest = run(&bytes[prefix.len()..], is_token);
        return (rest >= *least).then_some(prefix.len() + rest);
    }
    match bytes {
        [b's', b'k', b'-', rest @ ..] => {
            let n = run(rest, is_token);
            // `sk-learn` and the like have no digits.
            (n >= 6 && rest[..n].iter().any(u8::is_ascii_digit)).then_some(3 + n)
        }
        [b'A', b'K' | b'S', b'I', b'A', rest @ ..] => {
            let n = run(rest, |b| b.is_ascii_uppercase() || b.is_ascii_digit());
            (n >= 12).then_some(4 + n)
        }
        [b'e', b'y', b'J', rest @ ..] => jwt(rest).map(|n| 3 + n),
        // SendGrid, Vault: parts between dots.
        [b'S', b'G', b'.', rest @ ..] => dotted(rest).map(|n| 3 + n),
        [b'h', b'v', b's' | b'b' | b'r', b'.', rest @ ..] => dotted(rest).map(|n| 4 + n),
        // Databricks: 32 hexadecimal digits.
        [b'd', b'a', b'p', b'i', rest @ ..] => {
            let n = run(rest, |b| b.is_ascii_hexdigit());
            (n >= 32).then_some(4 + n)
        }
        _ => None,
    }
}

/// Returns the length of a secret of 20 characters or more, which may have dots in it but not at
/// its end.
fn dotted(rest: &[u8]) -> Option<usize> {
    let n = run(rest, |b| is_token(b) || b == b'.');
    let n = n - usize::from(n > 0 && rest[n - 1] == b'.');
    (n >= 20).then_some(n)
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
