//! The program's additions to the redaction: its own patterns and a function.
//!
//! They belong to a scope, so that tests do not see each other's. A hook may run on any thread; one
//! that panics loses its text, not the program.

use core::sync::atomic::{AtomicBool, Ordering};
use std::borrow::Cow;
use std::sync::{Arc, RwLock};

use super::MASK;
use crate::Error;
use crate::fork::PerProcess;
use crate::guarded::guarded;
use crate::lock::{read, write};

/// A pattern for secrets whose shape only the program knows.
///
/// `#` stands for one digit, `?` for one letter or digit, `*` for as many word characters as there
/// are, and at least one. Every other character stands for itself.
///
/// It is not a regular expression: those cost each program 300 kB or the guarantee of linear time,
/// and the shapes of keys and numbers need little.
/// [`Builder::redact_with`](crate::Builder::redact_with) takes any function, also one that uses a
/// regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

/// Returns whether the character is a letter, a digit, `_` or `-`.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Returns whether a step of a pattern takes a character of a word.
fn takes_word(step: char) -> bool {
    matches!(step, '#' | '?' | '*') || is_word(step)
}

impl Pattern {
    pub(crate) fn new(name: &str, text: &str) -> Result<Self, Error> {
        let bad = |what: &str| {
            Err(Error::config(format!(
                "redact_pattern `{name}`: `{text}` {what}; `#` is a digit, `?` a letter or digit, `*` a run of \
                 letters, digits, `_` and `-`, everything else stands for itself"
            )))
        };
        if !text.contains(|step| step == '#' || is_word(step)) {
            return bad("would mask every word: say what is special about the secret");
        }
        let mut pairs = text.chars().zip(text.chars().skip(1));
        if pairs.any(|(step, next)| step == '*' && takes_word(next)) {
            return bad("can never fit: `*` has taken what follows it");
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns how many bytes the pattern takes at the start of `text`.
    fn len_at(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        for step in self.0.chars() {
            let first = rest.chars().next()?;
            let fits = match step {
                '#' => first.is_ascii_digit(),
                '?' => first.is_alphanumeric(),
                '*' => is_word(first),
                itself => first == itself,
            };
            if !fits {
                return None;
            }
            rest = match step {
                '*' => rest.trim_start_matches(is_word),
                _ => &rest[first.len_utf8()..],
            };
        }
        // A number of 8 digits is not the beginning of one of 12.
        let ends_in_word = self.0.ends_with(takes_word);
        let goes_on = rest.starts_with(is_word);
        (!(ends_in_word && goes_on)).then_some(text.len() - rest.len())
    }

    /// Masks what fits the pattern and begins where a word does.
    ///
    /// Each word is looked at no more than once for each separator of the pattern.
    fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut copied = 0;
        let mut inside = false;
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            if !inside && let Some(len) = self.len_at(&text[at..]) {
                out.push_str(&text[copied..at]);
                out.push_str(MASK);
                at += len;
                copied = at;
                continue;
            }
            inside = is_word(c);
            at += c.len_utf8();
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }
}

pub(crate) type Hook = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The additions of one scope.
#[derive(Clone, Default)]
pub(crate) struct Custom {
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) hooks: Vec<Hook>,
}

impl Custom {
    fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.hooks.is_empty()
    }

    fn redact<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        let mut text = text;
        for pattern in &self.patterns {
            if let Cow::Owned(masked) = pattern.redact(&text) {
                text = Cow::Owned(masked);
            }
        }
        for hook in &self.hooks {
            match guarded(|| hook(&text)) {
                Some(None) => {}
                Some(Some(masked)) => text = Cow::Owned(masked),
                // What the hook would have masked is not known.
                None => return Cow::Owned("<panicked while redacting>".to_owned()),
            }
        }
        text
    }
}

static ANY: AtomicBool = AtomicBool::new(false);
/// The additions of each scope.
type Added = Vec<(u16, Arc<Custom>)>;

static OF_SCOPES: PerProcess<RwLock<Added>> = PerProcess::new(RwLock::default);

/// Sets what a scope adds, or removes it.
pub(crate) fn set(scope: u16, custom: Option<Custom>) {
    let mut all = write(&OF_SCOPES);
    all.retain(|(s, _)| *s != scope);
    let custom = custom.filter(|c| !c.is_empty());
    all.extend(custom.map(|custom| (scope, Arc::new(custom))));
    ANY.store(!all.is_empty(), Ordering::Release);
}

/// Returns whether any scope adds something.
#[inline]
pub(super) fn any() -> bool {
    ANY.load(Ordering::Acquire)
}

/// Applies what the scope adds.
pub(super) fn apply(scope: impl FnOnce() -> u16, text: Cow<'_, str>) -> Cow<'_, str> {
    if !any() {
        return text;
    }
    let scope = scope();
    let custom = {
        let all = read(&OF_SCOPES);
        let found = all.iter().find(|(s, _)| *s == scope);
        found.map(|(_, custom)| Arc::clone(custom))
    };
    // This is outside of the lock: a hook may itself fail with an error that is redacted.
    match custom {
        Some(custom) => custom.redact(text),
        None => text,
    }
}

#[cfg(test)]
#[path = "custom_tests.rs"]
mod tests;
