//! A provider of the house, whose journal is that of the thread, and errors that can say a stop.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::cell::RefCell;

use obs_runtime::llm::{AgentStopped, StopReason, Usage};
use obs_runtime::testing::Captured;
use obs_runtime::trace::Outcome;
use obs_runtime::{llm_call, tool_call};

/// What reaches the provider: the journal of this thread's test.
pub(crate) mod sent {
    use super::*;

    thread_local! {
        static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(crate) fn note(what: impl Into<String>) {
        SENT.with_borrow_mut(|sent| sent.push(what.into()));
    }

    pub(crate) fn take() -> Vec<String> {
        SENT.take()
    }
}

#[derive(Debug)]
pub(crate) enum Failed {
    Stopped(AgentStopped),
}

impl From<AgentStopped> for Failed {
    fn from(stopped: AgentStopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Stopped(stopped) = self;
        stopped.fmt(f)
    }
}

impl std::error::Error for Failed {}

/// A model call that can say that its agent is stopped.
#[llm_call(provider = "house", model = "large", usage = |_| Usage::new(10, 1))]
pub(crate) async fn ask() -> Result<u8, Failed> {
    sent::note("ask");
    tokio::task::yield_now().await;
    Ok(1)
}

/// One that cannot.
#[llm_call(provider = "house", model = "large", usage = |_| Usage::new(10, 1))]
pub(crate) async fn ask_plainly() -> u8 {
    sent::note("ask");
    tokio::task::yield_now().await;
    1
}

#[llm_call(provider = "house", model = "large", usage = |_| Usage::new(10, 1))]
pub(crate) fn ask_at_once() -> Result<u8, Failed> {
    sent::note("ask");
    Ok(1)
}

#[llm_call(provider = "house", model = "large", usage = |_| Usage::new(10, 1))]
pub(crate) fn ask_at_once_plainly() -> u8 {
    sent::note("ask");
    1
}

#[tool_call]
pub(crate) async fn search(words: &str, top: u32) -> Result<(), Failed> {
    sent::note(format!("search {words} {top}"));
    Ok(())
}

pub(crate) fn run<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) fn reason<T, R: std::fmt::Debug>(
    captured: &Captured<T>,
    stopped: &Result<R, Failed>,
    agent: &str,
) -> StopReason {
    let Err(Failed::Stopped(stopped)) = stopped else {
        panic!("{stopped:?}");
    };
    assert_eq!(stopped.agent(), agent);
    let span = captured.span(&format!("invoke_agent {agent}"));
    assert_eq!(span.outcome, Outcome::Error);
    assert_eq!(span.error.as_ref().unwrap().kind, "agent_stopped");
    let said = stopped.reason().as_str();
    assert_eq!(span.attribute("obs.agent.stop_reason"), Some(&said.into()));
    captured
        .assert_metric("obs.agent.stops")
        .labels([("gen_ai.agent.name", agent), ("reason", said)])
        .value(1);
    stopped.reason().clone()
}
