//! A step that another one stands in for.

use std::sync::Arc;

use super::context::WorkflowContext;
use super::history::StepEvent;
use super::label::StepKind;
use super::node::{Node, One};
use super::observed::Place;
use super::{Flow, Step, account};

/// A step, and another for when it fails.
pub struct Fallback<N, F> {
    node: N,
    other: F,
    name: Arc<str>,
}

impl<I, O, E, N> Flow<I, O, E, N>
where
    I: Clone + Send,
    N: Node<I, Output = O, Error = E>,
    O: Send,
    E: core::fmt::Display + Send,
{
    /// Runs another flow, with the same input, when this one fails; its value or error is the outcome.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use obs_runtime::steps::step;
    ///
    /// let large = step("large", async |_: String| Err::<String, _>("overloaded"));
    /// let small = step("small", async |text: String| Ok(text.to_uppercase()));
    /// assert_eq!(large.fallback(small).call("why".to_owned()).await, Ok("WHY".to_owned()));
    /// # });
    /// ```
    #[track_caller]
    pub fn fallback<F>(self, other: Flow<I, O, E, F>) -> Flow<I, O, E, One<Fallback<N, F>>>
    where
        F: Node<I, Output = O, Error = E>,
    {
        self.around(StepKind::Fallback, |node, name| {
            account::may_fall_back(&name);
            Fallback {
                node,
                other: other.node,
                name,
            }
        })
    }
}

impl<I, N, F> Step<I> for Fallback<N, F>
where
    I: Clone + Send,
    N: Node<I>,
    F: Node<I, Output = N::Output, Error = N::Error>,
{
    type Output = N::Output;
    type Error = N::Error;

    async fn call(&self, input: I) -> Result<N::Output, N::Error> {
        // Its error is on its span.
        if let Ok(value) = self.node.call(input.clone(), Place::NONE).await {
            return Ok(value);
        }
        account::fallback(&self.name);
        if let Some(context) = WorkflowContext::current() {
            context.note(|| StepEvent::FellBack {
                step: Arc::clone(&self.name),
            });
        }
        self.other.call(input, Place::NONE).await
    }
}
