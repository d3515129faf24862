//! A process that does not switch obs on: its requests pass, with what they carry.

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::http::{HeaderMap, Request};
use axum::routing::get;
use obs_runtime::{
    propagation::{self, Baggage, RemoteContext},
    traced,
};
use obs_tests::http::CALLER;
use obs_tests::own_process;
use reqwest_middleware::ClientBuilder;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// Asks another server, and says what that was sent.
#[traced]
async fn relay(
    Extension(caller): Extension<RemoteContext>,
    Extension(url): Extension<String>,
) -> String {
    assert_eq!(caller.baggage().get("tenant"), Some("7"));
    assert_eq!(Baggage::current().get("tenant"), Some("7"));
    let plain = obs_tests::http_client::client();
    let middleware = obs_runtime::interop::reqwest::middleware().baggage_to(["127.0.0.1"]);
    let client = ClientBuilder::new(plain).with(middleware).build();
    client.get(url).send().await.unwrap().text().await.unwrap()
}

async fn show(headers: HeaderMap) -> String {
    let caller = propagation::extract(&headers);
    let traceparent = caller
        .context()
        .map(obs_runtime::SpanContext::to_traceparent);
    format!("{traceparent:?} {}", caller.baggage())
}

#[tokio::test]
async fn the_caller_goes_on_to_whom_the_handler_asks() {
    own_process!();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/show", listener.local_addr().unwrap());
    let app = Router::new().route("/show", get(show));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let app = Router::new().route("/relay", get(relay));
    let app = app
        .layer(obs_runtime::interop::tower::layer())
        .layer(Extension(url));
    let request = Request::get("/relay").header("traceparent", CALLER);
    let request = request
        .header("baggage", "tenant=7")
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 4096)
        .await
        .unwrap();
    assert_eq!(body, format!("Some({CALLER:?}) tenant=7"));
}
