//! A step that may take only so long.

use core::time::Duration;
use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::context::WorkflowContext;
use super::error::{MadeOf, TimedOut};
use super::history::StepEvent;
use super::label::StepKind;
use super::node::{Node, One};
use super::observed::Place;
use super::{Flow, Step, account};
use crate::trace::current;
use crate::{Error, semconv::attribute};

/// A step that is ended when it takes too long.
pub struct Timeout<N> {
    node: N,
    rule: Rule,
}

/// The same, with a step that runs in its place then.
pub struct TimeoutOr<N, F> {
    node: N,
    rule: Rule,
    fallback: F,
}

/// How long a step may take.
struct Rule {
    name: Arc<str>,
    limit: Duration,
    grace: Duration,
}

impl<I, O, E, N> Flow<I, O, E, N>
where
    I: Send,
    N: Node<I, Output = O, Error = E>,
{
    /// Ends the flow when it takes longer than `limit`: it is dropped, and the error is [`TimedOut`].
    ///
    /// What the flow itself fails with is passed on, and is never taken for this timeout.
    /// [`grace`](Flow::grace) adds time, [`on_timeout`](Flow::on_timeout) a step that runs in its place.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use obs_runtime::steps::step;
    ///
    /// let slow = step("slow", async |()| Ok::<&str, String>(std::future::pending().await));
    /// let flow = slow.timeout(Duration::from_millis(1))?;
    /// assert_eq!(flow.call(()).await, Err("the step `slow` timed out after 1ms".to_owned()));
    /// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Fails if the limit is zero.
    ///
    /// # Panics
    /// A call panics where tokio's runtime has no timer (`enable_time`).
    #[track_caller]
    pub fn timeout(self, limit: Duration) -> Result<Flow<I, O, E, One<Timeout<N>>>, Error>
    where
        E: MadeOf<TimedOut>,
    {
        let name = self.name();
        if limit.is_zero() {
            return Err(Error::config(format!(
                "the timeout of the step `{name}` is 0, so it could never end well: give it more"
            )));
        }
        account::may_time_out(&name, "timed_out");
        Ok(self.around(StepKind::Timeout, |node, name| Timeout {
            node,
            rule: Rule {
                name,
                limit,
                grace: Duration::ZERO,
            },
        }))
    }
}

impl<I, O, E, N> Flow<I, O, E, One<Timeout<N>>>
where
    I: Send,
    N: Node<I, Output = O, Error = E>,
{
    /// Lets the flow go on for so long after its limit. If it ends meanwhile, its value counts, the span says that it was
    /// late, and `obs.step.timeouts` counts it as `late`.
    pub fn grace(self, grace: Duration) -> Self {
        account::may_time_out(&self.node.step.rule.name, "late");
        Self::new(self.node.map(|step| Timeout {
            rule: Rule { grace, ..step.rule },
            ..step
        }))
    }

    /// Runs another flow, with the same input, when this one takes too long; its value or error is the outcome.
    pub fn on_timeout<F>(self, fallback: Flow<I, O, E, F>) -> Flow<I, O, E, One<TimeoutOr<N, F>>>
    where
        I: Clone,
        F: Node<I, Output = O, Error = E>,
    {
        account::may_time_out(&self.node.step.rule.name, "fallback");
        Flow::new(self.node.map(|step| TimeoutOr {
            node: step.node,
            rule: step.rule,
            fallback: fallback.node,
        }))
    }
}

impl Rule {
    /// How long the work may take, with the grace period.
    fn longest(&self) -> Duration {
        self.limit.saturating_add(self.grace)
    }

    /// The work has ended in time. An error that comes late is an error, not a timeout that was survived.
    fn ended<T, E>(&self, began: Instant, result: &Result<T, E>) {
        if result.is_ok() && !self.grace.is_zero() && began.elapsed() > self.limit {
            self.tell("late");
            self.note(|step, limit| StepEvent::Late { step, limit });
        }
    }

    fn gave_up(&self, had_fallback: bool) -> TimedOut {
        self.tell(if had_fallback {
            "fallback"
        } else {
            "timed_out"
        });
        let after = self.longest();
        self.note(|step, _| StepEvent::TimedOut {
            step,
            limit: after,
            had_fallback,
        });
        TimedOut {
            step: Arc::clone(&self.name),
            after,
        }
    }

    fn tell(&self, outcome: &'static str) {
        current::set_attribute(attribute::OBS_STEP_TIMEOUT, outcome);
        account::timeout(&self.name, outcome);
    }

    fn note(&self, event: impl FnOnce(Arc<str>, Duration) -> StepEvent) {
        if let Some(context) = WorkflowContext::current() {
            context.note(|| event(Arc::clone(&self.name), self.limit));
        }
    }
}

impl<I, N> Step<I> for Timeout<N>
where
    I: Send,
    N: Node<I>,
    N::Error: From<TimedOut>,
{
    type Output = N::Output;
    type Error = N::Error;

    async fn call(&self, input: I) -> Result<N::Output, N::Error> {
        let began = Instant::now();
        let work = self.node.call(input, Place::NONE);
        if let Ok(result) = timeout(self.rule.longest(), work).await {
            self.rule.ended(began, &result);
            return result;
        }
        let error = self.rule.gave_up(false);
        // Its own kind, whatever the program makes of it.
        current::set_error("timeout", &error.to_string());
        Err(error.into())
    }
}

impl<I, N, F> Step<I> for TimeoutOr<N, F>
where
    I: Clone + Send,
    N: Node<I>,
    F: Node<I, Output = N::Output, Error = N::Error>,
{
    type Output = N::Output;
    type Error = N::Error;

    async fn call(&self, input: I) -> Result<N::Output, N::Error> {
        let began = Instant::now();
        let work = self.node.call(input.clone(), Place::NONE);
        if let Ok(result) = timeout(self.rule.longest(), work).await {
            self.rule.ended(began, &result);
            return result;
        }
        let _ = self.rule.gave_up(true);
        self.fallback.call(input, Place::NONE).await
    }
}

#[cfg(test)]
#[path = "timeout_tests.rs"]
mod tests;
