//! Clients: a span for each request that reqwest sends, and the context into it; feature `reqwest`.
//!
//! [`middleware`] is for a client of `reqwest-middleware`:
//!
//! ```no_run
//! use reqwest_middleware::ClientBuilder;
//!
//! let client = ClientBuilder::new(reqwest::Client::new())
//!     // A middleware that tries again goes first: each attempt is a span then.
//!     .with(obs_runtime::reqwest::middleware().baggage_to(["*.shop.internal"]))
//!     .build();
//! ```
//!
//! The span is named by its method, or `GET /users/{id}` with a [`UrlTemplate`], and is the context while the request is
//! sent. It **ends with the head of the response**; reading the body belongs to the caller. Status 4xx and 5xx are
//! errors, and so is a request that got no response; one that is dropped is "cancelled". Durations are in
//! `http.client.request.duration`. (OpenTelemetry semantic conventions, "HTTP client spans".) Of the URL, credentials,
//! secret parameters and what looks like a secret are masked; headers and bodies are not recorded.
//!
//! `traceparent` and `tracestate` go with every request, [`Baggage`] only to hosts that
//! [`TraceMiddleware::baggage_to`] names.
//!
//! A client of plain reqwest does with two lines, and without spans:
//!
//! ```
//! use obs_runtime::propagation;
//!
//! # fn ask(client: &reqwest::Client) -> reqwest::RequestBuilder {
//! let mut headers = reqwest::header::HeaderMap::new();
//! propagation::inject_current(&mut headers);
//! client.get("http://shop.internal/stock").headers(headers)
//! # }
//! ```

mod hosts;
mod request;

use core::future::poll_fn;
use core::pin::Pin;
use std::borrow::Cow;

use ::http::Extensions;
use ::reqwest::{Request, Response};
use ::reqwest_middleware::{Middleware, Next, Result};

use self::hosts::Hosts;
use self::request::Sent;
use crate::propagation::{self, Baggage, ambient};
use crate::trace::gate;

/// A middleware that records requests, see [the module](self).
pub fn middleware() -> TraceMiddleware {
    TraceMiddleware::default()
}

/// Records requests, see [the module](self).
#[derive(Clone, Debug, Default)]
pub struct TraceMiddleware {
    baggage: Hosts,
}

/// The pattern of a request's path, of which there are few: `/users/{id}`. It is an extension of the request, names
/// its span and is a label of the metric.
///
/// ```
/// use obs_runtime::reqwest::UrlTemplate;
///
/// # fn ask(client: &reqwest_middleware::ClientWithMiddleware, id: u32) -> reqwest_middleware::RequestBuilder {
/// client.get(format!("http://shop.internal/users/{id}")).with_extension(UrlTemplate::new("/users/{id}"))
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(Cow<'static, str>);

impl UrlTemplate {
    /// A pattern.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into())
    }
}

impl TraceMiddleware {
    /// The same as [`middleware`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends [`Baggage::current`] to these hosts too: `api.internal`, or `*.internal` for all below it. None by default:
    /// baggage is read by everyone on the way.
    ///
    /// Not so if the request has a `baggage` header already. reqwest takes headers along when it follows a redirect to
    /// another host: where that is not wanted, give the client another `redirect::Policy`.
    #[must_use]
    pub fn baggage_to<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.baggage.add(hosts.into_iter().map(Into::into));
        self
    }

    async fn send(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if gate::gate() == 0 {
            propagation::inject_current(request.headers_mut());
            self.add_baggage(&mut request);
            return next.run(request, extensions).await;
        }
        let mut sent = Sent::begin(&request, extensions);
        // What an earlier attempt left belongs to another span.
        let headers = request.headers_mut();
        sent.exchange.run(|| propagation::inject_current(headers));
        self.add_baggage(&mut request);
        let mut response = next.run(request, extensions);
        // Dropped before `sent`: what it holds goes inside of the span.
        let response = poll_fn(|cx| sent.exchange.run(|| response.as_mut().poll(cx))).await;
        sent.end(&response);
        response
    }

    fn add_baggage(&self, request: &mut Request) {
        if request.headers().contains_key(propagation::BAGGAGE)
            || !request
                .url()
                .host_str()
                .is_some_and(|h| self.baggage.contains(h))
        {
            return;
        }
        if let Some(baggage) = ambient::current() {
            Baggage::inject(&baggage, request.headers_mut());
        }
    }
}

impl Middleware for TraceMiddleware {
    // As `async_trait` has it: no macro for one function.
    fn handle<'this, 'extensions, 'next, 'future>(
        &'this self,
        request: Request,
        extensions: &'extensions mut Extensions,
        next: Next<'next>,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'future>>
    where
        'this: 'future,
        'extensions: 'future,
        'next: 'future,
        Self: 'future,
    {
        Box::pin(self.send(request, extensions, next))
    }
}

#[cfg(test)]
#[path = "reqwest_tests.rs"]
mod tests;
