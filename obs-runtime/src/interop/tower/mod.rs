//! Layers for tower, which give each request that a server receives a span under its caller.
//!
//! They need the feature `tower`; [`grpc_client`] is the layer for clients of gRPC.
//!
//! [`layer`] works with axum, tonic and any other service of `http` requests:
//!
//! ```
//! use axum::extract::MatchedPath;
//! use axum::{Router, routing::get};
//!
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "ada" }))
//!     // Names the spans by their route: `GET /users/{id}`.
//!     .layer(obs_runtime::interop::tower::layer().route_from(MatchedPath::as_str));
//! ```
//!
//! The caller comes from `traceparent`, `tracestate` and `baggage`. The span is the context while
//! the handler runs and while its response streams: it **ends with the last byte of the body**
//! (gRPC: with the trailers), as the conventions ask, or at once if the response has no body. If
//! the handler or the body is dropped before, as when the client has gone, its outcome is
//! "cancelled". A panic is recorded as an error, and continues. Functions that the handler calls
//! are children of the span; [`current`](crate::current) reaches it.
//!
//! # HTTP
//!
//! - The name is `GET /users/{id}`, or `GET` without a route.
//! - The attributes are `http.request.method`, `http.route`, `http.response.status_code`,
//!   `url.path`, `url.query` and `url.scheme`, `server.address`, `server.port`,
//!   `network.protocol.version` and `user_agent.original`.
//! - Errors are status 5xx, a failed service or body, and a panic.
//! - The metric is `http.server.request.duration`.
//!
//! # gRPC (content type `application/grpc`)
//!
//! - The name is `shop.Orders/Place`.
//! - The attributes are `rpc.system.name`, `rpc.method`, `rpc.response.status_code`,
//!   `server.address`, `server.port` and `network.protocol.version`.
//! - Errors are UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and DATA_LOSS, a
//!   failed service or body, and a panic.
//! - The metric is `rpc.server.call.duration`.
//!
//! # Both
//!
//! Names, attributes and errors follow the OpenTelemetry semantic conventions ("HTTP server spans",
//! "Semantic conventions for gRPC"). Secrets in paths and queries are masked. Headers and bodies
//! are not recorded. The client's address is recorded only where
//! [`peer_from`](TraceLayer::peer_from), [`x_forwarded_for`](TraceLayer::x_forwarded_for) or
//! [`forwarded`](TraceLayer::forwarded) asks for it. The spans' callsites, which samplers see, are
//! named `http.server` and `rpc.server`.

mod body;
mod client;
mod future;
mod peer;
mod request;
mod response;

use core::fmt;
use core::task::{Context, Poll};
use std::net::SocketAddr;
use std::sync::Arc;

use ::http::request::Parts;
use ::http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use peer::{Header, Peers};

pub use body::TracedBody;
pub use client::{GrpcClient, GrpcClientLayer, grpc_client};
pub use future::ResponseFuture;

type RouteHook = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;
type Filter = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

/// Returns a layer that records requests; [the module](self) describes how.
pub fn layer() -> TraceLayer {
    TraceLayer::default()
}

/// A layer that records requests; [the module](self) describes how.
#[derive(Clone, Default)]
pub struct TraceLayer {
    route: Option<RouteHook>,
    only: Option<Filter>,
    peers: Peers,
}

impl TraceLayer {
    /// Creates the layer, as [`layer`] does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the route from an extension of the request, such as axum's `MatchedPath`.
    ///
    /// The layer must be inside of the router, as by `Router::layer`: outside of it no route has
    /// been chosen yet.
    ///
    /// ```
    /// use axum::extract::MatchedPath;
    ///
    /// let layer = obs_runtime::interop::tower::layer().route_from(MatchedPath::as_str);
    /// ```
    #[must_use]
    pub fn route_from<T: Send + Sync + 'static>(self, route: fn(&T) -> &str) -> Self {
        self.route(move |request| request.extensions.get::<T>().map(|t| route(t).to_owned()))
    }

    /// Sets the function that names the route of a request, a pattern such as `/users/{id}`.
    ///
    /// The route names the span and is a label of the metric, so there must be few of them.
    ///
    /// ```
    /// let layer = obs_runtime::interop::tower::layer().route(|request| {
    ///     let user = request.uri.path().starts_with("/users/");
    ///     user.then(|| "/users/{id}".to_owned())
    /// });
    /// ```
    #[must_use]
    pub fn route(
        mut self,
        route: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.route = Some(Arc::new(route));
        self
    }

    /// Records only requests for which `only` returns true.
    ///
    /// The others pass: they have no span and are not counted, and what they do is a child of their
    /// caller.
    ///
    /// ```
    /// let layer = obs_runtime::interop::tower::layer().only(|request| request.uri.path() != "/healthz");
    /// ```
    #[must_use]
    pub fn only(mut self, only: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.only = Some(Arc::new(only));
        self
    }

    /// Records who is at the other end of the connection.
    ///
    /// The attributes are `network.peer.address` and `network.peer.port`, and also `client.address`
    /// and `client.port` unless a trusted proxy names another client. The address is taken from an
    /// extension of the request: axum's `ConnectInfo`, tonic's `TcpConnectInfo`. Without this
    /// method no address is recorded, because many laws treat it as personal data.
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    ///
    /// // For `axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())`.
    /// let layer = obs_runtime::interop::tower::layer()
    ///     .peer_from(|peer: &ConnectInfo<SocketAddr>| Some(peer.0));
    /// // For tonic: `.peer_from(TcpConnectInfo::remote_addr)`.
    /// ```
    #[must_use]
    pub fn peer_from<T: Send + Sync + 'static>(
        mut self,
        peer: fn(&T) -> Option<SocketAddr>,
    ) -> Self {
        self.peers.peer = Some(Arc::new(move |request: &Parts| {
            request.extensions.get::<T>().and_then(peer)
        }));
        self
    }

    /// Records the client that `X-Forwarded-For` names, as `client.address`.
    ///
    /// Anybody can write that header, so `proxies` says how many proxies of your own requests come
    /// through. Each of them appends the address that it was asked from: 1 takes the last address
    /// of the list, 0 none.
    ///
    /// ```
    /// // Behind one load balancer.
    /// let layer = obs_runtime::interop::tower::layer().x_forwarded_for(1);
    /// ```
    #[must_use]
    pub fn x_forwarded_for(mut self, proxies: usize) -> Self {
        self.peers.behind = Some((Header::XForwardedFor, proxies));
        self
    }

    /// Records the client that `Forwarded` (RFC 7239) names, as `client.address`.
    ///
    /// It is for proxies that write this header instead of the one of
    /// [`x_forwarded_for`](Self::x_forwarded_for). The last of the two calls is used, not both: a
    /// proxy that writes one header passes the other through as the client sent it.
    #[must_use]
    pub fn forwarded(mut self, proxies: usize) -> Self {
        self.peers.behind = Some((Header::Forwarded, proxies));
        self
    }
}

impl fmt::Debug for TraceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceLayer")
            .field("route", &self.route.is_some())
            .field("only", &self.only.is_some())
            .field("peers", &self.peers)
            .finish()
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose requests are recorded; [the module](self) describes how.
#[derive(Clone, Debug)]
pub struct Trace<S> {
    inner: S,
    layer: TraceLayer,
}

impl<S, In, Out> Service<Request<In>> for Trace<S>
where
    S: Service<Request<In>, Response = Response<Out>>,
    Out: Body,
{
    type Response = Response<TracedBody<Out>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        let (mut request, body) = request.into_parts();
        let mut serving = request::begin(&self.layer, &mut request);
        let request = Request::from_parts(request, body);
        let inner = &mut self.inner;
        let future = serving.run(|| inner.call(request));
        ResponseFuture::new(future, serving)
    }
}

#[cfg(test)]
#[path = "tower_tests.rs"]
mod tests;
