//! Annotated functions as a StatsD server sees them.

use std::collections::HashSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use obs_runtime::exporter::statsd::{HistogramForm, StatsdConfig};
use obs_runtime::{Observability, stats::DropReason, traced};
use obs_tests::own_process;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[traced]
fn works() {}

/// Reads lines until all of `wanted` have come.
fn receive(server: &UdpSocket, wanted: &[&str]) -> Result {
    let mut missing: HashSet<&str> = wanted.iter().copied().collect();
    let mut seen = String::new();
    let mut buffer = [0; 2048];
    while !missing.is_empty() {
        let len = server
            .recv(&mut buffer)
            .map_err(|e| format!("{e}: {missing:?} did not come:\n{seen}"))?;
        assert!(len <= 1432, "{len} bytes");
        let text = std::str::from_utf8(&buffer[..len])?;
        for line in text.lines() {
            missing.remove(line);
        }
        seen.push_str(text);
        seen.push('\n');
    }
    Ok(())
}

#[test]
fn statsd_servers_get_calls_and_instruments() -> Result {
    own_process!();
    over_udp()?;
    a_server_that_is_gone_is_a_problem()?;
    #[cfg(unix)]
    over_a_unix_socket()?;
    Ok(())
}

fn over_udp() -> Result {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    // Nothing here takes so long; a lost datagram must not hang the test.
    server.set_read_timeout(Some(Duration::from_secs(60)))?;
    let config = StatsdConfig::new(server.local_addr()?.to_string()).prefix("shop");
    let obs = Observability::builder()
        .service_name("statsd-test")
        .environment("ci")
        .statsd_with(config.interval(Duration::from_secs(3600)))
        .strict(true)
        .install()?;
    let orders = obs.metrics().counter("orders").labels(["by"]).build()?;
    orders.with(["card, or cash"])?.add(2);
    works();
    works();
    obs.force_flush()?;
    receive(
        &server,
        &[
            "shop.orders:2|c|#env:ci,service:statsd-test,by:card_ or cash",
            "shop.function.calls:2|c|#env:ci,service:statsd-test,function:works,module:metrics::statsd,result:ok",
            "shop.function.calls.duration.count:2|c|#env:ci,service:statsd-test,function:works,module:metrics::statsd",
            "shop.obs.spans.recorded:2|c|#env:ci,service:statsd-test",
        ],
    )?;
    let stats = obs.stats();
    assert_eq!(stats.metrics[0].name, "statsd");
    assert_eq!(stats.dropped_total(), 0, "{stats:?}");
    // What happens last is sent by the end.
    works();
    obs.shutdown()?;
    receive(
        &server,
        &[
            "shop.function.calls:1|c|#env:ci,service:statsd-test,function:works,module:metrics::statsd,result:ok",
        ],
    )
}

fn a_server_that_is_gone_is_a_problem() -> Result {
    let name = format!("{}.invalid:8125", "x".repeat(64));
    let config = StatsdConfig::new(&name).interval(Duration::from_secs(3600));
    // The program starts all the same: names come and go.
    let builder = Observability::builder().statsd_with(config).strict(true);
    let obs = builder.install()?;
    assert!(obs.health().is_ok(), "{:?}", obs.health());
    works();
    obs.force_flush()?;
    let health = obs.health();
    assert!(
        health
            .problems
            .iter()
            .any(|p| p.starts_with("statsd: ") && p.contains(&name)),
        "{health:?}"
    );
    let stats = obs.stats();
    assert_eq!(stats.metrics[0].dropped.len(), 1);
    assert_eq!(stats.metrics[0].dropped[0].0, DropReason::Unreachable);
    let account = obs.collect_metrics();
    let dropped = account
        .iter()
        .find(|f| f.name == "obs.dropped")
        .expect("obs.dropped");
    assert!(
        format!("{dropped:?}").contains("unreachable"),
        "{dropped:?}"
    );
    obs.shutdown()?;
    Ok(())
}

#[cfg(unix)]
fn over_a_unix_socket() -> Result {
    let folder = std::env::temp_dir().join(format!("obs-statsd-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("dsd.socket");
    let server = std::os::unix::net::UnixDatagram::bind(&path)?;
    server.set_read_timeout(Some(Duration::from_secs(60)))?;
    let config = StatsdConfig::new(format!("unix://{}", path.display()));
    let config = config.histograms(HistogramForm::Distribution);
    let obs = Observability::builder()
        .service_name("statsd-unix")
        .statsd_with(config.interval(Duration::from_secs(3600)))
        .strict(true)
        .install()?;
    for _ in 0..3 {
        works();
    }
    obs.shutdown()?;
    let mut buffer = [0; 8192];
    let mut calls = 0;
    // Very short calls share a bucket, or a few.
    while calls < 3 {
        let len = server.recv(&mut buffer)?;
        let text = std::str::from_utf8(&buffer[..len])?;
        for line in text.lines() {
            let tags = "|#service:statsd-unix,function:works,module:metrics::statsd";
            let line = line.strip_suffix(tags).unwrap_or_default();
            if let Some(value) = line.strip_prefix("function.calls.duration:") {
                let (_, rate) = value.split_once("|d").ok_or("a distribution")?;
                let rate = rate.strip_prefix("|@").map_or(Ok(1.0), str::parse::<f64>)?;
                calls += (1.0 / rate) as u32;
            }
        }
    }
    assert_eq!(calls, 3);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
