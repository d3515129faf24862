//! A request on its way: the span's attributes before it is sent and after it is answered.
//!
//! [`begin`] and [`end`] run in the middleware, around each attempt. Whatever becomes a
//! label must come from a small set: the method from a fixed list, the path only as a
//! [`UrlTemplate`], an error only as its [`kind`].

use core::error::Error as _;

use ::http::Extensions;
use ::reqwest::{Request, Response};
use ::reqwest_middleware::{Error, Result};

use super::UrlTemplate;
use crate::Capture as _;
use crate::callsite::{Callsite, CallsiteSpec, Construct, More, SpanKind};
use crate::requests::{Exchange, http};
use crate::semconv::{attribute as key, metric};
use crate::trace::Value;

static SITE: Callsite = Callsite::new(CallsiteSpec {
    kind: SpanKind::Client,
    construct: Construct::Span,
    // The semantic conventions have a metric of their own, so the callsite needs none.
    metrics: false,
    more: Some(&More {
        name: "http.client",
        target: "obs_runtime::interop::reqwest",
        keys: &[
            key::HTTP_REQUEST_METHOD,
            key::HTTP_REQUEST_METHOD_ORIGINAL,
            key::HTTP_REQUEST_RESEND_COUNT,
            key::SERVER_ADDRESS,
            key::SERVER_PORT,
            key::URL_FULL,
            key::URL_TEMPLATE,
        ],
        ..More::NONE
    }),
    ..CallsiteSpec::OF_NO_FUNCTION
});

/// How often a request was sent before, kept among its extensions.
#[derive(Clone, Copy, Default)]
struct Attempts(u32);

/// Begins the span of a request, and counts how often it was sent.
pub(super) fn begin(request: &Request, extensions: &mut Extensions) -> Exchange {
    let attempts = extensions.get_or_insert_default::<Attempts>();
    let resent = attempts.0;
    attempts.0 = resent.saturating_add(1);
    let template = extensions.get::<UrlTemplate>().map(|template| &*template.0);

    let method = http::method(request.method());
    let url = request.url();
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default();
    let begin = || {
        let original = (method == crate::semconv::OTHER).then(|| request.method().as_str());
        vec![
            Value::from_static(method),
            original.capture(),
            (resent > 0).then_some(resent).capture(),
            host.capture(),
            port.capture(),
            http::full(url).capture(),
            template.capture(),
        ]
    };
    let metric = &metric::HTTP_CLIENT_REQUEST_DURATION;
    let mut exchange = Exchange::begin(&SITE, metric, None, begin);
    exchange.label(key::HTTP_REQUEST_METHOD, method);
    exchange.label(key::SERVER_ADDRESS, host.to_owned());
    if let Some(port) = port {
        exchange.label(key::SERVER_PORT, port.to_string());
    }
    let name = http::in_name(method);
    match template {
        Some(template) => {
            exchange.name(format!("{name} {template}"));
            exchange.label(key::URL_TEMPLATE, template.to_owned());
        }
        None => exchange.name(name),
    }
    exchange
}

/// Records the response, and ends the span.
pub(super) fn end(exchange: &mut Exchange, response: &Result<Response>) {
    match response {
        Ok(response) => {
            let status = response.status();
            let version = http::version(response.version());
            exchange.set(key::HTTP_RESPONSE_STATUS_CODE, status.as_u16());
            exchange.set(key::NETWORK_PROTOCOL_VERSION, version);
            exchange.label(key::HTTP_RESPONSE_STATUS_CODE, status.as_str().to_owned());
            exchange.label(key::NETWORK_PROTOCOL_VERSION, version);
            // To a client both are errors ("HTTP spans", "Status").
            if status.is_client_error() || status.is_server_error() {
                exchange.fail(status.as_str().to_owned());
            }
        }
        Err(error) => exchange.fail_with(kind(error), message(error).as_deref()),
    }
    exchange.end();
}

/// Whether an error is made from one of reqwest that says that no connection was made, or that the request could not be
/// written, so that nobody can have worked on it.
pub(crate) fn is_unsent(error: &(dyn std::error::Error + 'static)) -> bool {
    let is = |error: &::reqwest::Error| error.is_connect() || error.is_builder();
    let causes = core::iter::successors(Some(error), |&error| error.source());
    causes.into_iter().any(|error| {
        // That of the middleware stands for reqwest's, and does not give it as its source.
        let middleware = match error.downcast_ref::<Error>() {
            Some(Error::Reqwest(error)) => is(error),
            _ => false,
        };
        middleware || error.downcast_ref::<::reqwest::Error>().is_some_and(is)
    })
}

/// Returns the kind of an error, one of a few texts, since it is a label.
fn kind(error: &Error) -> &'static str {
    let Error::Reqwest(error) = error else {
        return "middleware";
    };
    let kinds = [
        ("timeout", error.is_timeout()),
        ("connect", error.is_connect()),
        ("redirect", error.is_redirect()),
        ("body", error.is_body()),
        ("builder", error.is_builder()),
    ];
    let found = kinds.iter().find(|(_, is)| *is);
    found.map_or("request", |(kind, _)| kind)
}

/// Returns the innermost cause of an error.
///
/// The error's own text is mostly the URL, which the span has already.
fn message(error: &Error) -> Option<String> {
    let Error::Reqwest(error) = error else {
        return Some(error.to_string());
    };
    let mut cause = error.source()?;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Some(cause.to_string())
}
