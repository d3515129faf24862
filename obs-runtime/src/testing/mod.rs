//! The test kit, which captures what the code under test records, without any global state.
//!
//! It needs the feature `testing`. The kit is for `[dev-dependencies]`, so neither the default
//! features nor `full` contain it:
//!
//! ```toml
//! [dev-dependencies]
//! obs-runtime = { version = "0.1", features = ["testing"] }
//! ```
//!
//! Each capture is an `Observability` of its own. Tests that run in parallel see only their spans,
//! also those of tasks and threads that carry the span's context
//! ([`Instrument`](crate::Instrument), [`SpanContext::attach`](crate::SpanContext::attach)). A span
//! is captured when it ends before the capture does.
//!
//! ```
//! use obs_runtime::{current, testing, traced};
//!
//! #[traced(fields(order))]
//! fn charge(order: u32) -> Result<(), String> {
//!     current::add_event("card asked");
//!     reserve(order).map_err(|_| format!("order {order} is not in stock"))
//! }
//!
//! #[traced]
//! fn reserve(order: u32) -> Result<(), u32> {
//!     if order == 7 { Err(order) } else { Ok(()) }
//! }
//!
//! let captured = testing::capture(|| charge(7));
//! // Names, nesting and outcomes must match; of attributes and events those that are named.
//! captured.assert_tree(
//!     "
//!     charge [error: order 7 is not in stock] order=7
//!       - card asked
//!       reserve [error]
//!     ",
//! );
//! // One span, step by step.
//! captured.assert_span("charge").root().attribute("order", 7).event("card asked");
//! captured.assert_span("reserve").failed().parent("charge").without("order");
//! // What was counted.
//! captured
//!     .assert_metric("function.calls")
//!     .labels([("function", "charge"), ("result", "error")])
//!     .value(1);
//! ```
//!
//! An assertion that fails prints the captured tree below the expected one:
//!
//! ```text
//! the captured spans are not the expected tree: line 1: attribute `order` of `charge` is 7, …
//!
//! expected:
//!     charge [error] order=8
//!       reserve [error]
//! captured:
//!     charge [error: alloc::string::String: order 7 is not in stock] order=7
//!       - card asked
//!       reserve [error: u32: 7]
//! ```
//!
//! [`Captured::tree`] returns that text. Ids, times and durations are not in it, so it suits
//! snapshot tests too. [`Captured::assert_tree`] describes how a tree is written.

mod captured;
mod expect;
mod line;
mod memory;
mod metric;
mod span;
mod tree;

use std::sync::{Arc, Mutex};

pub use captured::Captured;
pub use metric::MetricAssert;
pub use span::SpanAssert;

use crate::init::component::Sinks;
use crate::init::{Builder, Observability};
use crate::lock::lock;
use crate::logs::LogRecord;
use crate::processor::drain::{self, Patience};
use crate::trace::local::local;
use crate::trace::{Attached, SpanRecord};
use crate::{Error, Level};
use memory::Memory;

/// Runs `f`, and returns its value together with everything it recorded, at every level.
///
/// ```
/// use obs_runtime::{testing, traced};
///
/// #[traced]
/// fn double(n: u32) -> u32 {
///     n * 2
/// }
///
/// let captured = testing::capture(|| double(4));
/// assert_eq!(captured.value, 8);
/// assert_eq!(captured.span("double").outcome.as_str(), "ok");
/// ```
///
/// # Panics
/// Panics when the capture cannot start, because the thread of the drain was refused.
pub fn capture<R>(f: impl FnOnce() -> R) -> Captured<R> {
    capture_with(Observability::builder(), f).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a future, and returns its value together with everything it recorded, at every level.
///
/// Spans of tasks that it spawns are captured if they carry the context:
/// `tokio::spawn(work().in_current_span())`.
///
/// ```
/// use obs_runtime::{testing, traced};
///
/// #[traced]
/// async fn double(n: u32) -> u32 {
///     n * 2
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let captured = testing::capture_async(double(4)).await;
/// captured.assert_tree("double");
/// # });
/// ```
///
/// # Panics
/// Panics as [`capture`] does.
pub async fn capture_async<F: Future>(future: F) -> Captured<F::Output> {
    let captured = capture_async_with(Observability::builder(), future).await;
    captured.unwrap_or_else(|error| panic!("{error}"))
}

/// Runs `f` as [`capture`] does, under a configuration of its own: a sampler, prices, alerts.
///
/// The builder's exporters run while the capture lasts; the environment is not read. `max_level`
/// has no effect: the most verbose `Observability` of a process decides what is recorded at all,
/// and other tests record everything.
///
/// ```
/// use obs_runtime::{Observability, Sampler, testing, traced};
///
/// #[traced]
/// fn double(n: u32) -> u32 {
///     n * 2
/// }
///
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let nothing = Observability::builder().sampler(Sampler::always_off());
/// let captured = testing::capture_with(nothing, || double(4))?;
/// captured.assert_tree("");
/// // Metrics count every call.
/// captured.assert_metric("function.calls").labels([("function", "double")]).total(1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Returns the errors of [`Builder::install`], for what the builder asks for in vain.
pub fn capture_with<R>(builder: Builder, f: impl FnOnce() -> R) -> Result<Captured<R>, Error> {
    let capture = Capture::start(builder)?;
    let inside = enter(capture.obs.scope_id());
    let value = f();
    drop(inside);
    Ok(capture.finish(value))
}

/// Runs a future as [`capture_async`] does, under a configuration of its own: see [`capture_with`].
///
/// # Errors
/// Returns the errors of [`capture_with`].
pub async fn capture_async_with<F: Future>(
    builder: Builder,
    future: F,
) -> Result<Captured<F::Output>, Error> {
    let capture = Capture::start(builder)?;
    let scope = capture.obs.scope_id();
    let mut future = core::pin::pin!(future);
    let value = core::future::poll_fn(|cx| {
        let _inside = enter(scope);
        future.as_mut().poll(cx)
    })
    .await;
    Ok(capture.finish(value))
}

struct Capture {
    obs: Observability,
    spans: Arc<Mutex<Vec<SpanRecord>>>,
    logs: Arc<Mutex<Vec<LogRecord>>>,
    #[cfg(feature = "llm")]
    llm_calls: Arc<Mutex<Vec<crate::llm::CallRecord>>>,
    #[cfg(feature = "alert")]
    alerts: memory::Alerts,
}

impl Capture {
    fn start(builder: Builder) -> Result<Self, Error> {
        let sink = Memory::<SpanRecord>::default();
        let spans = Arc::clone(&sink.kept);
        let log_sink = Memory::<LogRecord>::default();
        let logs = Arc::clone(&log_sink.kept);
        #[cfg(feature = "llm")]
        let (builder, llm_calls) = memory::calls(builder);
        #[cfg(feature = "alert")]
        let (builder, alerts) = memory::Alerts::listen(builder)?;
        let obs = builder.max_level(Level::Trace).start_scoped(Sinks {
            spans: vec![Box::new(sink)],
            logs: vec![Box::new(log_sink)],
        })?;
        Ok(Self {
            obs,
            spans,
            logs,
            #[cfg(feature = "llm")]
            llm_calls,
            #[cfg(feature = "alert")]
            alerts,
        })
    }

    fn finish<R>(self, value: R) -> Captured<R> {
        #[cfg(feature = "alert")]
        let alerts = self.alerts.taken();
        let metrics = self.obs.collect_metrics();
        let _ = drain::after_pass(self.obs.scope_id(), Patience::CAPTURE, |_, _| ());
        Captured {
            value,
            spans: take(&self.spans),
            metrics,
            logs: take(&self.logs),
            #[cfg(feature = "llm")]
            llm_calls: take(&self.llm_calls),
            #[cfg(feature = "alert")]
            alerts,
        }
    }
}

fn take<T>(kept: &Mutex<Vec<T>>) -> Vec<T> {
    std::mem::take(&mut *lock(kept))
}

/// Makes the thread belong to a scope, outside of any span, until the guard is dropped.
fn enter(scope: u16) -> Attached {
    let outside = Attached::new(None);
    local().set_scope(scope);
    outside
}

#[cfg(test)]
#[path = "testing_tests.rs"]
mod tests;

#[cfg(test)]
mod deep_tests;

#[cfg(test)]
#[path = "redaction_tests.rs"]
mod redaction_tests;
