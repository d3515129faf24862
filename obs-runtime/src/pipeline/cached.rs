//! Tasks whose outputs are kept for later runs (`cache`): the key of an attempt, and the caches of
//! an installation.
//!
//! What is kept, for how long, and who computes, [`Cache`] decides. What must hold here: a key that
//! cannot be computed neither reads nor writes, and only outputs of attempts that succeeded are kept.

#![allow(
    clippy::unused_self,
    missing_debug_implementations,
    reason = "a probe asks for what its type has by a method, and generated code drops it"
)]

use core::hash::{BuildHasher as _, Hash, Hasher};
use core::marker::PhantomData;
use core::ops::Deref;
use core::pin::pin;
use core::task::Poll;
use std::collections::HashMap;
use std::hash::{DefaultHasher, RandomState};
use std::sync::{Arc, Mutex, OnceLock};

use crate::cache::Cache;
use crate::guarded::guarded;
use crate::lock::lock;
use crate::pipeline::about::CacheRule;
use crate::pipeline::result::Output;
use crate::pipeline::task::{Attempted, TaskMeta, Unmade};
use crate::pipeline::telemetry::{Beginning, task_span};
use crate::pipeline::{Input, Resource, TaskContext, TaskError};
use crate::scope::{self, Extension};
use crate::semconv::attribute;
use crate::trace::Outcome;

/// What an output is known by: a hash with keys of the process, so that nobody can make two inputs
/// that are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(u64, u64);

/// What a key is made of.
pub struct KeyHasher(DefaultHasher, DefaultHasher);

impl KeyHasher {
    fn new() -> Self {
        static KEYS: OnceLock<[RandomState; 2]> = OnceLock::new();
        let [first, second] = KEYS.get_or_init(|| [RandomState::new(), RandomState::new()]);
        Self(first.build_hasher(), second.build_hasher())
    }

    fn key(&self) -> CacheKey {
        CacheKey(self.0.finish(), self.1.finish())
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// What can be known by its hash: nothing. The compiler asks only for what has no `Hash`, so that its
/// message is this one, not that a field of a field has none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `Hash`, so no output can be known by it",
    note = "say what the output is known by: `cache(ttl = \"1h\", key = |page| page.id)`"
)]
pub trait Keyed {}

/// How a part of a key is added.
type Feed<T> = fn(&T, &mut KeyHasher);

/// Stands for the type of a part of a key: an output, or what a closure says.
pub struct PartProbe<T>(AnyPart<T>);

/// Stands for the type of a parameter that the run is given.
pub struct GivenProbe<T>(AnyPart<T>);

/// The last tier: what has no `Hash`.
pub struct AnyPart<T>(PhantomData<fn(T)>);

/// A probe of the type of a part.
pub fn part_probe<T>(_: &T) -> PartProbe<T> {
    PartProbe(AnyPart(PhantomData))
}

/// A probe of the type of a parameter.
pub fn given_probe<T>(_: &T) -> GivenProbe<T> {
    GivenProbe(AnyPart(PhantomData))
}

impl<T> Deref for PartProbe<T> {
    type Target = AnyPart<T>;

    fn deref(&self) -> &AnyPart<T> {
        &self.0
    }
}

impl<T> Deref for GivenProbe<T> {
    type Target = AnyPart<T>;

    fn deref(&self) -> &AnyPart<T> {
        &self.0
    }
}

impl<T: Hash> PartProbe<T> {
    /// Its hash.
    pub fn __obs_feed(&self) -> Feed<T> {
        |value, hasher| value.hash(hasher)
    }
}

impl<T: Hash> GivenProbe<Input<T>> {
    /// The hash of the input.
    pub fn __obs_feed(&self) -> Feed<Input<T>> {
        |value, hasher| T::hash(value, hasher)
    }
}

impl<T> GivenProbe<Resource<T>> {
    /// What a task works with does not decide on its output.
    pub fn __obs_feed(&self) -> Feed<Resource<T>> {
        |_, _| ()
    }
}

impl<T> AnyPart<T> {
    /// Nothing.
    pub fn __obs_feed(&self) -> Feed<T>
    where
        T: Keyed,
    {
        |_, _| ()
    }
}

/// A key of several parts; none if a part panics.
pub fn key_of_parts(feed: impl FnOnce(&mut KeyHasher)) -> Option<CacheKey> {
    guarded(|| {
        let mut hasher = KeyHasher::new();
        feed(&mut hasher);
        hasher.key()
    })
}

/// The key that a closure says; none if it panics.
pub fn key(closure: impl FnOnce() -> Option<CacheKey>) -> Option<CacheKey> {
    guarded(closure).flatten()
}

/// The key of what a closure said.
pub fn cache_key<T>(said: &T, feed: Feed<T>) -> CacheKey {
    let mut hasher = KeyHasher::new();
    feed(said, &mut hasher);
    hasher.key()
}

/// What the closure of `key` returned: a key, or what may be none.
pub struct KeyProbe<T>(AnyKey<T>);

/// The tier of what is a key.
pub struct AnyKey<T>(PhantomData<fn(T)>);

impl<T> Deref for KeyProbe<T> {
    type Target = AnyKey<T>;

    fn deref(&self) -> &AnyKey<T> {
        &self.0
    }
}

/// A probe of the value's type.
pub fn key_probe<T>(_: &T) -> KeyProbe<T> {
    KeyProbe(AnyKey(PhantomData))
}

/// An `Option` or a `Result` of a key.
pub trait MayBeKey {
    type Key;

    fn key(self) -> Option<Self::Key>;
}

impl<T> MayBeKey for Option<T> {
    type Key = T;

    fn key(self) -> Self {
        self
    }
}

impl<T, E> MayBeKey for Result<T, E> {
    type Key = T;

    fn key(self) -> Option<T> {
        self.ok()
    }
}

impl<T: MayBeKey> KeyProbe<T> {
    /// Where there may be none.
    pub fn __obs_key(&self) -> fn(T) -> Option<T::Key> {
        T::key
    }
}

impl<T> AnyKey<T> {
    /// Anything else.
    pub fn __obs_key(&self) -> fn(T) -> Option<T> {
        Some
    }
}

/// An output that is kept.
#[derive(Clone)]
struct Kept {
    output: Output,
    records: Option<u64>,
}

type TaskCache = Cache<CacheKey, Kept, Unmade>;

/// The caches of an installation, by task: what one captures in a test, another does not find.
#[derive(Default)]
struct Caches(Mutex<HashMap<usize, Arc<TaskCache>>>);

impl Extension for Caches {}

impl Caches {
    fn of(&self, task: &'static TaskMeta, rule: &CacheRule) -> Result<Arc<TaskCache>, TaskError> {
        let mut caches = lock(&self.0);
        let address = core::ptr::from_ref(task).addr();
        if let Some(cache) = caches.get(&address) {
            return Ok(Arc::clone(cache));
        }
        let name = format!("{}.{}", task.pipeline, task.name);
        let cache = Cache::new(name, rule.ttl).map_err(TaskError::from_any)?;
        let cache = Arc::new(cache.max_entries(rule.max).unsaid());
        caches.insert(address, Arc::clone(&cache));
        Ok(cache)
    }
}

/// An attempt of a task whose outputs are kept.
///
/// # Errors
/// That of the attempt.
pub async fn cached<F>(
    task: &'static TaskMeta,
    context: &TaskContext,
    key: Option<CacheKey>,
    run: impl FnOnce() -> F,
) -> Result<Attempted, Unmade>
where
    F: Future<Output = Result<Attempted, Unmade>>,
{
    let Some(rule) = &task.about.cache else {
        return run().await;
    };
    let cache = scope::current().extension::<Caches>().of(task, rule)?;
    let work = || async {
        let attempted = begun(context, run()).await?;
        let own = context.cell().of(context.unit).records;
        Ok(Kept {
            output: attempted.value,
            records: attempted.records.or(own),
        })
    };
    let (kept, lookup) = cache.fetch(key, work).await;
    let kept = kept?;
    let is_cached = lookup.is_spared();
    if is_cached {
        let span = task_span(context);
        span.set_attribute(attribute::OBS_CACHE_LOOKUP, lookup.as_str());
        span.end(Outcome::Ok);
    }
    Ok(Attempted {
        value: (rule.copy)(&kept.output),
        records: kept.records,
        is_cached,
    })
}

/// The work of an attempt, whose first poll may come after a wait for another's.
async fn begun<F: Future>(context: &TaskContext, work: F) -> F::Output {
    let mut work = pin!(work);
    let mut is_first = true;
    core::future::poll_fn(|cx| {
        let _beginning = core::mem::take(&mut is_first).then(|| Beginning::enter(context.clone()));
        match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
