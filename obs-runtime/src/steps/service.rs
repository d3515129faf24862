//! Services of tower as steps, and flows as services of tower.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use tower_service::Service;

use super::{Flow, Step};

/// A service of tower as a step: a clone of it answers each call, once it is ready.
///
/// So what tower has a layer for, a step has: limits of rate and concurrency, load shedding, balancing.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use obs_runtime::steps::{service, step};
/// use tower::{ServiceExt as _, service_fn};
///
/// let fetch = service_fn(async |page: u32| Ok::<_, String>(page));
/// let fetch = fetch.map_response(|page| page + 1);
/// let flow = step("fetch", service(fetch));
/// assert_eq!(flow.call(7).await, Ok(8));
/// # });
/// ```
pub fn service<S>(service: S) -> ServiceStep<S> {
    ServiceStep(service)
}

/// A service of tower as a step: see [`service`].
#[derive(Clone, Debug)]
pub struct ServiceStep<S>(S);

impl<I, S> Step<I> for ServiceStep<S>
where
    I: Send,
    S: Service<I> + Clone + Send + Sync,
    S::Response: Send,
    S::Error: fmt::Display + Send,
    S::Future: Send,
{
    type Output = S::Response;
    type Error = S::Error;

    async fn call(&self, input: I) -> Result<S::Response, S::Error> {
        // Whether it is ready, it says to the one that calls: each has a clone.
        let mut service = self.0.clone();
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(input).await
    }
}

/// A flow whose type is erased is a service of tower, which is always ready: what takes a service, takes a flow.
impl<I, O, E> Service<I> for Flow<I, O, E>
where
    I: Send + 'static,
    O: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    type Response = O;
    type Error = E;
    type Future = Pin<Box<dyn Future<Output = Result<O, E>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, input: I) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Flow::call(&this, input).await })
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
