//! A middleware for reqwest, which gives each request a span and sends its context along.
//!
//! It needs the feature `reqwest`.
//!
//! [`middleware`] is for a client of `reqwest-middleware`:
//!
//! ```no_run
//! use reqwest_middleware::ClientBuilder;
//!
//! let client = ClientBuilder::new(reqwest::Client::new())
//!     // A middleware that retries goes first, so that each attempt has a span of its own.
//!     .with(obs_runtime::interop::reqwest::middleware().baggage_to(["*.shop.internal"]))
//!     .build();
//! ```
//!
//! The span is named by its method, or `GET /users/{id}` with a [`UrlTemplate`], and is the context
//! while the request is sent. It **ends with the head of the response**; reading the body belongs
//! to the caller. Status 4xx and 5xx are errors, and so is a request that got no response; one that
//! is dropped has the outcome "cancelled". Durations are in `http.client.request.duration`.
//! (OpenTelemetry semantic conventions, "HTTP client spans".) In the URL, credentials, secret
//! parameters and whatever looks like a secret are masked; headers and bodies are not recorded.
//!
//! A request to a model that is made while a model call runs is an attempt of that call (feature `llm`): its status,
//! `Retry-After`, and what its answer says of its usage, whole or as a stream. Nothing of the answer is changed, or kept.
//! A request to a model is a `POST` to the path of a known interface for inference (`…/chat/completions`,
//! `…:generateContent`), or to the server that the call names with `llm::Request::server`; any other `POST` is one once
//! its answer says what a model used. So what a tool asks with the same client costs nothing.
//!
//! `traceparent` and `tracestate` go with every request, [`Baggage`] only to hosts that
//! [`TraceMiddleware::baggage_to`] names.
//!
//! A client of plain reqwest sends the context with two lines of its own, and has no spans:
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

#[cfg(all(feature = "tower", feature = "llm"))]
mod attempts;
mod hosts;
mod request;
mod watched;

use core::future::poll_fn;
use core::pin::Pin;
use std::borrow::Cow;

use ::http::Extensions;
use ::reqwest::{Request, Response};
use ::reqwest_middleware::{Middleware, Next, Result};

use self::hosts::Hosts;
use crate::requests::watch;
use crate::trace::gate;
use crate::trace::propagation::{self, Baggage, ambient};

#[cfg(all(feature = "tower", feature = "llm"))]
pub use attempts::{AttemptFuture, Attempts, AttemptsLayer, attempts};
pub(crate) use request::is_unsent;

/// Returns a middleware that records requests; [the module](self) describes how.
pub fn middleware() -> TraceMiddleware {
    TraceMiddleware::default()
}

/// A middleware that records requests; [the module](self) describes how.
#[derive(Clone, Debug, Default)]
pub struct TraceMiddleware {
    baggage: Hosts,
}

/// The pattern of a request's path, such as `/users/{id}`.
///
/// It is an extension of the request, names its span and is a label of the metric, so there must be
/// few of them.
///
/// ```
/// use obs_runtime::interop::reqwest::UrlTemplate;
///
/// # use reqwest_middleware::{ClientWithMiddleware, RequestBuilder};
/// # fn ask(client: &ClientWithMiddleware, id: u32) -> RequestBuilder {
/// client
///     .get(format!("http://shop.internal/users/{id}"))
///     .with_extension(UrlTemplate::new("/users/{id}"))
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(Cow<'static, str>);

impl UrlTemplate {
    /// Creates the pattern of a path.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into())
    }
}

impl TraceMiddleware {
    /// Creates the middleware, as [`middleware`] does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends [`Baggage::current`] to these hosts too.
    ///
    /// A host is a name such as `api.internal`, or `*.internal` for all names below it. By default
    /// no host gets baggage, because everyone on the way can read it. A request that has a
    /// `baggage` header already keeps its own.
    ///
    /// reqwest takes headers along when it follows a redirect to another host. Where that is not
    /// wanted, give the client another `redirect::Policy`.
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
        let mut sent = request::begin(&request, extensions);
        // An earlier attempt may have left a context, which would name another span.
        let headers = request.headers_mut();
        sent.run(|| propagation::inject_current(headers));
        self.add_baggage(&mut request);
        let target = watched::target(request.method().as_str(), request.url());
        let mut watch = watch::begin("reqwest", Some(target));
        let mut response = next.run(request, extensions);
        // The inner future is dropped before `sent`, so that what it holds ends inside of the span.
        let response = poll_fn(|cx| {
            let _open = watch::open(watch.as_deref());
            sent.run(|| response.as_mut().poll(cx))
        });
        let response = response.await;
        request::end(&mut sent, &response);
        if let (Some(watch), Err(error)) = (&mut watch, &response)
            && is_unsent(error)
        {
            watch.unsent();
        }
        response.map(|response| watched::response(watch, response))
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
        if let Some(baggage) = ambient::current::<Baggage>() {
            Baggage::inject(&baggage, request.headers_mut());
        }
    }
}

impl Middleware for TraceMiddleware {
    // The signature is that of `async_trait`, written out to save a macro.
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
