//! What the tests of annotated functions share.

use std::cell::RefCell;
use std::fmt;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use obs_runtime::metrics::{MetricData, MetricFamily};
use obs_runtime::testing::Captured;
use obs_runtime::{AttributeValue, trace::SpanRecord};

/// The recorded spans in the order they ended: name and outcome.
pub fn ended<R>(captured: &Captured<R>) -> Vec<String> {
    let line = |span: &SpanRecord| format!("{} {}", span.name, span.outcome.as_str());
    captured.spans.iter().map(line).collect()
}

/// Name and name of the parent (`-` if there is none) of each span, in the order they ended.
pub fn tree<R>(captured: &Captured<R>) -> Vec<String> {
    let name_of = |id| captured.spans.iter().find(|span| Some(span.span_id) == id);
    let line = |span: &SpanRecord| {
        let parent = name_of(span.parent_id).map_or("-", |parent| &*parent.name);
        format!("{} < {parent}", span.name)
    };
    captured.spans.iter().map(line).collect()
}

/// The text of the error that a span ended with.
pub fn message(span: &SpanRecord) -> Option<&str> {
    span.error.as_ref()?.message.as_deref()
}

/// The text that an attribute is.
///
/// # Panics
/// When there is no such attribute, or it is no text.
#[track_caller]
pub fn text_of(attribute: Option<&AttributeValue>) -> &str {
    match attribute {
        Some(AttributeValue::String(text)) => text,
        other => panic!("{other:?} is no text"),
    }
}

/// The sum of a counter over all series that have these labels.
///
/// # Panics
/// When there is no counter of that name.
#[track_caller]
pub fn total(families: &[MetricFamily], counter: &str, labels: &[(&str, &str)]) -> f64 {
    let family = families.iter().find(|family| family.name == counter);
    let family = family.unwrap_or_else(|| panic!("there is no metric {counter}"));
    let (MetricData::Counter(points) | MetricData::UpDownCounter(points)) = &family.data else {
        panic!("{counter} is no counter: {:?}", family.data)
    };
    let mut total = 0.0;
    for point in points {
        let mut labels = labels.iter();
        if labels.all(|(label, value)| point.labels.get(label) == Some(value)) {
            total += point.value.as_f64();
        }
    }
    total
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

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub u8);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken {}", self.0)
    }
}
