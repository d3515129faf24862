//! The beginning of a served request: its caller, its name, and its first attributes.
//!
//! [`begin`] runs once for each request, in `Trace::call`, and decides whether it is recorded at
//! all, and whether it is HTTP or gRPC. Clients must not control label values: methods, schemes
//! and versions come from fixed lists, routes from the program, and gRPC methods that do not exist
//! share one series (`response.rs`).

use ::http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use ::http::request::Parts;
use ::http::uri::Authority;
use ::http::{HeaderName, Method};

use super::TraceLayer;
use super::response::{Serving, Side};
use crate::Capture as _;
use crate::callsite::{Callsite, CallsiteSpec, ConstValue, Construct, More, SpanKind};
use crate::requests::{Exchange, http};
use crate::semconv::{attribute as key, metric};
use crate::trace::propagation;
use crate::trace::propagation::RemoteContext;
use crate::trace::{Value, gate};

const BASE: CallsiteSpec = CallsiteSpec {
    kind: SpanKind::Server,
    construct: Construct::Span,
    // The semantic conventions have metrics of their own, so the callsites need none.
    metrics: false,
    more: Some(&More {
        name: "http.server",
        target: "obs_runtime::interop::tower",
        keys: &[
            key::CLIENT_ADDRESS,
            key::CLIENT_PORT,
            key::NETWORK_PEER_ADDRESS,
            key::NETWORK_PEER_PORT,
            key::HTTP_REQUEST_METHOD,
            key::HTTP_REQUEST_METHOD_ORIGINAL,
            key::HTTP_ROUTE,
            key::NETWORK_PROTOCOL_VERSION,
            key::SERVER_ADDRESS,
            key::SERVER_PORT,
            key::URL_PATH,
            key::URL_QUERY,
            key::URL_SCHEME,
            key::USER_AGENT_ORIGINAL,
        ],
        ..More::NONE
    }),
    ..CallsiteSpec::OF_NO_FUNCTION
};

static HTTP: Callsite = Callsite::new(BASE);

static RPC: Callsite = Callsite::new(CallsiteSpec {
    more: Some(&More {
        name: "rpc.server",
        target: "obs_runtime::interop::tower",
        keys: &[
            key::CLIENT_ADDRESS,
            key::CLIENT_PORT,
            key::NETWORK_PEER_ADDRESS,
            key::NETWORK_PEER_PORT,
            key::NETWORK_PROTOCOL_VERSION,
            key::RPC_METHOD,
            key::SERVER_ADDRESS,
            key::SERVER_PORT,
        ],
        constants: &[(key::RPC_SYSTEM_NAME, ConstValue::Str("grpc"))],
        ..More::NONE
    }),
    ..BASE
});

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Begins the span of a request, as a child of the caller that its headers name.
///
/// The handler finds the caller and its baggage among the request's extensions.
pub(super) fn begin(layer: &TraceLayer, request: &mut Parts) -> Serving {
    let caller = propagation::extract(&request.headers);
    let wanted = gate::gate() != 0 && layer.only.as_ref().is_none_or(|only| only(request));
    let mut serving = if !wanted {
        Serving::Passing(caller.context(), None)
    } else if is_grpc(request) {
        Serving::Grpc(Box::new(rpc(layer, request, &caller)), Side::Server)
    } else {
        let route = layer.route.as_ref().and_then(|route| route(request));
        let exchange = page(layer, request, &caller, route);
        Serving::Http(Box::new(exchange), request.method.clone())
    };
    serving.carry(caller.baggage());
    request.extensions.insert(caller);
    serving
}

fn page(
    layer: &TraceLayer,
    request: &Parts,
    caller: &RemoteContext,
    route: Option<String>,
) -> Exchange {
    let method = http::method(&request.method);
    let scheme = scheme(request);
    let version = http::version(request.version);
    let begin = || {
        let (host, port) = asked(request).unzip();
        let original = (method == crate::semconv::OTHER).then_some(request.method.as_str());
        let query = request.uri.query().filter(|query| !query.is_empty());
        let [client, client_port, peer, peer_port] = layer.peers.addresses(request);
        vec![
            client,
            client_port,
            peer,
            peer_port,
            Value::from_static(method),
            original.capture(),
            route.capture(),
            Value::from_static(version),
            host.capture(),
            port.flatten().capture(),
            http::path(request.uri.path()).capture(),
            query.map(http::query).capture(),
            Value::from_static(scheme),
            header(request, &USER_AGENT).capture(),
        ]
    };
    let metric = &metric::HTTP_SERVER_REQUEST_DURATION;
    let mut exchange = Exchange::begin(&HTTP, metric, caller.context(), begin);
    exchange.label(key::HTTP_REQUEST_METHOD, method);
    exchange.label(key::NETWORK_PROTOCOL_VERSION, version);
    exchange.label(key::URL_SCHEME, scheme);
    let name = http::in_name(method);
    if let Some(route) = route {
        exchange.name(format!("{name} {route}"));
        exchange.label(key::HTTP_ROUTE, route);
    } else {
        exchange.name(name);
    }
    exchange
}

fn rpc(layer: &TraceLayer, request: &Parts, caller: &RemoteContext) -> Exchange {
    // The path is `/package.Service/Method` (gRPC over HTTP/2, "Requests").
    let method = http::path(request.uri.path().trim_start_matches('/'));
    let version = http::version(request.version);
    let begin = || {
        let (host, port) = asked(request).unzip();
        let [client, client_port, peer, peer_port] = layer.peers.addresses(request);
        vec![
            client,
            client_port,
            peer,
            peer_port,
            Value::from_static(version),
            method.capture(),
            host.capture(),
            port.flatten().capture(),
        ]
    };
    let metric = &metric::RPC_SERVER_CALL_DURATION;
    let mut exchange = Exchange::begin(&RPC, metric, caller.context(), begin);
    exchange.label(key::RPC_SYSTEM_NAME, "grpc");
    exchange.label(key::RPC_METHOD, method.clone().into_owned());
    exchange.name(method.into_owned());
    exchange
}

fn is_grpc(request: &Parts) -> bool {
    let kind =
        header(request, &CONTENT_TYPE).and_then(|kind| kind.strip_prefix("application/grpc"));
    // `application/grpc-web` is not gRPC here: its status is in the body.
    request.method == Method::POST && kind.is_some_and(|rest| !rest.starts_with('-'))
}

/// Returns the host that the client asked for, and the port if the request names one.
fn asked(request: &Parts) -> Option<(String, Option<u16>)> {
    let from_uri = request.uri.authority().cloned();
    let authority = from_uri.or_else(|| Authority::try_from(header(request, &HOST)?).ok())?;
    Some((authority.host().to_owned(), authority.port_u16()))
}

/// Returns the scheme that the client used, as a proxy or the URI names it.
///
/// A client can write anything there, so everything but `https` counts as `http`.
fn scheme(request: &Parts) -> &'static str {
    let forwarded = header(request, &FORWARDED_PROTO);
    match forwarded.or(request.uri.scheme_str()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}

fn header<'a>(request: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}
