//! What the tests of annotated functions share.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use obs_runtime::testing::Captured;

/// The recorded spans in the order they ended: name and outcome.
pub fn ended<R>(captured: &Captured<R>) -> Vec<String> {
    let line = |span: &obs_runtime::SpanRecord| format!("{} {}", span.name, span.outcome.as_str());
    captured.spans.iter().map(line).collect()
}

/// Name and name of the parent (`-` if there is none) of each span, in the order they ended.
pub fn tree<R>(captured: &Captured<R>) -> Vec<String> {
    let name_of = |id| captured.spans.iter().find(|span| Some(span.span_id) == id);
    let line = |span: &obs_runtime::SpanRecord| {
        let parent = name_of(span.parent_id).map_or("-", |parent| &*parent.name);
        format!("{} < {parent}", span.name)
    };
    captured.spans.iter().map(line).collect()
}

/// Polls until the future is ready; the waker does nothing.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// Polls once, then drops the future.
///
/// # Panics
/// When the future is ready at once.
pub fn cancel(future: impl Future) {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
}

/// Is pending once.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

thread_local! {
    static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Notes what happens on this thread.
pub fn note(text: &str) {
    NOTES.with_borrow_mut(|notes| notes.push(text.to_owned()));
}

/// What was noted since the last call.
pub fn notes() -> Vec<String> {
    NOTES.take()
}

/// Notes when it is dropped.
#[derive(Debug)]
pub struct Noisy(pub &'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        note(self.0);
    }
}
