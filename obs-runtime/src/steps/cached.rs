//! A step whose values are kept.

use core::fmt;
use core::hash::Hash;
use std::sync::Arc;

use super::context::WorkflowContext;
use super::history::StepEvent;
use super::label::StepKind;
use super::node::{Node, One};
use super::observed::Place;
#[cfg(feature = "llm")]
use super::savings;
use super::{Flow, Step};
use crate::cache::{Cache, CacheStore};
use crate::guarded::guarded;
#[cfg(feature = "llm")]
use crate::llm::Usd;

/// A step that runs where its value is not known.
pub struct Cached<I, N, K, C> {
    node: N,
    name: Arc<str>,
    cache: Arc<C>,
    key: Box<dyn Fn(&I) -> Option<K> + Send + Sync>,
    #[cfg(feature = "llm")]
    saving: Option<Usd>,
}

impl<I, O, E, N> Flow<I, O, E, N>
where
    I: Send,
    N: Node<I, Output = O, Error = E>,
{
    /// Asks a cache before the flow runs, and keeps what it makes. What tells inputs apart is the key.
    ///
    /// A hit does not run the flow, so no span of it is recorded. Errors are not kept; calls of one key that come while
    /// the flow runs wait for it. A cache that fails never fails the flow: see [`Cache`].
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use obs_runtime::{cache::Cache, steps::step};
    ///
    /// let cache = Arc::new(Cache::new("answers", Duration::from_secs(3600))?);
    /// let answer = step("answer", async |question: String| Ok::<_, String>(question.len()));
    /// let answer = answer.cached(Arc::clone(&cache), |question| question.trim().to_owned());
    /// assert_eq!(answer.call("why?".to_owned()).await, Ok(4));
    /// assert_eq!(answer.call("why? ".to_owned()).await, Ok(4));
    /// assert_eq!(cache.stats().hits, 1);
    /// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn cached<K, S>(
        self,
        cache: impl Into<Arc<Cache<K, O, E, S>>>,
        key: impl Fn(&I) -> K + Send + Sync + 'static,
    ) -> Flow<I, O, E, One<Cached<I, N, K, Cache<K, O, E, S>>>>
    where
        K: Hash + Eq + Clone + Send + Sync,
        O: Clone + Send + Sync,
        E: fmt::Display + Send + Sync,
        S: CacheStore<K, O>,
    {
        self.cached_if(cache, move |input| Some(key(input)))
    }

    /// Does the same where an input may have no key: then nothing is read or written, and the flow runs. A key whose
    /// function panics is none, too.
    #[track_caller]
    pub fn cached_if<K, S>(
        self,
        cache: impl Into<Arc<Cache<K, O, E, S>>>,
        key: impl Fn(&I) -> Option<K> + Send + Sync + 'static,
    ) -> Flow<I, O, E, One<Cached<I, N, K, Cache<K, O, E, S>>>>
    where
        K: Hash + Eq + Clone + Send + Sync,
        O: Clone + Send + Sync,
        E: fmt::Display + Send + Sync,
        S: CacheStore<K, O>,
    {
        let cache = cache.into();
        self.around(StepKind::Cache, |node, name| Cached {
            node,
            name,
            cache,
            key: Box::new(key),
            #[cfg(feature = "llm")]
            saving: None,
        })
    }
}

#[cfg(feature = "llm")]
impl<I, O, E, N, K, C> Flow<I, O, E, One<Cached<I, N, K, C>>> {
    /// Says what a call costs that a hit spares: see [`savings`](super::savings).
    pub fn saving(self, per_call: Usd) -> Self {
        Self::new(self.node.map(|step| Cached {
            saving: Some(per_call),
            ..step
        }))
    }
}

impl<I, N, K, S> Step<I> for Cached<I, N, K, Cache<K, N::Output, N::Error, S>>
where
    I: Send,
    N: Node<I>,
    N::Output: Clone + Sync,
    N::Error: Sync,
    K: Hash + Eq + Clone + Send + Sync,
    S: CacheStore<K, N::Output>,
{
    type Output = N::Output;
    type Error = N::Error;

    async fn call(&self, input: I) -> Result<N::Output, N::Error> {
        let key = guarded(|| (self.key)(&input)).flatten();
        let run = || self.node.call(input, Place::NONE);
        let (result, lookup) = self.cache.fetch(key, run).await;
        if let Some(context) = WorkflowContext::current() {
            context.note(|| StepEvent::Looked {
                step: Arc::clone(&self.name),
                lookup,
            });
        }
        #[cfg(feature = "llm")]
        if let (Some(amount), true) = (self.saving, lookup.is_spared() && result.is_ok()) {
            savings::saved(&self.name, savings::Why::Cache, amount);
        }
        result
    }
}

#[cfg(test)]
#[path = "cached_tests.rs"]
mod tests;
