//! What a StatsD server gets, over a real socket and over one that fails on purpose.

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::metrics::MetricsCollector;
use crate::statsd::Dialect;

type Result<T = ()> = std::result::Result<T, Error>;

/// Datagrams that were sent, and whether the next ones fail.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<(Vec<String>, Option<io::ErrorKind>)>>);

impl Wire {
    fn take(&self) -> Vec<String> {
        let sent = std::mem::take(&mut self.0.lock().unwrap().0);
        for datagram in &sent {
            assert!(datagram.len() <= MOST_BYTES && !datagram.ends_with('\n'));
        }
        sent
    }

    fn lines(&self) -> Vec<String> {
        let all = self.take().join("\n");
        all.lines().map(str::to_owned).collect()
    }

    fn fail(&self, error: Option<io::ErrorKind>) {
        self.0.lock().unwrap().1 = error;
    }
}

fn exporter(config: &StatsdConfig, collector: &MetricsCollector) -> (Exporter, Wire) {
    let wire = Wire::default();
    let of_exporter = wire.clone();
    let send = Box::new(move |datagram: &[u8]| {
        let mut wire = of_exporter.0.lock().unwrap();
        if let Some(error) = wire.1 {
            return Err(error.into());
        }
        wire.0.push(String::from_utf8(datagram.to_vec()).unwrap());
        Ok(())
    });
    let resource = [
        ("service.name".into(), "shop|1".into()),
        ("deployment.environment.name".into(), "prod".into()),
    ];
    let source = Arc::new(collector.clone());
    (Exporter::new(config, &resource, source, send), wire)
}

fn tagged() -> StatsdConfig {
    StatsdConfig::new("127.0.0.1:1")
}

// bug: I14 (totals were sent again and again).
#[test]
fn counters_are_sent_as_what_is_new() -> Result {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").labels(["task"]).build()?;
    let load = rows.with(["load"])?;
    load.add(3);
    collector.counter("cost").unit("USD").build()?.add(0.25);
    let (mut exporter, wire) = exporter(&tagged(), &collector);
    exporter.export();
    let tags = "env:prod,service:shop_1";
    assert_eq!(
        wire.take(),
        [format!("cost:0.25|c|#{tags}\nrows:3|c|#{tags},task:load")]
    );
    // Nothing new is nothing to send.
    exporter.export();
    assert!(wire.take().is_empty());
    load.add(4);
    exporter.export();
    assert_eq!(wire.lines(), [format!("rows:4|c|#{tags},task:load")]);
    let stats = exporter.counters.snapshot();
    assert_eq!((stats.taken, stats.exported, stats.in_flight), (3, 3, 0));
    Ok(())
}

#[test]
fn a_counter_that_began_again_is_new_altogether() {
    let mut deltas = Deltas::default();
    let series: Series = ("c".into(), Arc::new([]));
    let total = |sum, count| Total { sum, count };
    deltas.settle(series.clone(), total(Number::U64(u64::MAX - 1), 0));
    assert_eq!(
        deltas.counter(&series, Number::U64(u64::MAX)),
        Number::U64(1)
    );
    assert_eq!(deltas.counter(&series, Number::U64(7)), Number::U64(7));
    deltas.settle(series.clone(), total(Number::F64(4.0), 2));
    // Negative values make a sum smaller.
    assert_eq!(deltas.histogram(&series, 1.0, 3), (-3.0, 1));
    assert_eq!(deltas.histogram(&series, 1.0, 1), (1.0, 1));
}

// bug: I13, I14 (histograms were dropped, or sent as one timing).
#[test]
fn gauges_and_histograms() -> Result {
    let collector = MetricsCollector::new();
    let depth = collector.gauge("a.depth").build()?;
    depth.set(-2.5);
    collector.up_down_counter("b.active").build()?.add(2);
    let wait = collector.histogram("c.wait").unit("s").build()?;
    wait.observe(0.5);
    wait.observe(0.25);
    collector.gauge("d.strange").build()?.set(f64::NAN);
    let config = tagged().dialect(Dialect::Plain).prefix("my shop");
    let (mut exporter, wire) = exporter(&config, &collector);
    exporter.export();
    assert_eq!(
        wire.lines(),
        [
            "my_shop.a.depth:0|g",
            "my_shop.a.depth:-2.5|g",
            "my_shop.b.active:2|g",
            "my_shop.c.wait.count:2|c",
            "my_shop.c.wait.sum:0.75|c",
        ]
    );
    wait.observe(1);
    exporter.export();
    let lines = wire.lines();
    assert_eq!(
        lines[3..],
        ["my_shop.c.wait.count:1|c", "my_shop.c.wait.sum:1|c"]
    );
    Ok(())
}

#[test]
fn exponential_histograms_and_summaries_are_sums_and_counts_too() -> Result {
    let collector = MetricsCollector::new();
    let size = collector.histogram("a.size").exponential().build()?;
    let wait = collector.summary("b.wait").labels(["q"]).build()?;
    let config = tagged().dialect(Dialect::Plain);
    let (mut exporter, wire) = exporter(&config, &collector);
    for round in 1..=2_u64 {
        for value in [1.5, -0.5] {
            size.observe(value);
            wait.with(["x"])?.observe(value * round as f64);
        }
        exporter.export();
        let sum = format!("b.wait.sum.q.x:{round}|c");
        let lines = [
            "a.size.count:2|c",
            "a.size.sum:1|c",
            "b.wait.count.q.x:2|c",
            &sum,
        ];
        // Nothing of it is sent twice, whatever is known of the buckets.
        assert_eq!(wire.lines(), lines);
    }
    Ok(())
}

// bug: I14 (tags were not escaped).
#[test]
fn nothing_in_a_label_breaks_a_line() -> Result {
    let hostile = "a|b,c\nd:e#f.g é";
    let collector = MetricsCollector::new();
    let rows = collector.counter("x/rows").labels(["k"]).build()?;
    rows.with([hostile])?.add(1);
    let (mut exporter1, wire) = exporter(&tagged(), &collector);
    exporter1.export();
    assert_eq!(
        wire.lines(),
        ["x_rows:1|c|#env:prod,service:shop_1,k:a_b_c_d:e_f.g é"]
    );
    let (mut exporter2, wire) = exporter(&tagged().dialect(Dialect::Plain), &collector);
    exporter2.export();
    assert_eq!(wire.lines(), ["x_rows.k.a_b_c_d_e_f_g__:1|c"]);
    Ok(())
}

// bug: I14 (a datagram for each series).
#[test]
fn many_lines_share_a_datagram_and_a_line_too_long_is_counted() -> Result {
    let collector = MetricsCollector::new();
    let rows = collector
        .counter("rows")
        .labels(["task"])
        .max_label_values(201);
    let rows = rows.build()?;
    for task in 0..200 {
        rows.with([format!("task-{task}")])?.add(1);
    }
    rows.with(["x".repeat(2_000)])?.add(1);
    let (mut exporter, wire) = exporter(&tagged(), &collector);
    exporter.export();
    let datagrams = wire.take();
    assert_eq!(
        datagrams.iter().map(|d| d.lines().count()).sum::<usize>(),
        200
    );
    assert!((2..20).contains(&datagrams.len()), "{}", datagrams.len());
    let stats = exporter.counters.snapshot();
    assert_eq!(
        (stats.taken, stats.exported, stats.in_flight),
        (201, 200, 0)
    );
    assert_eq!(stats.dropped, [(DropReason::TooLarge, 1)]);
    Ok(())
}

#[test]
fn what_could_not_be_sent_is_counted_and_comes_later() -> Result {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").build()?;
    rows.add(3);
    let (mut exporter, wire) = exporter(&tagged(), &collector);
    wire.fail(Some(io::ErrorKind::ConnectionRefused));
    exporter.export();
    rows.add(2);
    wire.fail(Some(io::ErrorKind::WouldBlock));
    exporter.export();
    wire.fail(None);
    exporter.export();
    assert_eq!(wire.lines(), ["rows:5|c|#env:prod,service:shop_1"]);
    let stats = exporter.counters.snapshot();
    assert_eq!((stats.taken, stats.exported, stats.in_flight), (3, 1, 0));
    assert_eq!(
        stats.dropped,
        [(DropReason::QueueFull, 1), (DropReason::Unreachable, 1)]
    );
    Ok(())
}

#[test]
fn a_real_socket_gets_a_flush_and_the_last_values() -> Result {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    // Nothing here takes so long; a lost datagram must not hang the test.
    server
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a timeout");
    let receive = || {
        let mut buffer = [0; 2048];
        let len = server.recv(&mut buffer).expect("a datagram");
        String::from_utf8(buffer[..len].to_vec()).expect("UTF-8")
    };
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").build()?;
    rows.add(3);
    let addr = server.local_addr().expect("bound").to_string();
    let config = StatsdConfig::new(addr).interval(Duration::from_secs(3600));
    let pusher = StatsdPusher::start(&config, &[], Arc::new(collector.clone()))?;
    pusher.flush()(Instant::now())?;
    assert_eq!(receive(), "rows:3|c");
    rows.add(1);
    pusher.shutdown();
    assert_eq!(receive(), "rows:1|c");
    drop(pusher);

    // The thread sends as well, without being asked.
    let config = config.interval(Duration::from_millis(10));
    let pusher = StatsdPusher::start(&config, &[], Arc::new(collector))?;
    assert_eq!(receive(), "rows:4|c");
    drop(pusher);
    Ok(())
}

// bug: I40 (an error of the exporter reached the program).
#[test]
fn a_dead_server_hinders_nobody() -> Result {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let addr = socket.local_addr().expect("bound").to_string();
    drop(socket);
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").build()?;
    let config = StatsdConfig::new(addr).interval(Duration::from_secs(3600));
    let pusher = StatsdPusher::start(&config, &[], Arc::new(collector))?;
    // The system may need a moment to say that nobody listens.
    let stats = loop {
        rows.add(1);
        pusher.flush()(Instant::now())?;
        let stats = pusher.stats().snapshot();
        if stats.dropped_total() > 0 {
            break stats;
        }
    };
    assert_eq!(stats.dropped[0].0, DropReason::Unreachable);
    assert_eq!(stats.taken, stats.exported + stats.dropped_total());
    assert_eq!(stats.in_flight, 0);
    pusher.shutdown();
    Ok(())
}

#[test]
fn a_server_that_cannot_be_is_named() {
    let start = |addr: &str| {
        let source = Arc::new(MetricsCollector::new());
        StatsdPusher::start(&StatsdConfig::new(addr), &[], source)
    };
    for addr in ["localhost", "127.0.0.1:99999", ""] {
        let error = start(addr).err().expect("no address");
        assert!(
            error.is_config() && error.to_string().contains(&format!("{addr:?}")),
            "{error}"
        );
    }
}
