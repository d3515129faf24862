//! What a task says of itself beside the rules of its runs: effects, version, and which closures
//! it has.

use core::fmt;

use crate::words::words;

words! {
    /// What a task does to the world outside of its run.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Effects {
        /// Nothing: it only computes its output.
        None => "none",
        /// The same however often it is done, such as writing a file of a name.
        Idempotent => "idempotent",
        /// Something that must not be done twice, such as a payment.
        Once => "once",
    }
}

impl fmt::Display for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The version of a task: a number of its code, behind what `version = …` adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// A hash of the function's tokens, which formatting and comments do not change.
    pub code: u64,
    /// What the user has added.
    pub added: Option<&'static str>,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(added) = self.added {
            write!(f, "{added}-")?;
        }
        write!(f, "{:016x}", self.code)
    }
}

/// The description of a task that no run needs. Generated code fills it in.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// What it does outside of its run, if it says so.
    pub effects: Option<Effects>,
    /// The version of its code.
    pub version: Version,
    /// Whether it judges errors (`retry_if`).
    pub retry_if: bool,
    /// The outputs that its condition looks at (`when`).
    pub when: &'static [&'static str],
    /// Whether it counts the records of its output.
    pub records: bool,
}

impl About {
    /// A task that says nothing of itself.
    pub const NONE: Self = Self {
        effects: None,
        version: Version {
            code: 0,
            added: None,
        },
        retry_if: false,
        when: &[],
        records: false,
    };
}

/// Refuses repetitions of an effect that nobody would recognize as such.
///
/// # Panics
/// Panics at compile time if the task has retries, and nothing to know a repetition by.
#[track_caller]
pub const fn check_once(retries: u32, takes_key: bool) {
    assert!(
        retries == 0 || takes_key,
        "an attempt that failed may have had its effect, which is to happen once: take `&EffectKey` and give it to the receiver, so that it knows a repetition, or remove `retries`"
    );
}
