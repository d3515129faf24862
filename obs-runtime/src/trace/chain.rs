//! An error and its causes as a span keeps them: places in the redacted message, and hashes.

use core::hash::BuildHasher as _;
use core::ops::Range;
use std::borrow::Cow;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::causes::WithCauses;

/// An error of a chain, whose words are part of the message of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// By what its text is known again, with those of its causes.
    pub(crate) hash: u64,
    /// Where its words are in the message; none if they cannot be told from what was masked.
    pub(crate) words: Option<Range<usize>>,
}

impl WithCauses {
    /// Masks the secrets, also those that begin in one error and end in its cause. An error without
    /// causes is no chain.
    pub(crate) fn redacted(self, redact: fn(&str) -> Cow<'_, str>) -> (String, Vec<Link>) {
        let Self { text, chain } = self;
        let message = redact(&text);
        if chain.len() < 2 {
            return (message.into_owned(), Vec::new());
        }
        // What stands before a place may have been masked together with what stands behind it.
        let place = |at: usize| {
            let before = redact(&text[..at]);
            message.starts_with(&*before).then_some(before.len())
        };
        let chain = chain.into_iter().map(|words| Link {
            // As the span records it that fails with the cause itself.
            hash: hash_of(&redact(&text[words.start..])),
            words: place(words.start).and_then(|start| Some(start..place(words.end)?)),
        });
        let chain = chain.collect();
        (message.into_owned(), chain)
    }
}

/// Returns the hash by which the text of an error is known again.
pub(crate) fn hash_of(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
