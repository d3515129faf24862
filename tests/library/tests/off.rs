//! A library that only annotates, without the feature `record`: the functions are the plain ones.
//!
//! `cargo test --manifest-path tests/library/Cargo.toml`: alone, so that no other package brings the feature.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use obs_runtime::{Observability, SpanContext, current, registry::callsites, span, traced};

thread_local! { static RUNS: Cell<u32> = const { Cell::new(0) }; }

/// A field's expression: it is counted when it runs.
fn expensive(n: u64) -> u64 {
    RUNS.set(RUNS.get() + 1);
    n
}

#[derive(Debug)]
struct Store {
    opened: u64,
}

impl Store {
    #[traced(fields(self.opened, n = expensive(n)), ret, err(Debug))]
    fn get(&mut self, n: u64) -> Result<&u64, String> {
        if n == 0 {
            return Err("none".into());
        }
        self.opened += n;
        Ok(&self.opened)
    }
}

#[traced(name = format!("job {n}"), fields(n = expensive(n)), links = [SpanContext::current()])]
fn guard(n: u64) -> u64 {
    assert!(!current::is_recording());
    n + 1
}

#[traced(fields(n = expensive(n), text = %text), ok_if = |n| expensive(*n) > 0)]
async fn future(n: u64, text: &str) -> u64 {
    n + text.len() as u64
}

async fn plain(n: u64, text: &str) -> u64 {
    n + text.len() as u64
}

#[traced(fields(n = expensive(*n)))]
fn boxed<'a>(n: &'a u64) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + 'a>> {
    let made = async move { Ok(*n) };
    // Not the literal that is wrapped where it stands.
    let pinned: Pin<Box<dyn Future<Output = _> + Send + 'a>> = Box::pin(made);
    pinned
}

#[traced(fields(n = expensive(n)))]
fn opaque(n: u64) -> impl Future<Output = u64> + Send {
    async move { n }
}

#[traced]
async fn chain(n: u64) -> Result<u64, String> {
    let n = boxed(&n).await?;
    Ok(opaque(n).await + future(n, "ab").await)
}

#[derive(Debug)]
struct Once(Option<u64>);

impl Stream for Once {
    type Item = u64;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u64>> {
        Poll::Ready(self.0.take())
    }
}

#[traced(fields(n = expensive(n)))]
fn stream(n: u64) -> impl Stream<Item = u64> + Unpin {
    Once(Some(n))
}

#[traced(fields(n = expensive(n)), err(level = "warn"))]
async fn held(n: u64) -> Result<impl Stream<Item = u64>, String> {
    Ok(Once(Some(n)))
}

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is ready at once"),
    }
}

#[test]
fn functions_do_what_they_say_and_fields_are_not_evaluated() {
    let mut store = Store { opened: 1 };
    assert_eq!(store.get(2), Ok(&3));
    assert_eq!(store.get(0), Err("none".to_owned()));
    assert_eq!(guard(1), 2);
    assert_eq!(ready(future(1, "abc")), 4);
    assert_eq!(ready(chain(2)), Ok(6));
    let mut items = stream(5);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(
        Pin::new(&mut items).poll_next(&mut context),
        Poll::Ready(Some(5))
    );
    assert_eq!(
        Pin::new(&mut items).poll_next(&mut context),
        Poll::Ready(None)
    );
    assert!(ready(held(1)).is_ok());
    let made = span!("by hand", n = expensive(1));
    assert!(!made.is_recording());
    assert_eq!(made.in_scope(|_| SpanContext::current()), None);
    assert_eq!(RUNS.get(), 0);
}

#[test]
fn futures_have_the_size_of_plain_ones() {
    assert_eq!(size_of_val(&future(1, "a")), size_of_val(&plain(1, "a")));
    assert_eq!(
        size_of_val(&opaque(1)),
        size_of_val(&async move { 1_u64 }).max(16)
    );
    assert_eq!(size_of_val(&stream(1)), size_of::<Once>());
    assert_eq!(size_of_val(&ready(held(1)).ok()), size_of::<Option<Once>>());
}

#[test]
fn nothing_runs_before_main_and_nothing_is_registered() {
    assert_eq!(callsites().count(), 0);
}

#[test]
fn a_program_that_asks_for_recording_is_told() {
    let error = Observability::builder()
        .install()
        .expect_err("it cannot record")
        .to_string();
    assert!(error.contains("recording is compiled out"), "{error}");
    assert!(error.contains("features = [\"record\"]"), "{error}");
}

#[traced(labels(fast = n > 1), track_concurrency, err(level = "warn"))]
fn everything_else(n: u64) -> Result<u64, String> {
    n.checked_sub(1).ok_or_else(|| "none".to_owned())
}

#[traced(labels(fast = n > 1), timings, track_concurrency, parent = SpanContext::current())]
async fn everything_else_later(n: u64) -> u64 {
    n
}

#[test]
fn arguments_that_keep_something_beside_the_span() {
    assert_eq!(everything_else(0), Err("none".to_owned()));
    assert_eq!(everything_else(2), Ok(1));
    assert_eq!(ready(everything_else_later(3)), 3);
}
