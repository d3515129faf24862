//! Shows a web service: a span for each request with what its handler calls, and the metrics page.
//! It answers one caller, itself, and ends.
//!
//! ```sh
//! cargo run -p obs-examples --example axum
//! ```
//!
//! A program of your own needs `obs-runtime` with the features `tower` and `prometheus`, and the crate `tokio`.

#![allow(clippy::print_stdout, reason = "answers and metrics are the point")]

use axum::extract::{MatchedPath, Path};
use axum::http::StatusCode;
use axum::{Router, routing::get};
use obs_examples::get as curl;
use obs_runtime::{Observability, interop::tower, traced};
use tokio::net::TcpListener;

async fn order(Path(id): Path<u32>) -> Result<String, (StatusCode, &'static str)> {
    let item = load(id).map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "please try again"))?;
    Ok(format!("order {id}: {item}"))
}

// A child of the request's span, without a word about it.
#[traced(fields(id), kind = "client")]
fn load(id: u32) -> Result<&'static str, String> {
    match id {
        7 => Err("connection refused by postgres://shop:hunter2@db.internal/orders".to_owned()),
        _ => Ok("two kettles"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Port 0 is any free one.
    let obs = Observability::builder()
        .console(true)
        .prometheus(([127, 0, 0, 1], 0))
        .install()?;
    let metrics = obs.prometheus_addr().ok_or("no port could be opened")?;

    // The route names the spans and is a label; the path is neither, so both stay few.
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .layer(tower::layer().route_from(MatchedPath::as_str));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, app).await });

    for id in [4, 7] {
        let answer = curl(&format!("http://{address}/orders/{id}")).await?;
        println!("GET /orders/{id} answers {answer:?}");
    }
    obs.force_flush()?;
    let page = curl(&format!("http://{metrics}/metrics")).await?;
    for line in page.lines().filter(|line| line.contains("http_server")) {
        if !line.contains("_bucket") {
            println!("{line}");
        }
    }
    Ok(())
}
