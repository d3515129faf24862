//! Annotated functions as a StatsD server sees them.

use std::collections::HashSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use obs_runtime::statsd::StatsdConfig;
use obs_runtime::{Observability, traced};

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

// One test: there is one default for the process.
#[test]
fn a_statsd_server_gets_calls_and_instruments() -> Result {
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
            "shop.function.calls:2|c|#env:ci,service:statsd-test,function:works,module:statsd,result:ok",
            "shop.function.calls.duration.count:2|c|#env:ci,service:statsd-test,function:works,module:statsd",
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
            "shop.function.calls:1|c|#env:ci,service:statsd-test,function:works,module:statsd,result:ok",
        ],
    )
}
