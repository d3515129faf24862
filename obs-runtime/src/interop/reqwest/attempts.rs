//! The layer for clients that are tower services, such as async-openai's.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use ::reqwest::Response;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::watched;
use crate::requests::watch::{self, Watch};

/// Returns a layer that reports each request to the model call that runs.
///
/// It is for services whose response is reqwest's, whatever their requests are. Below a layer that repeats requests, each
/// attempt is seen: its status, `Retry-After`, and what the answer says of its usage, whole or as a stream. Outside of a
/// model call it does nothing. It needs the features `reqwest`, `tower` and `llm`.
///
/// ```
/// use tower_layer::Layer as _; // `tower::Layer` is the same
///
/// # fn client<Service>(service: Service) {
/// // With async-openai and its feature `middleware`:
/// // let service = async_openai::middleware::ReqwestService::new(reqwest::Client::new());
/// let service = obs_runtime::interop::reqwest::attempts().layer(service);
/// // let service = async_openai::middleware::retry::OpenAIRetryLayer::default().layer(service);
/// // let client = Client::with_config(config).with_http_service(service);
/// # let _ = service;
/// # }
/// ```
pub fn attempts() -> AttemptsLayer {
    AttemptsLayer::default()
}

/// A layer that reports requests to the model call that runs; [`attempts`] describes how.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttemptsLayer(());

impl<S> Layer<S> for AttemptsLayer {
    type Service = Attempts<S>;

    fn layer(&self, inner: S) -> Attempts<S> {
        Attempts { inner }
    }
}

/// A service whose requests are reported to the model call that runs; [`attempts`] describes how.
#[derive(Clone, Debug)]
pub struct Attempts<S> {
    inner: S,
}

impl<S, R> Service<R> for Attempts<S>
where
    S: Service<R, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = AttemptFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let watch = watch::begin("tower");
        AttemptFuture {
            inner: self.inner.call(request),
            watch,
        }
    }
}

pin_project! {
    /// The future of an [`Attempts`]' response.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct AttemptFuture<F> {
        #[pin]
        inner: F,
        watch: Option<Box<dyn Watch>>,
    }
}

impl<F, E> Future for AttemptFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx));
        let watch = this.watch.take();
        Poll::Ready(response.map(|response| watched::response(watch, response)))
    }
}
