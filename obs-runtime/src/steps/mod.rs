//! Steps that are put together: one after the other, at the same time, routed, cached, limited in time, repeated.
//!
//! A [`Step`] is an `async fn` or closure from one value to a `Result`. [`step`] gives it a name and makes a [`Flow`] of
//! it; flows are put together by `>>` and `|` and by methods. Each has a span under that of the one around it, and is
//! counted and timed as functions are.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use std::time::Duration;
//! use obs_runtime::steps::{RetryPolicy, WorkflowContext, step};
//!
//! async fn parse(text: String) -> Result<Vec<u32>, String> {
//!     text.split(',').map(|n| n.trim().parse().map_err(|_| format!("{n} is no number"))).collect()
//! }
//!
//! async fn sum(numbers: Vec<u32>) -> Result<u32, String> {
//!     Ok(numbers.iter().sum())
//! }
//!
//! let flow = step("parse", parse)
//!     >> step("sum", sum)
//!         .timeout(Duration::from_secs(1))?
//!         .retry(RetryPolicy::new(2));
//! let context = WorkflowContext::new("sums").with_correlation_id("req-123");
//! assert_eq!(context.run(&flow, "1, 2, 39".to_owned()).await, Ok(42));
//! # Ok::<(), obs_runtime::Error>(()) }).unwrap();
//! ```
//!
//! Pipelines are for graphs of tasks that run for minutes, with handlers and results; steps are for what a request
//! does, in a line or two of code and some microseconds.

#![allow(
    missing_debug_implementations,
    unreachable_pub,
    reason = "what a flow is made of has no name outside"
)]
#![allow(
    clippy::type_complexity,
    reason = "the type of a flow says what it is made of"
)]

mod account;
mod boxed;
mod branches;
#[cfg(feature = "cache")]
mod cached;
mod context;
mod error;
mod fallback;
mod flow;
mod history;
mod label;
mod node;
mod observed;
mod retry;
mod router;
#[cfg(feature = "llm")]
mod savings;
mod series;
#[cfg(feature = "tower")]
mod service;
mod step;
mod timeout;

pub use crate::retry::{Backoff, RetryPolicy};
pub use context::WorkflowContext;
pub use error::{MadeOf, NoRoute, TimedOut};
pub use flow::{Flow, parallel, sequence, step};
pub use history::{Checkpoint, Phase, StepEvent};
pub use label::StepKind;
pub use router::{IntoRoute, RouteReason, Router};
#[cfg(feature = "llm")]
pub use savings::{Savings, savings};
#[cfg(feature = "tower")]
pub use service::{ServiceStep, service};
pub use step::Step;

#[cfg(test)]
mod model_tests;
