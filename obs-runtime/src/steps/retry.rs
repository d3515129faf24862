//! A step that is repeated when it fails.

use core::time::Duration;
use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::context::WorkflowContext;
use super::history::StepEvent;
use super::label::StepKind;
use super::node::{Node, One};
use super::observed::Place;
use super::{Flow, Step, account};
use crate::backoff;
use crate::retry::{Hint, RetryPolicy};

/// A step that is repeated when it fails.
pub struct Retry<N, E> {
    node: N,
    name: Arc<str>,
    policy: RetryPolicy,
    is_worth_it: Option<Arc<dyn Fn(&E) -> bool + Send + Sync>>,
    asked_pause: Option<Arc<dyn Fn(&E) -> Option<Duration> + Send + Sync>>,
}

impl<I, O, E, N> Flow<I, O, E, N>
where
    I: Clone + Send,
    N: Node<I, Output = O, Error = E>,
    E: core::fmt::Display + Send,
{
    /// Repeats the flow when it fails, with the same input, by the rules of pipelines' tasks. The error is that of the
    /// last attempt. A panic is not repeated.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use std::time::Duration;
    /// use obs_runtime::steps::{RetryPolicy, step};
    ///
    /// let calls = AtomicU32::new(0);
    /// let fetch = step("fetch", async |page: u32| match calls.fetch_add(1, Ordering::Relaxed) {
    ///     0 => Err("busy"),
    ///     _ => Ok(page),
    /// });
    /// let policy = RetryPolicy::new(3).delay(Duration::from_millis(1)).jitter(1.0);
    /// let flow = fetch.retry(policy).retry_if(|error| *error == "busy");
    /// assert_eq!(flow.call(7).await, Ok(7));
    /// # });
    /// ```
    #[track_caller]
    pub fn retry(self, policy: RetryPolicy) -> Flow<I, O, E, One<Retry<N, E>>> {
        self.around(StepKind::Retry, |node, name| {
            account::may_retry(&name);
            Retry {
                node,
                name,
                policy,
                is_worth_it: None,
                asked_pause: None,
            }
        })
    }
}

impl<I, O, E, N> Flow<I, O, E, One<Retry<N, E>>> {
    /// Repeats only after errors of which this is true.
    pub fn retry_if(self, is_worth_it: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        Self::new(self.node.map(|step| Retry {
            is_worth_it: Some(Arc::new(is_worth_it)),
            ..step
        }))
    }

    /// Waits as long as an error says, such as that of a server that was asked too often. Who refuses knows best: neither
    /// jitter nor the longest pause of the policy changes it. What bounds it is [`RetryPolicy::max_elapsed`].
    pub fn retry_after(
        self,
        asked_pause: impl Fn(&E) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        Self::new(self.node.map(|step| Retry {
            asked_pause: Some(Arc::new(asked_pause)),
            ..step
        }))
    }
}

impl<N, E> Retry<N, E> {
    fn hint(&self, error: &E) -> Hint {
        if self.is_worth_it.as_ref().is_some_and(|is| !is(error)) {
            return Hint::Never;
        }
        let asked = self.asked_pause.as_ref().and_then(|asked| asked(error));
        asked.map_or(Hint::None, Hint::After)
    }

    fn tell(&self, attempt: u32, pause: Duration) {
        account::retry(&self.name);
        if let Some(context) = WorkflowContext::current() {
            context.note(|| StepEvent::Retried {
                step: Arc::clone(&self.name),
                attempt,
                pause,
            });
        }
    }
}

impl<I, N> Step<I> for Retry<N, N::Error>
where
    I: Clone + Send,
    N: Node<I>,
{
    type Output = N::Output;
    type Error = N::Error;

    async fn call(&self, input: I) -> Result<N::Output, N::Error> {
        let began = Instant::now();
        let mut failed = 0;
        loop {
            let place = Place {
                // The first attempt is a call like any other.
                attempt: (failed > 0).then_some(failed + 1),
                ..Place::NONE
            };
            let error = match self.node.call(input.clone(), place).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            failed += 1;
            let hint = self.hint(&error);
            let next = self
                .policy
                .next(failed, began.elapsed(), hint, backoff::random());
            let Some(pause) = next else {
                return Err(error);
            };
            drop(error);
            if !pause.is_zero() {
                sleep(pause).await;
            }
            self.tell(failed + 1, pause);
        }
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
