//! Secrets in sentences and statements, where no mark stands between a name and its value:
//! `the password is X`, `IDENTIFIED BY 'X'`, `login bob password X`.

use super::harmless::looks_random;
use super::keys::{is_secret, may_be_text_token};
use super::values::{self, Range, is_name};
use super::{key_before, prose};

/// What stands between a name and its value, the longer ones first.
const VERBS: &[&[u8]] = &[
    b"is now ",
    b"is: ",
    b"is ",
    b"was: ",
    b"was ",
    b"set to ",
    b"changed to ",
    b"reset to ",
    b"to ",
];
/// What has digits in it, stands behind the name of a secret, and is the name of an algorithm.
const ALGORITHMS: &[&str] = &[
    "aes", "argon", "base", "bcrypt", "ed25519", "es256", "hs256", "md5", "oauth", "pbkdf",
    "rs256", "sha", "utf", "x509",
];

/// Returns the secret behind the blank at `blank`, if the words before it name one.
pub(super) fn secret(bytes: &[u8], blank: usize, from: usize) -> Option<Range> {
    let before = &bytes[from.min(blank)..blank];
    let word = before
        .strip_suffix(b"\"")
        .or_else(|| before.strip_suffix(b"`"))
        .unwrap_or(before);
    let last = word.last_chunk::<2>()?;
    if !may_end_name(*last) {
        return None;
    }
    let key = key_before(bytes, blank, from);
    let rest = &bytes[blank + 1..];
    let verb = VERBS.iter().find(|verb| rest.starts_with(verb));
    let at = blank + 1 + verb.map_or(0, |verb| verb.len());
    let is_sql = key.eq_ignore_ascii_case(b"by") && ends_with_word(before, b"identified by");
    if !is_sql && (!is_secret(key) || may_be_text_token(key)) {
        return None;
    }
    let is_named = is_sql || key == b"PASSWORD" || is_login(before, key);
    let is_quoted = matches!(bytes.get(at)?, b'"' | b'\'' | b'`');
    let (start, end) = if is_quoted {
        values::in_quotes(bytes, at)?
    } else if values::is_masked(bytes, at) || prose::begins(&bytes[at..]) {
        return None;
    } else {
        (at, sentence_end(bytes, at))
    };
    let value = bytes.get(start..end)?;
    let is_secret = match (verb, is_quoted) {
        (Some(verb), true) => *verb != b"to " || looks_random(value),
        (Some(_), false) => is_random(value, 5),
        (None, true) => is_named || is_told(key) && is_random(value, 6),
        (None, false) => {
            is_named && !is_sql && key != b"PASSWORD" || is_told(key) && is_random(value, 8)
        }
    };
    (is_secret && end > start).then(|| values::some(bytes, start, end))?
}

/// Returns whether a name of a secret may end with these letters, or the words of SQL, `by`.
fn may_end_name([a, b]: [u8; 2]) -> bool {
    let ends = [a | 0x20, b | 0x20];
    matches!(
        &ends,
        b"rd" | b"wd" | b"en" | b"et" | b"ey" | b"se" | b"de" | b"wt" | b"by" | b"ls"
    )
}

/// Returns the end of a word in a sentence, without the marks behind it.
fn sentence_end(bytes: &[u8], at: usize) -> usize {
    let end = values::plain(bytes, at);
    let mark = |b: &u8| !matches!(b, b'.' | b',' | b';' | b':' | b'!' | b'?' | b')');
    let last = bytes[at..end].iter().rposition(mark);
    last.map_or(at, |last| at + last + 1)
}

/// Returns whether secrets of this name are told without a verb: `password X`, not `secret X`.
fn is_told(key: &[u8]) -> bool {
    let ends = |word: &[u8]| ends_with_word(key, word);
    ends(b"password")
        || ends(b"passphrase")
        || ends(b"token")
        || ends(b"api key")
        || key.contains(&b'_')
}

fn ends_with_word(text: &[u8], word: &[u8]) -> bool {
    let start = text.len().checked_sub(word.len());
    start.is_some_and(|start| text[start..].eq_ignore_ascii_case(word))
}

/// Returns whether `login NAME` stands before the name of the secret, as in a `.netrc`.
fn is_login(before: &[u8], key: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(128)..];
    let Some(rest) = near.strip_suffix(key).map(<[u8]>::trim_ascii_end) else {
        return false;
    };
    let name = rest
        .iter()
        .rev()
        .take_while(|b| is_name(**b) || **b == b'@')
        .count();
    let rest = rest[..rest.len() - name].trim_ascii_end();
    name > 0 && ends_with_word(rest, b"login")
}

/// Returns whether the value is no word, no number, date or length, and no algorithm.
fn is_random(value: &[u8], least: usize) -> bool {
    let begins = |word: &&str| {
        let start = value.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let is_letter = |b: &u8| b.is_ascii_alphabetic() && !matches!(b, b'T' | b'Z');
    let unit = value
        .iter()
        .skip_while(|b| b.is_ascii_digit() || **b == b'-');
    let is_length =
        value.first().is_some_and(u8::is_ascii_digit) && unit.clone().all(u8::is_ascii_alphabetic);
    value.len() >= least
        && digits > 0
        && value.iter().any(is_letter)
        && !(is_length && digits < 5)
        && !value.contains(&b'(')
        && !value.contains(&b'/')
        && !ALGORITHMS.iter().any(begins)
}
