//! The rest of an exchange: what the head of a response and its trailers say, and the span's end.
//!
//! [`Serving`] is one request while it is served, or one call while a gRPC client waits. It moves
//! from the future to the body, and is dropped when either is, which ends the span as cancelled
//! unless [`Serving::end`] came first.

use core::fmt;
use std::sync::Arc;

use ::http::{HeaderMap, Method, StatusCode, response};

use crate::requests::Exchange;
use crate::semconv::attribute as key;
use crate::trace::SpanContext;
use crate::trace::propagation::{AttachedBaggage, Baggage};

/// A request while it is served, or a call while its client waits.
pub(super) enum Serving {
    /// A request that is not recorded: what it does belongs to its caller, whose context is here.
    Passing(Option<SpanContext>, Option<Arc<Baggage>>),
    // Boxed because the exchange moves from the future to the body.
    Http(Box<Exchange>, Method),
    Grpc(Box<Exchange>, Side),
}

/// The side that records a call, which decides which statuses are errors.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Side {
    Server,
    Client,
    /// A client whose response has not given its gRPC status yet.
    ///
    /// The text is the one that the HTTP status stands for.
    ClientWith(&'static str),
}

impl Serving {
    /// Returns what a request leaves behind when it has ended: nothing.
    pub(super) fn over() -> Self {
        Self::Passing(None, None)
    }

    fn exchange(&mut self) -> Option<&mut Exchange> {
        match self {
            Self::Passing(..) => None,
            Self::Http(exchange, _) | Self::Grpc(exchange, _) => Some(exchange),
        }
    }

    /// Sets the baggage that the request's work runs with.
    pub(super) fn carry(&mut self, baggage: &Baggage) {
        if baggage.is_empty() {
            return;
        }
        let given = Arc::new(baggage.clone());
        match self {
            Self::Passing(_, baggage) => *baggage = Some(given),
            Self::Http(exchange, _) | Self::Grpc(exchange, _) => exchange.carry(given),
        }
    }

    /// Runs `work` inside of the span.
    pub(super) fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        match self {
            Self::Passing(caller, baggage) => {
                let _inside = caller.as_ref().map(SpanContext::attach);
                let _baggage = baggage.clone().map(AttachedBaggage::new);
                work()
            }
            Self::Http(exchange, _) | Self::Grpc(exchange, _) => exchange.run(work),
        }
    }

    /// Records the head of the response, and returns how many bytes follow it, if it says so.
    pub(super) fn respond(&mut self, head: &response::Parts) -> Option<u64> {
        match self {
            Self::Passing(..) => None,
            Self::Http(exchange, method) => {
                let status = head.status;
                exchange.set(key::HTTP_RESPONSE_STATUS_CODE, status.as_u16());
                exchange.label(key::HTTP_RESPONSE_STATUS_CODE, status.as_str().to_owned());
                // 4xx is the client's mistake ("HTTP spans", "Status").
                if status.is_server_error() {
                    exchange.fail(status.as_str().to_owned());
                }
                length(method, head)
            }
            Self::Grpc(exchange, side) => {
                if *side == Side::Client {
                    *side = Side::ClientWith(of_http(head.status));
                }
                // A response without messages has its trailers in the head.
                grpc_status(exchange, side, &head.headers);
                None
            }
        }
    }

    /// Records the trailers, which follow the body.
    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Self::Grpc(exchange, side) = self {
            grpc_status(exchange, side, trailers);
        }
    }

    /// Records that the service, or the body of its response, returned an error of type `E`.
    pub(super) fn fail<E>(&mut self) {
        if let Some(exchange) = self.exchange() {
            exchange.fail_with(core::any::type_name::<E>(), None);
        }
    }

    /// Ends the exchange in good order; one that is dropped without this was cancelled.
    pub(super) fn end(&mut self) {
        if let Self::Grpc(exchange, Side::ClientWith(status)) = self {
            exchange.set(key::RPC_RESPONSE_STATUS_CODE, *status);
            exchange.label(key::RPC_RESPONSE_STATUS_CODE, *status);
            exchange.fail(*status);
        }
        if let Some(exchange) = self.exchange() {
            exchange.end();
        }
    }
}

/// Returns how many bytes follow a response's head, if it says so. Where nobody reads a body there
/// are none.
///
/// (RFC 9110, sections 6.4.1 and 8.6.)
fn length(method: &Method, head: &response::Parts) -> Option<u64> {
    let status = head.status;
    if *method == Method::HEAD
        || *method == Method::CONNECT && status.is_success()
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
    {
        return Some(0);
    }
    let length = head.headers.get(::http::header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// The gRPC statuses by number, and whether each is the server's failure.
///
/// The names are from gRPC, "Status codes and their use in gRPC"; the failures from the semantic
/// conventions for gRPC, "Server", status. To a client all but OK are errors.
const GRPC: [(&str, bool); 17] = [
    ("OK", false),
    ("CANCELLED", false),
    ("UNKNOWN", true),
    ("INVALID_ARGUMENT", false),
    ("DEADLINE_EXCEEDED", true),
    ("NOT_FOUND", false),
    ("ALREADY_EXISTS", false),
    ("PERMISSION_DENIED", false),
    ("RESOURCE_EXHAUSTED", false),
    ("FAILED_PRECONDITION", false),
    ("ABORTED", false),
    ("OUT_OF_RANGE", false),
    ("UNIMPLEMENTED", true),
    ("INTERNAL", true),
    ("UNAVAILABLE", true),
    ("DATA_LOSS", true),
    ("UNAUTHENTICATED", false),
];

fn grpc_status(exchange: &mut Exchange, side: &mut Side, headers: &HeaderMap) {
    let Some(status) = headers.get("grpc-status") else {
        return;
    };
    let number = status.to_str().ok().and_then(|s| s.parse::<usize>().ok());
    // A number that has no name is treated as UNKNOWN.
    let (name, failed) = number.and_then(|n| GRPC.get(n)).copied().unwrap_or(GRPC[2]);
    exchange.set(key::RPC_RESPONSE_STATUS_CODE, name);
    exchange.label(key::RPC_RESPONSE_STATUS_CODE, name);
    let failed = match side {
        Side::Server => failed,
        Side::Client | Side::ClientWith(_) => name != "OK",
    };
    if *side != Side::Server {
        *side = Side::Client;
    } else if name == "UNIMPLEMENTED" {
        // Any path can be asked for: such are one series.
        exchange.label(key::RPC_METHOD, crate::semconv::OTHER);
    }
    if failed {
        exchange.fail(name);
    }
}

/// Returns the gRPC status that an HTTP status stands for.
///
/// Proxies mostly send such responses (gRPC, "HTTP to gRPC Status Code Mapping").
fn of_http(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "INTERNAL",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "UNIMPLEMENTED",
        429 | 502..=504 => "UNAVAILABLE",
        _ => "UNKNOWN",
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").finish_non_exhaustive()
    }
}
