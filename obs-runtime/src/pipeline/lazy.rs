//! Items that are made while others are worked on.

use core::any::Any;
use core::fmt;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, ready};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_core::Stream;

use crate::lock::lock;
use crate::pipeline::driver::Made;
use crate::pipeline::items::{Count, Counted, ItemRef, MapSource};
use crate::printable::formatted;

/// A list whose items are made while the first of them are worked on: the output of a task that
/// another one is mapped over.
///
/// The run asks for as many items as may work at once, by `parallel` (at most 1,024), and lets each
/// go when it has ended. So a list may be longer than memory is large. One task can be mapped over
/// it, once.
///
/// ```
/// use obs_runtime::pipeline::Lazy;
/// use obs_runtime::pipeline_task;
///
/// #[pipeline_task(pipeline = "index")]
/// async fn pages() -> Lazy<u32> {
///     Lazy::new(1..=1_000_000)
/// }
///
/// #[pipeline_task(pipeline = "index", depends_on(pages), map(page in pages, parallel = 8, max = 2_000_000))]
/// async fn embed(page: &u32) -> u64 {
///     u64::from(*page)
/// }
/// ```
pub struct Lazy<T> {
    source: Mutex<Source<T>>,
    /// Those that have been made and not ended.
    made: Mutex<HashMap<usize, Arc<T>>>,
    is_taken: AtomicBool,
}

type Items<T> = dyn Stream<Item = Result<T, String>> + Send;

struct Source<T> {
    items: Pin<Box<Items<T>>>,
    next: usize,
}

impl<T: Send + Sync + 'static> Lazy<T> {
    /// Makes the items of an iterator. Its `next` runs on a thread of tokio's, as the code of a task
    /// does, so it must not block for long: [`stream`](Self::stream) is for what waits.
    pub fn new<I>(items: I) -> Self
    where
        I: IntoIterator<Item = T, IntoIter: Send + 'static>,
    {
        Self::from_source(Each(items.into_iter(), Ok))
    }

    /// The same with an iterator that may fail: its first error fails the mapped task, after the
    /// items that work have ended.
    pub fn try_new<I, E>(items: I) -> Self
    where
        I: IntoIterator<Item = Result<T, E>, IntoIter: Send + 'static>,
        E: fmt::Display + 'static,
    {
        Self::from_source(Each(items.into_iter(), text))
    }

    /// Takes the items of a stream, such as the pages of an interface.
    pub fn stream<S>(items: S) -> Self
    where
        S: Stream<Item = T> + Send + 'static,
    {
        Self::from_source(Taken(Box::pin(items), Ok))
    }

    /// The same with a stream that may fail: its first error fails the mapped task, after the items
    /// that work have ended.
    pub fn try_stream<S, E>(items: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        E: fmt::Display + 'static,
    {
        Self::from_source(Taken(Box::pin(items), text))
    }

    fn from_source(items: impl Stream<Item = Result<T, String>> + Send + 'static) -> Self {
        Self {
            source: Mutex::new(Source {
                items: Box::pin(items),
                next: 0,
            }),
            made: Mutex::default(),
            is_taken: AtomicBool::new(false),
        }
    }
}

fn text<T, E: fmt::Display>(item: Result<T, E>) -> Result<T, String> {
    item.map_err(|error| formatted(format_args!("{error}")).into_owned())
}

/// An iterator as a stream that never waits.
struct Each<I, F>(I, F);

impl<I: Iterator, T, F: Fn(I::Item) -> Result<T, String>> Stream for Each<I, F>
where
    Self: Unpin,
{
    type Item = Result<T, String>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = self.0.next();
        Poll::Ready(item.map(&self.1))
    }
}

// Nothing in it is pinned.
impl<I, F> Unpin for Each<I, F> {}

/// A stream, with what is made of its items.
struct Taken<S, F>(Pin<Box<S>>, F);

impl<S: Stream, T, F: Fn(S::Item) -> Result<T, String> + Unpin> Stream for Taken<S, F> {
    type Item = Result<T, String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.0.as_mut().poll_next(cx));
        Poll::Ready(item.map(&self.1))
    }
}

/// What makes items, whatever their type.
pub(crate) trait MakesItems: Send + Sync {
    /// Makes the next item.
    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<Made, String>>;

    /// Lets an item go that has ended.
    fn release(&self, item: usize);
}

impl<T: Send + Sync + 'static> MakesItems for Lazy<T> {
    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<Made, String>> {
        let mut source = lock(&self.source);
        let Some(item) = ready!(source.items.as_mut().poll_next(cx)) else {
            return Poll::Ready(Ok(Made::All));
        };
        let item = item.map(|item| {
            lock(&self.made).insert(source.next, Arc::new(item));
            source.next += 1;
            Made::Item
        });
        Poll::Ready(item)
    }

    fn release(&self, item: usize) {
        let ended = lock(&self.made).remove(&item);
        drop(ended);
    }
}

impl<T: Any + Send + Sync> MapSource for Lazy<T> {
    type Item = T;

    fn counted(this: &Arc<Self>) -> Option<Counted> {
        let is_taken = this.is_taken.swap(true, Ordering::AcqRel);
        (!is_taken).then(|| Counted(Count::Made(Arc::clone(this) as _)))
    }

    fn item(&self, at: usize) -> Option<ItemRef<'_, T>> {
        lock(&self.made).get(&at).cloned().map(ItemRef::held)
    }
}

impl<T> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy").finish_non_exhaustive()
    }
}
