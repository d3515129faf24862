//! A small service that sends what it does to an OTLP receiver, for `tests/backends/otlp.rs`.
//!
//! `otlp_program ENDPOINT http|grpc`; with no arguments the environment (`OTEL_EXPORTER_OTLP_*`) decides.

use std::process::ExitCode;

use futures_util::future;
use obs_runtime::exporter::otlp::{OtlpConfig, Protocol};
use obs_runtime::{Error, Observability, SpanContext, current, traced};

/// Spans of one kind, more than a request or a buffer chunk holds.
const MANY: u32 = 20_000;

#[derive(Debug)]
struct OutOfStock;

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("item is out of stock")
    }
}

impl std::error::Error for OutOfStock {}

#[traced]
async fn handle_order() {
    let (stock, price) = future::join(check_stock(7), price("EUR")).await;
    // Both outcomes are the test's subject; the service goes on either way.
    let _ = (stock, price);
    bill();
    tracing::info_span!("audit", user = "ada").in_scope(|| {
        tracing::warn!(
            attempt = 2,
            api_key = "12345678",
            "audited, password=hunter2"
        );
    });
    let context = SpanContext::current();
    let worker = std::thread::spawn(move || {
        let _entered = context.as_ref().map(SpanContext::attach);
        ship();
    });
    // A panic of the worker is what the test looks for.
    let _ = worker.join();
    for n in 0..MANY {
        leaf(n);
    }
}

#[traced(fields(item))]
async fn check_stock(item: u32) -> Result<u32, OutOfStock> {
    tokio::task::yield_now().await;
    if item > 5 { Err(OutOfStock) } else { Ok(item) }
}

#[traced(
    name = "GET /price",
    kind = "client",
    fields(
        currency,
        cached = false,
        ratio = 0.5,
        text = "a text that is longer than any inline buffer"
    )
)]
async fn price(currency: &str) -> f64 {
    tokio::task::yield_now().await;
    parse_price();
    9.5
}

#[traced]
fn parse_price() {
    current::add_event("parsed");
    current::set_attribute("price.cents", 950_i64);
}

#[traced]
fn bill() {
    if let Some(context) = SpanContext::current() {
        current::add_link(context);
    }
}

#[traced]
fn ship() {
    panic!("the shelf is empty");
}

#[traced(fields(n))]
fn leaf(n: u32) {
    std::hint::black_box(n);
}

fn start(args: &[String]) -> Result<Observability, Error> {
    let builder = Observability::builder();
    match args {
        [endpoint, protocol] => builder
            .service_name("otlp_program")
            .service_version("1.2.3")
            .otlp_with(OtlpConfig::new(endpoint).protocol(match protocol.as_str() {
                "grpc" => Protocol::Grpc,
                _ => Protocol::HttpProtobuf,
            }))
            .install(),
        _ => builder.install(),
    }
}

async fn run(obs: Observability) -> Result<(), Error> {
    let orders = obs.metrics().counter("orders").labels(["shop"]).build()?;
    orders.with(["Oslo"])?.add(3u64);
    handle_order().await;
    obs.shutdown()
}

#[tokio::main]
#[expect(
    clippy::print_stderr,
    reason = "the test shows it when the program fails"
)]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Err(e) = obs_runtime::interop::tracing::init() {
        eprintln!("otlp_program: {e}");
    }
    // The panic of `ship` is expected; its message would look like a failure of the test.
    std::panic::set_hook(Box::new(|_| {}));
    let result = match start(&args) {
        Ok(obs) => run(obs).await,
        Err(e) => Err(e),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("otlp_program: {e}");
            ExitCode::FAILURE
        }
    }
}
