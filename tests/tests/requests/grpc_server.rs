//! A server of tonic with the layer of obs, asked by a client of tonic, with its layer and without.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use futures_util::future::BoxFuture;
use obs_runtime::{
    Observability, SpanKind,
    trace::{Outcome, SpanRecord},
    traced,
};
use obs_tests::cases::text_of;
use obs_tests::exporters::Kept;
use obs_tests::http::CALLER;
use obs_tests::own_process;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::server::{TcpConnectInfo, TcpIncoming};
use tonic::transport::{Endpoint, Server};
use tower::Layer as _;

/// Messages are texts.
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        use bytes::BufMut as _;

        out.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, input: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        use bytes::Buf as _;

        let bytes = input.copy_to_bytes(input.remaining());
        Ok(String::from_utf8(bytes.into()).ok())
    }
}

#[traced(err = false)]
async fn place(order: String) -> Result<String, Status> {
    tokio::task::yield_now().await;
    match order.as_str() {
        "none" => Err(Status::not_found("no such order")),
        "broken" => Err(Status::internal("the store is gone")),
        _ => Ok(format!("placed {order}")),
    }
}

/// What a generated server does.
#[derive(Clone)]
struct Orders;

impl tower::Service<Request<Body>> for Orders {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() != "/shop.Orders/Place" {
                return Ok(Status::unimplemented("no such method").into_http());
            }
            let handler = tower::service_fn(|request: tonic::Request<String>| async move {
                place(request.into_inner()).await.map(tonic::Response::new)
            });
            Ok(tonic::server::Grpc::new(Text).unary(handler, request).await)
        })
    }
}

async fn ask<S>(
    channel: S,
    path: &'static str,
    order: &str,
    caller: Option<&str>,
) -> Result<String, Status>
where
    S: GrpcService<Body>,
    S::ResponseBody: axum::body::HttpBody<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as axum::body::HttpBody>::Error:
        Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    S::Error: std::fmt::Debug,
{
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let mut request = tonic::Request::new(order.to_owned());
    if let Some(caller) = caller {
        let metadata = request.metadata_mut();
        metadata.insert("traceparent", caller.parse().unwrap());
    }
    let answer = client.unary(
        request,
        axum::http::uri::PathAndQuery::from_static(path),
        Text,
    );
    answer.await.map(tonic::Response::into_inner)
}

/// A client with the layer of obs.
#[traced]
async fn order(endpoint: &Endpoint, order: &str) -> Result<String, Status> {
    let port = endpoint.uri().port_u16().unwrap();
    let channel = obs_runtime::interop::tower::grpc_client()
        .server("orders.internal", port)
        .layer(endpoint.connect().await.unwrap());
    ask(channel, "/shop.Orders/Place", order, None).await
}

/// Of the calls that were made with the layer: function, client, server, handler.
fn is_one_trace(all: &[SpanRecord], served: &[&SpanRecord]) {
    let expected = [("OK", Outcome::Ok), ("NOT_FOUND", Outcome::Error)];
    assert_eq!(served.len(), expected.len());
    for (server, (status, outcome)) in served.iter().zip(expected) {
        let parent = |of: &SpanRecord| {
            let found = all.iter().find(|s| Some(s.span_id) == of.parent_id);
            found.unwrap_or_else(|| panic!("{of:?}"))
        };
        let client = parent(server);
        assert!(server.parent_is_remote);
        assert_eq!(client.kind, SpanKind::Client);
        assert_eq!(client.name, "shop.Orders/Place");
        assert_eq!(
            text_of(client.attribute("rpc.response.status_code")),
            status
        );
        assert_eq!(
            text_of(client.attribute("server.address")),
            "orders.internal"
        );
        assert_eq!(client.outcome, outcome, "{status}");
        assert_eq!(parent(client).name, "order");
    }
}

#[tokio::test]
async fn calls_are_spans_with_their_status() {
    own_process!();
    let kept = Kept::default();
    let obs = Observability::builder()
        .record_exporter(kept.clone())
        .install()
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let endpoint = Endpoint::from_shared(endpoint).unwrap();
    let server = Server::builder()
        .layer(obs_runtime::interop::tower::layer().peer_from(TcpConnectInfo::remote_addr));
    let server = server.serve_with_incoming(Orders, TcpIncoming::from(listener));
    let asked = async {
        let path = "/shop.Orders/Place";
        let channel = endpoint.connect().await.unwrap();
        let ask = |path, order| ask(channel.clone(), path, order, Some(CALLER));
        assert_eq!(ask(path, "7").await.unwrap(), "placed 7");
        let refused = ask(path, "none").await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::NotFound);
        let failed = ask(path, "broken").await.unwrap_err();
        assert_eq!(failed.code(), tonic::Code::Internal);
        let unknown = ask("/shop.Orders/Drop", "7").await.unwrap_err();
        assert_eq!(unknown.code(), tonic::Code::Unimplemented);
        assert_eq!(order(&endpoint, "8").await.unwrap(), "placed 8");
        let refused = order(&endpoint, "none").await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::NotFound);
    };
    // The server ends with the test, and whatever is not finished is dropped.
    tokio::select! {
        biased;
        () = asked => {}
        ended = server => panic!("the server ended: {ended:?}"),
    }
    obs.force_flush().unwrap();

    let all = kept.spans();
    let mut calls: Vec<_> = all.iter().filter(|s| s.kind == SpanKind::Server).collect();
    calls.sort_by_key(|span| span.start_unix_nanos);
    is_one_trace(&all, &calls.split_off(4));
    let seen: Vec<_> = calls
        .iter()
        .map(|s| {
            (
                &*s.name,
                text_of(s.attribute("rpc.response.status_code")),
                s.outcome,
            )
        })
        .collect();
    let place = "shop.Orders/Place";
    assert_eq!(
        seen,
        [
            (place, "OK", Outcome::Ok),
            (place, "NOT_FOUND", Outcome::Ok),
            (place, "INTERNAL", Outcome::Error),
            ("shop.Orders/Drop", "UNIMPLEMENTED", Outcome::Error),
        ]
    );
    for call in &calls {
        assert_eq!(call.trace_id.to_string(), CALLER[3..35]);
        assert_eq!(text_of(call.attribute("network.protocol.version")), "2");
        assert_eq!(text_of(call.attribute("server.address")), "127.0.0.1");
        assert_eq!(text_of(call.attribute("client.address")), "127.0.0.1");
        assert_eq!(text_of(call.attribute("network.peer.address")), "127.0.0.1");
    }
    let handlers: Vec<_> = all
        .iter()
        .filter(|s| s.name == "place")
        .map(|s| s.parent_id)
        .collect();
    assert_eq!(handlers.len(), 5);
    for call in &calls[..3] {
        assert!(handlers.contains(&Some(call.span_id)));
    }
    obs.shutdown().unwrap();
}
