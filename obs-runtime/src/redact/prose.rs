//! Words that follow the name of a secret in a sentence about it: `token: expired`, `--password is
//! required`.
//!
//! What follows the name is then no secret, and stays readable.

/// The words, sorted and in lower case.
const WORDS: &[&str] = &[
    "absent",
    "already",
    "and",
    "are",
    "argument",
    "as",
    "bad",
    "blank",
    "bool",
    "but",
    "bytes",
    "cannot",
    "changed",
    "could",
    "denied",
    "does",
    "empty",
    "error",
    "exceeded",
    "expected",
    "expired",
    "failed",
    "flag",
    "for",
    "forbidden",
    "from",
    "has",
    "have",
    "if",
    "illegal",
    "in",
    "incorrect",
    "instead",
    "insufficient",
    "invalid",
    "is",
    "locked",
    "malformed",
    "may",
    "mismatch",
    "missing",
    "must",
    "needed",
    "needs",
    "no",
    "not",
    "of",
    "on",
    "option",
    "optional",
    "or",
    "provided",
    "refused",
    "rejected",
    "required",
    "requires",
    "reset",
    "revoked",
    "should",
    "str",
    "string",
    "the",
    "this",
    "to",
    "too",
    "unable",
    "unauthorized",
    "unexpected",
    "unknown",
    "unset",
    "unsupported",
    "updated",
    "was",
    "were",
    "when",
    "will",
    "with",
    "wrong",
];

/// Returns whether the text begins with such a word.
pub(super) fn begins(text: &[u8]) -> bool {
    let mut word = [0; 16];
    let len = text
        .iter()
        .take(word.len())
        .take_while(|b| b.is_ascii_alphabetic())
        .count();
    // A sentence goes on with a blank or a mark; a secret goes on with anything.
    let ends = match text.get(len) {
        None => true,
        Some(b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b'`') => {
            text.get(len + 1).is_none_or(u8::is_ascii_whitespace)
        }
        Some(next) => next.is_ascii_whitespace(),
    };
    word[..len].copy_from_slice(&text[..len]);
    word.make_ascii_lowercase();
    ends && WORDS
        .binary_search_by(|w| w.as_bytes().cmp(&word[..len]))
        .is_ok()
}

#[cfg(test)]
#[test]
fn the_words_are_sorted() {
    assert!(WORDS.is_sorted_by(|a, b| a < b));
}
