//! obs with its OTLP exporter, defaults throughout.

use obs_runtime::exporter::otlp::{OtlpConfig, Protocol};
use obs_runtime::{Observability, traced};

use crate::client::{Client, SPANS};

pub fn http(url: &str) -> Result<Client, String> {
    install(url, Protocol::HttpProtobuf)
}

pub fn grpc(url: &str) -> Result<Client, String> {
    install(url, Protocol::Grpc)
}

fn install(url: &str, protocol: Protocol) -> Result<Client, String> {
    let obs = Observability::builder()
        .service_name("benches")
        .otlp_with(OtlpConfig::new(url).protocol(protocol))
        .install()
        .map_err(|e| e.to_string())?;
    let finish = Box::new(move || {
        if let Err(e) = obs.shutdown() {
            eprintln!("obs: {e}");
        }
    });
    Ok(Client { trace: job, finish })
}

#[traced]
fn job(i: u64) {
    for n in 1..SPANS {
        step(i + n, "acme");
    }
}

#[traced(fields(x, tenant))]
fn step(x: u64, tenant: &str) {
    std::hint::black_box(x);
}
