//! The future of a response: it runs the service inside of the request's span.
//!
//! The span moves on to the body when the service has answered ([`TracedBody`]). A future that is
//! dropped before then ends the span as cancelled.

use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use ::http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::TracedBody;
use super::response::Serving;

pin_project! {
    /// The future of a [`Trace`](super::Trace)'s response.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        // Is `Some` until the drop.
        #[pin]
        inner: Option<F>,
        serving: Serving,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The service's future goes first, and inside of the span: what it holds may record.
            let inner = &mut this.inner;
            this.serving.run(|| inner.set(None));
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, serving: Serving) -> Self {
        Self {
            inner: Some(inner),
            serving,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<TracedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Pending;
        };
        let serving = this.serving;
        match ready!(serving.run(|| inner.poll(cx))) {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let length = serving.respond(&head);
                let serving = mem::replace(serving, Serving::over());
                let body = TracedBody::new(body, serving, length);
                Poll::Ready(Ok(Response::from_parts(head, body)))
            }
            Err(error) => {
                serving.fail::<E>();
                serving.end();
                Poll::Ready(Err(error))
            }
        }
    }
}
