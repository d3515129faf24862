//! The end of an exchange: what the service says, in the head of its response and behind the body.

use core::fmt;
use std::sync::Arc;

use ::http::{HeaderMap, Method, StatusCode, response};

use crate::propagation::{AttachedBaggage, Baggage};
use crate::requests::Exchange;
use crate::semconv::attribute as key;
use crate::trace::SpanContext;

/// A request that is served.
pub(super) struct Serving {
    state: State,
}

enum State {
    /// Nothing is recorded of it; what it does belongs to its caller.
    Passing(Option<SpanContext>, Option<Arc<Baggage>>),
    // In boxes: the exchange moves from the future to the body.
    Http(Box<Exchange>, Method),
    Grpc(Box<Exchange>, Side),
}

/// Who records a call, and so which statuses are errors.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Side {
    Server,
    Client,
    /// A client whose response says no status by itself, so far; this is what its head stands for.
    ClientWith(&'static str),
}

/// What is left to do after the head of a response.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Rest {
    /// The body, until it says that it is at its end.
    Body,
    /// As many bytes.
    Bytes(u64),
    Nothing,
}

impl Serving {
    /// Nothing is left of it.
    pub(super) fn over() -> Self {
        Self::passing(None)
    }

    /// A request that is not recorded.
    pub(super) fn passing(caller: Option<SpanContext>) -> Self {
        Self {
            state: State::Passing(caller, None),
        }
    }

    pub(super) fn http(exchange: Exchange, method: Method) -> Self {
        Self {
            state: State::Http(Box::new(exchange), method),
        }
    }

    pub(super) fn grpc(exchange: Exchange, side: Side) -> Self {
        Self {
            state: State::Grpc(Box::new(exchange), side),
        }
    }

    fn exchange(&mut self) -> Option<&mut Exchange> {
        match &mut self.state {
            State::Passing(..) => None,
            State::Http(exchange, _) | State::Grpc(exchange, _) => Some(exchange),
        }
    }

    /// Baggage for those who work on it.
    pub(super) fn carry(&mut self, baggage: &Baggage) {
        if baggage.is_empty() {
            return;
        }
        let given = Arc::new(baggage.clone());
        match &mut self.state {
            State::Passing(_, baggage) => *baggage = Some(given),
            State::Http(exchange, _) | State::Grpc(exchange, _) => exchange.carry(given),
        }
    }

    /// Works on it, inside of its span.
    pub(super) fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        if let State::Passing(caller, baggage) = &self.state {
            let _inside = caller.as_ref().map(SpanContext::attach);
            let _baggage = baggage.clone().map(AttachedBaggage::new);
            return work();
        }
        match self.exchange() {
            Some(exchange) => exchange.run(work),
            None => work(),
        }
    }

    /// The head of the response is there.
    pub(super) fn respond(&mut self, head: &response::Parts) -> Rest {
        match &mut self.state {
            State::Passing(..) => Rest::Body,
            State::Http(exchange, method) => {
                let status = head.status;
                exchange.set(key::HTTP_RESPONSE_STATUS_CODE, status.as_u16());
                exchange.label(key::HTTP_RESPONSE_STATUS_CODE, status.as_str().to_owned());
                // 4xx is the client's mistake ("HTTP spans", "Status").
                if status.is_server_error() {
                    exchange.fail(status.as_str().to_owned());
                }
                rest(method, head)
            }
            State::Grpc(exchange, side) => {
                if *side == Side::Client {
                    *side = Side::ClientWith(of_http(head.status));
                }
                // A response without messages has its trailers in the head.
                grpc_status(exchange, side, &head.headers);
                Rest::Body
            }
        }
    }

    /// What stands behind the body.
    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        if let State::Grpc(exchange, side) = &mut self.state {
            grpc_status(exchange, side, trailers);
        }
    }

    /// The service, or the body of its response, gave an error of this type.
    pub(super) fn fail<E>(&mut self) {
        if let Some(exchange) = self.exchange() {
            exchange.fail_with(core::any::type_name::<E>(), None);
        }
    }

    /// Everything was said.
    pub(super) fn end(&mut self) {
        if let State::Grpc(exchange, Side::ClientWith(status)) = &mut self.state {
            exchange.set(key::RPC_RESPONSE_STATUS_CODE, *status);
            exchange.label(key::RPC_RESPONSE_STATUS_CODE, *status);
            exchange.fail(*status);
        }
        if let Some(exchange) = self.exchange() {
            exchange.end();
        }
    }
}

/// Responses whose body nobody reads, and the length of the others (RFC 9110, sections 6.4.1 and 8.6).
fn rest(method: &Method, head: &response::Parts) -> Rest {
    let status = head.status;
    if *method == Method::HEAD
        || *method == Method::CONNECT && status.is_success()
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
    {
        return Rest::Nothing;
    }
    let length = head.headers.get(::http::header::CONTENT_LENGTH);
    match length.and_then(|length| length.to_str().ok()?.parse().ok()) {
        Some(0) => Rest::Nothing,
        Some(bytes) => Rest::Bytes(bytes),
        None => Rest::Body,
    }
}

/// By number (gRPC, "Status codes and their use in gRPC"), and whether it is the server's failure (semantic
/// conventions for gRPC, "Server", status; to a client all but OK are errors).
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
    // A number that has no name is as good as UNKNOWN.
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

/// The status of a response that says none: of a proxy, mostly (gRPC, "HTTP to gRPC Status Code Mapping").
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
