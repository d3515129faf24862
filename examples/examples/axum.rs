//! Shows a web service: a span for each request with what its handler calls, the metrics page, and an end that loses
//! neither requests nor spans. It answers one caller, itself, and ends; with `serve` behind it, it ends with Ctrl-C.
//!
//! ```sh
//! cargo run -p obs-examples --example axum
//! cargo run -p obs-examples --example axum -- serve
//! ```
//!
//! A program of your own needs `obs-runtime` with the features `tower` and `prometheus`, and the crate `tokio` with the
//! feature `signal`.

#![allow(clippy::print_stdout, reason = "answers and metrics are the point")]

use std::error::Error;
use std::net::SocketAddr;

use axum::extract::{MatchedPath, Path};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, serve};
use obs_examples::get as curl;
use obs_runtime::{Builder, Observability, interop::tower, traced};
use tokio::net::TcpListener;

async fn order(Path(id): Path<u32>) -> Result<String, (StatusCode, &'static str)> {
    let item = load(id).map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "please try again"))?;
    Ok(format!("order {id}: {item}"))
}

async fn place(item: String) -> String {
    format!("ordered: {item}")
}

// A child of the request's span, without a word about it.
#[traced(fields(id), kind = "client")]
fn load(id: u32) -> Result<&'static str, String> {
    match id {
        7 => Err("connection refused by postgres://shop:hunter2@db.internal/orders".to_owned()),
        _ => Ok("two kettles"),
    }
}

fn setup(builder: Builder) -> Builder {
    // Port 0 is any free one.
    builder.console(true).prometheus(([127, 0, 0, 1], 0))
}

// The server waits for the signals itself: it finishes its requests, `main` returns, and what was recorded until then
// is sent. The macro sees `with_graceful_shutdown` in the body and leaves the signals to it; where it cannot see such a
// word, `signals = false` says so.
#[obs_runtime::main(service = "shop", setup = setup)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    // The route names the spans and is a label; the path is neither, so both stay few.
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .route("/orders", post(place))
        .layer(tower::layer().route_from(MatchedPath::as_str));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    println!("listening at http://{address}");
    if std::env::args().nth(1).as_deref() == Some("serve") {
        serve(listener, app)
            .with_graceful_shutdown(stopped())
            .await?;
        println!("stopped");
    } else {
        let caller = tokio::spawn(call(address));
        let (ends, ended) = tokio::sync::oneshot::channel::<()>();
        let server = serve(listener, app).with_graceful_shutdown(async {
            let _ = ended.await;
        });
        let server = tokio::spawn(server.into_future());
        caller.await??;
        drop(ends);
        server.await??;
    }
    Ok(())
}

/// Waits for Ctrl-C, and on Unix for the signal by which service managers end a program.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// What somebody else does: two requests, and a look at the metrics.
async fn call(address: SocketAddr) -> Result<(), Box<dyn Error + Send + Sync>> {
    for id in [4, 7] {
        let answer = curl(&format!("http://{address}/orders/{id}")).await?;
        println!("GET /orders/{id} answers {answer:?}");
    }
    let obs = Observability::current().ok_or("nothing is recorded")?;
    let metrics = obs.prometheus_addr().ok_or("no port could be opened")?;
    let page = curl(&format!("http://{metrics}/metrics")).await?;
    for line in page.lines().filter(|line| line.contains("http_server")) {
        if !line.contains("_bucket") {
            println!("{line}");
        }
    }
    Ok(())
}
