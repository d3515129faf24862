//! What a task says of itself beside the rules of its runs: effects, version, and which closures
//! it has.

use core::any::Any;
use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use crate::pipeline::result::Output;
use crate::pipeline::task::TaskMeta;
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
    /// How its outputs are kept.
    pub cache: Option<CacheRule>,
}

/// How the outputs of a task are kept for later runs.
#[derive(Clone, Copy, Debug)]
pub struct CacheRule {
    /// How long.
    pub ttl: Duration,
    /// How many at most.
    pub max: u64,
    /// Whether they are known by what a closure says, not by all that the task takes.
    pub has_key: bool,
    /// Makes another output of one that is kept.
    pub copy: fn(&Output) -> Output,
}

impl CacheRule {
    /// 1,000 outputs, which are shared.
    pub const fn new(ttl: Duration, has_key: bool) -> Self {
        Self {
            ttl,
            max: 1_000,
            has_key,
            copy: Arc::clone,
        }
    }

    /// Sets how many outputs are kept at most.
    #[must_use]
    pub const fn max(mut self, max: u64) -> Self {
        self.max = max;
        self
    }

    /// Sets how another output is made of one that is kept.
    #[must_use]
    pub const fn copy(mut self, copy: fn(&Output) -> Output) -> Self {
        self.copy = copy;
        self
    }
}

/// Makes a copy of an output: what is one of many is taken out of its place.
pub fn copied<T: Any + Clone + Send + Sync>(output: &Output) -> Output {
    match output.downcast_ref::<T>() {
        Some(output) => Arc::new(output.clone()),
        None => Arc::clone(output),
    }
}

/// Refuses a parameter that takes an output away which is kept for later runs.
///
/// # Panics
/// Panics at compile time if it does.
#[track_caller]
pub const fn check_kept(moves: bool, dependency: &'static TaskMeta) {
    assert!(
        !moves || dependency.about.cache.is_none(),
        "this output is kept for later runs (`cache`): take it as `&T` or `Arc<T>`"
    );
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
        cache: None,
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
