//! The body of a response, whose end is the end of the request's span.
//!
//! A body ends when it says so, when it has given as many bytes as the head promised, by an error,
//! or by being dropped. Whichever comes first must end the span, once: servers stop polling where
//! they know that nothing follows. Frames are polled inside of the span, on any thread.

use core::pin::Pin;
use core::task::{Context, Poll};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::response::Serving;

pin_project! {
    /// The body of a response. The span of its request ends with it.
    #[derive(Debug)]
    pub struct TracedBody<B> {
        #[pin]
        inner: B,
        serving: Serving,
        // How many bytes follow, if the head says so.
        left: Option<u64>,
    }
}

impl<B: Body> TracedBody<B> {
    pub(super) fn new(inner: B, mut serving: Serving, left: Option<u64>) -> Self {
        if left == Some(0) || inner.is_end_stream() {
            serving.end();
        }
        Self {
            inner,
            serving,
            left,
        }
    }
}

/// An empty body that belongs to no request, for services that build responses by default.
impl<B: Default> Default for TracedBody<B> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            serving: Serving::over(),
            left: None,
        }
    }
}

impl<B: Body> Body for TracedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let (mut inner, serving) = (this.inner, this.serving);
        let polled = serving.run(|| inner.as_mut().poll_frame(cx));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => serving.end(),
            Poll::Ready(Some(Err(_))) => {
                serving.fail::<B::Error>();
                serving.end();
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    serving.trailers(trailers);
                }
                if let (Some(left), Some(data)) = (this.left.as_mut(), frame.data_ref()) {
                    *left = left.saturating_sub(data.remaining() as u64);
                }
                // The server does not poll again after the last byte, so the span has to end here.
                if *this.left == Some(0) || inner.is_end_stream() {
                    serving.end();
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
