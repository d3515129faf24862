//! Responses that somebody watches on their way to whoever asked.
//!
//! What passes is not changed: the same bytes in the same pieces, and the same errors.

use core::pin::Pin;
use core::task::{Context, Poll};

use ::http::Response as HttpResponse;
use ::reqwest::{Body, Response, ResponseBuilderExt as _, Url};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::requests::watch::{Target, Watch};

/// Where a request goes, or a response comes from.
pub(super) fn target<'a>(method: &'a str, url: &'a Url) -> Target<'a> {
    // An address of IPv6 stands in brackets in a URL.
    let host = url.host_str().unwrap_or_default();
    Target {
        method,
        host: host.trim_matches(['[', ']']),
        port: url.port_or_known_default(),
        path: url.path(),
    }
}

/// The response of a request that is watched, if it is.
pub(super) fn response(watch: Option<Box<dyn Watch>>, response: Response) -> Response {
    let Some(mut watch) = watch else {
        return response;
    };
    // The address is no part of `http`'s response, so it is carried over.
    let url = response.url().clone();
    let status = response.status().as_u16();
    // Whatever the request's method was.
    watch.head(status, response.headers(), target("", &url));
    let mut carrier = HttpResponse::builder().url(url);
    let (mut head, inner) = HttpResponse::<Body>::from(response).into_parts();
    if let Some(carried) = carrier.extensions_mut() {
        head.extensions.extend(core::mem::take(carried));
    }
    let body = Body::wrap(Watched {
        inner,
        watch: Some(watch),
    });
    HttpResponse::from_parts(head, body).into()
}

/// A body that is watched until it ends, or is dropped.
#[derive(Debug)]
struct Watched {
    inner: Body,
    watch: Option<Box<dyn Watch>>,
}

impl Watched {
    fn end(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            watch.end();
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = ::reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ::reqwest::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => self.end(),
            // What was read until here stands; what follows is not known.
            Poll::Ready(Some(Err(_))) => self.watch = None,
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(watch), Some(data)) = (&mut self.watch, frame.data_ref()) {
                    watch.bytes(data);
                }
                // Whoever knows that nothing follows does not poll again.
                if self.inner.is_end_stream() {
                    self.end();
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
