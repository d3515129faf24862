//! The layer for clients that are tower services, such as async-openai's.

use core::any::Any;
use core::error::Error;
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
/// model call it does nothing. Which requests count is said [above](crate::interop::reqwest); where the service does not
/// take reqwest's requests, as with async-openai, the address is known with the response, and until then every request
/// counts. It needs the features `reqwest`, `tower` and `llm`.
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
    S::Error: 'static,
    R: 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = AttemptFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let seen = (&request as &dyn Any).downcast_ref::<::reqwest::Request>();
        let target = seen.map(|request| watched::target(request.method().as_str(), request.url()));
        let watch = watch::begin("tower", target);
        let inner = {
            let _open = watch::open(watch.as_deref());
            self.inner.call(request)
        };
        AttemptFuture { inner, watch }
    }
}

/// Whether an error of a service says that the request was not sent.
fn is_unsent<E: 'static>(error: &E) -> bool {
    let error: &dyn Any = error;
    if let Some(error) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return super::is_unsent(&**error);
    }
    let of_reqwest = error.downcast_ref::<::reqwest::Error>();
    let of_middleware = error.downcast_ref::<::reqwest_middleware::Error>();
    of_reqwest.is_some_and(|error| super::is_unsent(error))
        || of_middleware.is_some_and(|error| super::is_unsent(error))
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
    E: 'static,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let open = watch::open(this.watch.as_deref());
        let polled = this.inner.poll(cx);
        drop(open);
        let response = ready!(polled);
        let mut watch = this.watch.take();
        if let (Some(watch), Err(error)) = (&mut watch, &response)
            && is_unsent(error)
        {
            watch.unsent();
        }
        Poll::Ready(response.map(|response| watched::response(watch, response)))
    }
}
