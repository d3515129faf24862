//! The layer for clients of gRPC: a span for each call, whose context travels in its metadata.
//!
//! The response is followed by the same code as on the server's side (`future.rs`, `body.rs`,
//! `response.rs`); only which statuses are errors differs ([`Side`]).

use core::task::{Context, Poll};
use std::borrow::Cow;
use std::sync::Arc;

use ::http::request::Parts;
use ::http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::TracedBody;
use super::future::ResponseFuture;
use super::response::{Serving, Side};
use crate::Capture as _;
use crate::callsite::{Callsite, CallsiteSpec, ConstValue, Construct, More, SpanKind};
use crate::requests::{Exchange, http};
use crate::semconv::{attribute as key, metric};
use crate::trace::gate;
use crate::trace::propagation::{self, Baggage, ambient};

static SITE: Callsite = Callsite::new(CallsiteSpec {
    kind: SpanKind::Client,
    construct: Construct::Span,
    // The semantic conventions have a metric of their own, so the callsite needs none.
    metrics: false,
    more: Some(&More {
        name: "rpc.client",
        target: "obs_runtime::interop::tower",
        keys: &[key::RPC_METHOD, key::SERVER_ADDRESS, key::SERVER_PORT],
        constants: &[(key::RPC_SYSTEM_NAME, ConstValue::Str("grpc"))],
        ..More::NONE
    }),
    ..CallsiteSpec::OF_NO_FUNCTION
});

/// Returns a layer for the channel of a gRPC client, which records every call.
///
/// Each call gets a span of kind client and is timed in `rpc.client.call.duration`; the context
/// goes into its metadata.
///
/// ```
/// use tower_layer::Layer as _; // `tower::Layer` is the same
///
/// # fn client<Channel>(channel: Channel) {
/// // let endpoint = tonic::transport::Channel::from_static("http://orders.internal:50051");
/// // let channel = endpoint.connect().await?;
/// let channel = obs_runtime::interop::tower::grpc_client().server("orders.internal", 50051).layer(channel);
/// // let mut orders = OrdersClient::new(channel);
/// # let _ = channel;
/// # }
/// ```
///
/// The span is named `shop.Orders/Place` and has `rpc.system.name`, `rpc.method`,
/// `rpc.response.status_code`, `server.address` and `server.port`. It is the context while the call
/// is made, and ends with the trailers of the response; a call that is dropped before has the
/// outcome "cancelled". Every status but OK is an error, and so is a call that got no response.
/// (OpenTelemetry semantic conventions, "Semantic conventions for gRPC".) Messages and metadata are
/// not recorded.
pub fn grpc_client() -> GrpcClientLayer {
    GrpcClientLayer::default()
}

/// A layer that records the calls of a gRPC client; [`grpc_client`] describes it.
#[derive(Clone, Debug, Default)]
pub struct GrpcClientLayer {
    server: Option<(Arc<str>, u16)>,
    baggage: bool,
}

impl GrpcClientLayer {
    /// Creates the layer, as [`grpc_client`] does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which server the channel goes to: `server.address` and `server.port`.
    ///
    /// The requests of a channel do not name their server, so without this the two are missing.
    #[must_use]
    pub fn server(mut self, address: impl Into<String>, port: u16) -> Self {
        self.server = Some((address.into().into(), port));
        self
    }

    /// Sets whether [`Baggage::current`](crate::trace::propagation::Baggage::current) goes with each call.
    ///
    /// It does not by default, because everyone on the way can read it.
    #[must_use]
    pub fn baggage(mut self, send: bool) -> Self {
        self.baggage = send;
        self
    }
}

impl<S> Layer<S> for GrpcClientLayer {
    type Service = GrpcClient<S>;

    fn layer(&self, inner: S) -> GrpcClient<S> {
        GrpcClient {
            inner,
            layer: self.clone(),
        }
    }
}

/// A channel whose calls are recorded; [`grpc_client`] describes how.
#[derive(Clone, Debug)]
pub struct GrpcClient<S> {
    inner: S,
    layer: GrpcClientLayer,
}

impl<S, In, Out> Service<Request<In>> for GrpcClient<S>
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
        let mut call = self.layer.begin(&request);
        let baggage = self.layer.baggage;
        let inner = &mut self.inner;
        let future = call.run(|| {
            // An earlier attempt may have left a context, which would name another span.
            propagation::inject_current(&mut request.headers);
            if let Some(baggage) = ambient::current::<Baggage>().filter(|_| baggage) {
                baggage.inject(&mut request.headers);
            }
            inner.call(Request::from_parts(request, body))
        });
        ResponseFuture::new(future, call)
    }
}

impl GrpcClientLayer {
    fn begin(&self, request: &Parts) -> Serving {
        if gate::gate() == 0 {
            return Serving::over();
        }
        let method = http::path(request.uri.path().trim_start_matches('/')).into_owned();
        let (address, port) = match (&self.server, request.uri.host()) {
            (Some((address, port)), _) => (Some(Cow::Borrowed(&**address)), Some(*port)),
            (None, host) => (host.map(Cow::Borrowed), request.uri.port_u16()),
        };
        let begin = || vec![method.capture(), address.capture(), port.capture()];
        let mut exchange = Exchange::begin(&SITE, &metric::RPC_CLIENT_CALL_DURATION, None, begin);
        exchange.label(key::RPC_SYSTEM_NAME, "grpc");
        exchange.name(method.clone());
        exchange.label(key::RPC_METHOD, method);
        if let Some(address) = address {
            exchange.label(key::SERVER_ADDRESS, address.into_owned());
        }
        if let Some(port) = port {
            exchange.label(key::SERVER_PORT, port.to_string());
        }
        Serving::Grpc(Box::new(exchange), Side::Client)
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
