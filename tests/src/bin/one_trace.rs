//! A service and its client that trace in every way at once: `#[traced]`, `tracing`, OpenTelemetry's API, and the
//! requests between them. For `tests/programs/one_trace.rs`; where the spans go, the environment says.
//!
//! `one_trace server` prints its port and ends with its standard input; `one_trace client PORT` asks it.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Path, State};
use axum::routing::get;
use futures_util::stream;
use obs_runtime::{
    Error, Instrument as _, Observability,
    propagation::{self, Baggage},
    traced,
};
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, global};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::net::TcpListener;
use tracing_subscriber::prelude::*;

/// What goes wrong does so in the test.
type Result<T> = std::result::Result<T, Box<dyn core::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let role = arguments.next().unwrap_or_default();
    let obs = install(&role)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match arguments.next() {
        Some(port) => runtime.block_on(checkout(port.parse()?))?,
        None => runtime.block_on(serve())?,
    }
    obs.shutdown()?;
    Ok(())
}

fn install(role: &str) -> std::result::Result<Observability, Error> {
    tracing_subscriber::registry()
        .with(obs_runtime::interop::tracing::layer())
        .init();
    Observability::builder()
        .service_name(role.to_owned())
        .opentelemetry(true)
        .install()
}

fn client() -> ClientWithMiddleware {
    let plain = obs_tests::http_client::client();
    let middleware = obs_runtime::interop::reqwest::middleware().baggage_to(["127.0.0.1"]);
    ClientBuilder::new(plain).with(middleware).build()
}

/// The client's side.
#[traced(err = false)]
async fn checkout(port: u16) -> Result<()> {
    let prepare = async {
        let reserve = global::tracer("otel").start("otel.reserve");
        let reserve = Context::current_with_span(reserve);
        let order = async {
            let request = client().get(format!("http://127.0.0.1:{port}/orders/7"));
            let request = Baggage::from_header("tenant=7").scope(request.send());
            let text = request.await?.text().await?;
            assert_eq!(text, "tenant 7, stock of 7: 3; end");
            Result::Ok(())
        };
        order.with_context(reserve).await
    };
    let span = tracing::info_span!("tracing.prepare");
    tracing::Instrument::instrument(prepare, span).await?;
    plain(port).await
}

/// A client that makes no span.
#[traced(err = false)]
async fn plain(port: u16) -> Result<()> {
    let mut headers = reqwest::header::HeaderMap::new();
    propagation::inject_current(&mut headers);
    let client = obs_tests::http_client::client();
    let request = client
        .get(format!("http://127.0.0.1:{port}/stock/8"))
        .headers(headers);
    request.send().await?.error_for_status()?;
    Ok(())
}

/// The server's side, until standard input ends.
async fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .route("/stock/{id}", get(stock))
        .layer(obs_runtime::interop::tower::layer().route_from(MatchedPath::as_str))
        .with_state(port);
    println!("{port}");
    let ended = || async {
        let read = tokio::task::spawn_blocking(|| {
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink())
        });
        let _ = read.await;
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(ended())
        .await?;
    Ok(())
}

#[traced]
async fn order(State(port): State<u16>, Path(id): Path<u32>) -> Body {
    tracing::info_span!("tracing.load").in_scope(|| {
        global::tracer("otel").in_span("otel.query", |_| price(id));
    });
    let audited = tokio::spawn(audit(id).in_current_span());
    let stock = ask_stock(port, id)
        .await
        .unwrap_or_else(|error| error.to_string());
    let _ = audited.await;
    let tenant = Baggage::current()
        .get("tenant")
        .unwrap_or("nobody")
        .to_owned();
    // While the response streams, the span of the request is the context.
    let chunks = stream::iter([format!("tenant {tenant}, "), stock, "; end".to_owned()]);
    Body::from_stream(futures_util::StreamExt::map(chunks, |text| {
        Ok::<_, std::convert::Infallible>(chunk(text))
    }))
}

#[traced]
fn chunk(text: String) -> Bytes {
    text.into()
}

#[traced]
fn price(id: u32) -> u32 {
    tracing::info!(id, "priced");
    id
}

#[traced]
async fn audit(id: u32) {
    tokio::task::yield_now().await;
    tracing::info!(id, "audited");
}

/// Another request, of the service to itself.
#[traced(err = false)]
async fn ask_stock(port: u16, id: u32) -> Result<String> {
    let request = client().get(format!("http://127.0.0.1:{port}/stock/{id}"));
    Ok(request.send().await?.text().await?)
}

#[traced]
async fn stock(Path(id): Path<u32>) -> String {
    format!("stock of {id}: 3")
}
