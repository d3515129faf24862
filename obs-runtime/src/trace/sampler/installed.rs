//! The samplers that are in force, one for each scope.
//!
//! Every root asks here. The installed default is kept in words that are read without a lock; the
//! samplers of other scopes (mostly tests) stand behind one.

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::RwLock;

use super::{ALWAYS, Sampler, Start, by_id};
use crate::callsite::Callsite;
use crate::fork::{self, PerProcess};
use crate::inside::{Inside, is_inside};
use crate::lock::{read, write};
use crate::self_obs;
use crate::trace::value::Value;

/// The threshold of a sampler that is more than a ratio. No ratio has this value.
const TREE: u64 = u64::MAX - 1;

/// The installed default's sampler, in words that a root reads without a lock.
static INSTALLED: AtomicBool = AtomicBool::new(false);
static THRESHOLD: AtomicU64 = AtomicU64::new(ALWAYS);
static PARENT_BASED: AtomicBool = AtomicBool::new(true);
/// The whole sampler where a threshold does not say all of it, and how often it was changed.
static DEFAULT: PerProcess<RwLock<Option<&'static Sampler>>> = PerProcess::new(RwLock::default);
static CHANGES: AtomicU32 = AtomicU32::new(0);
/// The samplers of the other scopes: a handful, in tests.
static SCOPED: PerProcess<RwLock<Vec<(u16, Sampler)>>> = PerProcess::new(RwLock::default);

/// Whether a trace is recorded, as far as this is known when its first span here begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Record,
    Skip,
    /// The values of the span's fields decide: see [`decide_by_fields`].
    AskFields,
}

impl From<bool> for Decision {
    #[inline]
    fn from(sampled: bool) -> Self {
        if sampled { Self::Record } else { Self::Skip }
    }
}

pub(crate) fn set(scope: u16, sampler: Option<Sampler>) {
    if scope != 0 {
        let _inside = Inside::enter();
        let mut scoped = write(&SCOPED);
        scoped.retain(|(s, _)| *s != scope);
        scoped.extend(sampler.map(|sampler| (scope, sampler)));
        return;
    }
    let is_some = sampler.is_some();
    if let Some(sampler) = sampler {
        fork::in_child(leave_to_parent);
        let (threshold, parent_based) = sampler.words().unwrap_or((TREE, false));
        if threshold == TREE {
            // This is never freed: a thread may be using it. A program installs one sampler, or
            // very few.
            let sampler = Box::leak(Box::new(sampler));
            *write(&DEFAULT) = Some(sampler);
            CHANGES.fetch_add(1, Ordering::Release);
        }
        THRESHOLD.store(threshold, Ordering::Relaxed);
        PARENT_BASED.store(parent_based, Ordering::Relaxed);
    }
    INSTALLED.store(is_some, Ordering::Release);
}

/// Lets go of the default in a forked child: it was installed for the parent.
fn leave_to_parent() {
    INSTALLED.store(false, Ordering::Relaxed);
}

/// Returns whether the scope records calls at all.
#[inline]
pub(crate) fn scope_records(scope: u16) -> bool {
    if scope == 0 {
        INSTALLED.load(Ordering::Relaxed)
    } else {
        is_scoped(scope)
    }
}

/// Apart, like what follows: the words of the default are all that a root looks at.
#[cold]
#[inline(never)]
fn is_scoped(scope: u16) -> bool {
    // The thread may hold the lock to write, and allocate: see `inside`.
    let scoped = if is_inside() {
        SCOPED.try_read().ok()
    } else {
        Some(read(&SCOPED))
    };
    scoped.is_some_and(|scoped| scoped.iter().any(|(s, _)| *s == scope))
}

#[cold]
#[inline(never)]
fn with_scoped<R>(scope: u16, what: impl FnOnce(&Sampler) -> R) -> Option<R> {
    // An annotated allocator would come back here under the lock.
    let Some(_inside) = Inside::first() else {
        self_obs::count_reentrant_call();
        return None;
    };
    let scoped = read(&SCOPED);
    let found = scoped.iter().find(|(s, _)| *s == scope)?;
    Some(what(&found.1))
}

/// Decides whether a trace is recorded.
///
/// `inherited` holds the decision of the parent, and whether the parent is remote.
#[inline]
pub(crate) fn decide(
    scope: u16,
    site: &'static Callsite,
    trace_lo: u64,
    inherited: Option<(bool, bool)>,
) -> Decision {
    // Inside one process the root decides for its whole trace.
    if let Some((sampled, false)) = inherited {
        return sampled.into();
    }
    let remote = inherited.map(|(sampled, _)| sampled);
    if scope != 0 {
        let start = Start::new(site, trace_lo, remote);
        return with_scoped(scope, |s| s.begin(&start)).unwrap_or(Decision::Skip);
    }
    if let Some(sampled) = remote
        && PARENT_BASED.load(Ordering::Relaxed)
    {
        return sampled.into();
    }
    match THRESHOLD.load(Ordering::Relaxed) {
        TREE => by_tree(&Start::new(site, trace_lo, remote)),
        threshold => by_id(threshold, trace_lo).into(),
    }
}

/// Decides about a root of the installed default, if its threshold says all of the sampler.
#[inline(always)]
pub(crate) fn decide_by_id(trace_lo: u64) -> Option<bool> {
    let threshold = THRESHOLD.load(Ordering::Relaxed);
    let decides = threshold != TREE && INSTALLED.load(Ordering::Relaxed);
    decides.then(|| by_id(threshold, trace_lo))
}

#[cold]
#[inline(never)]
fn by_tree(start: &Start<'_>) -> Decision {
    default().map_or(Decision::Skip, |sampler| sampler.begin(start))
}

/// Decides where [`decide`] asked for the values of the span's fields.
#[cold]
pub(crate) fn decide_by_fields(
    scope: u16,
    site: &'static Callsite,
    trace_lo: u64,
    remote: Option<bool>,
    values: &[Value],
) -> bool {
    let start = Start {
        values,
        ..Start::new(site, trace_lo, remote)
    };
    if scope == 0 {
        default().is_some_and(|sampler| sampler.decide(&start))
    } else {
        with_scoped(scope, |sampler| sampler.decide(&start)).unwrap_or(false)
    }
}

/// Returns the default's sampler. Each thread remembers it, so that roots on many threads share no
/// lock.
fn default() -> Option<&'static Sampler> {
    thread_local! {
        static SEEN: Cell<(u32, Option<&'static Sampler>)> = const { Cell::new((0, None)) };
    }
    let changes = CHANGES.load(Ordering::Acquire);
    SEEN.with(|seen| {
        if seen.get().0 != changes {
            let sampler = *read(&DEFAULT);
            seen.set((changes, sampler));
        }
        seen.get().1
    })
}
