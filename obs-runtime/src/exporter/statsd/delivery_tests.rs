//! Datagrams, over a real socket and over one that fails on purpose: nothing twice, every loss counted.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Instant;

use proptest::prelude::*;

use super::fixtures::{LONG, Result, plain, tagged, test};
use super::*;
use crate::metrics::MetricsCollector;

// bug: I14 (a datagram for each series).
#[test]
fn many_lines_share_a_datagram_and_a_line_too_long_is_counted() -> Result {
    let test = test(&tagged());
    let rows = test
        .collector
        .counter("rows")
        .labels(["task"])
        .max_label_values(201)
        .build()?;
    for task in 0..200 {
        rows.with([format!("task-{task}")])?.add(1);
    }
    rows.with(["x".repeat(2_000)])?.add(1);
    test.export()?;
    let datagrams = test.wire.take();
    assert_eq!(
        datagrams.iter().map(|d| d.lines().count()).sum::<usize>(),
        200
    );
    assert!((2..20).contains(&datagrams.len()), "{}", datagrams.len());
    let stats = test.stats();
    assert_eq!(
        (stats.taken, stats.exported, stats.in_flight),
        (201, 200, 0)
    );
    assert_eq!(stats.dropped, [(DropReason::TooLarge, 1)]);
    Ok(())
}

// bug: I40 (an error of the exporter reached the program).
#[test]
fn what_could_not_be_sent_is_counted_and_comes_later() -> Result {
    let test = test(&tagged().quantiles([]));
    let rows = test.collector.counter("rows").build()?;
    let wait = test.collector.histogram("wait").buckets([1]).build()?;
    let causes = [
        (io::ErrorKind::ConnectionRefused, DropReason::Unreachable),
        (io::ErrorKind::WouldBlock, DropReason::QueueFull),
        (io::ErrorKind::TimedOut, DropReason::Timeout),
    ];
    for (error, _) in causes {
        rows.add(3);
        wait.observe(0.5);
        test.wire.fail(0, Some(error));
        // Nobody waits for what cannot be known.
        test.export()?;
        let problem = test.pusher.stats().problems().pop().unwrap_or_default();
        assert!(problem.contains("127.0.0.1:1: "), "{problem}");
    }
    test.wire.fail(0, None);
    test.export()?;
    assert_eq!(test.pusher.stats().problems().pop(), None);
    let tags = "env:prod,service:shop_1";
    let lines = [
        "rows:9|c",
        "wait.count:3|c",
        "wait.sum:1.5|c",
        "wait.mean:0.5|g",
    ];
    assert_eq!(
        test.wire.lines(),
        lines.map(|line| format!("{line}|#{tags}"))
    );
    let stats = test.stats();
    assert_eq!((stats.taken, stats.exported, stats.in_flight), (8, 2, 0));
    let mut reasons = causes.map(|(_, reason)| (reason, 2));
    reasons.sort_unstable();
    assert_eq!(stats.dropped, reasons);
    Ok(())
}

/// A point of several datagrams is given back whole, or not at all.
#[test]
fn what_was_sent_in_part_is_not_sent_again() -> Result {
    let test = test(&tagged().histograms(HistogramForm::Distribution));
    let bounds: Vec<u32> = (1..=100).collect();
    let wait = test.collector.histogram("wait").buckets(bounds).build()?;
    let observe = || (1..=100_u32).for_each(|value| wait.observe(value));
    let values = |lines: &[String]| lines.iter().filter(|l| l.starts_with("wait:")).count();
    for (until, sent_later) in [(0, 100), (1, 0)] {
        observe();
        test.wire
            .fail(until, Some(io::ErrorKind::ConnectionRefused));
        test.export()?;
        assert!(test.pusher.stats().problems().pop().is_some());
        assert_eq!(test.wire.take().len(), until);
        test.wire.fail(0, None);
        test.export()?;
        assert_eq!(values(&test.wire.lines()), sent_later);
    }
    observe();
    test.export()?;
    let datagrams = test.wire.take();
    assert!((2..10).contains(&datagrams.len()), "{}", datagrams.len());
    assert_eq!(
        datagrams.iter().map(|d| d.lines().count()).sum::<usize>(),
        100
    );
    Ok(())
}

#[test]
fn a_real_socket_gets_a_flush_and_the_last_values() -> Result {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    // Nothing here takes so long; a lost datagram must not hang the test.
    server.set_read_timeout(Some(LONG)).expect("a timeout");
    let receive = || {
        let mut buffer = [0; 2048];
        let len = server.recv(&mut buffer).expect("a datagram");
        String::from_utf8(buffer[..len].to_vec()).expect("UTF-8")
    };
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").build()?;
    rows.add(3);
    let addr = server.local_addr().expect("bound").to_string();
    let config = StatsdConfig::new(format!("udp://{addr}")).interval(Duration::MAX);
    let pusher = start(&config, &[], Arc::new(collector.clone()))?;
    let soon = || Instant::now() + LONG;
    pusher.flush()(soon())?;
    assert_eq!(receive(), "rows:3|c");
    rows.add(1);
    pusher.shutdown(soon())?;
    assert_eq!(receive(), "rows:1|c");

    // The thread sends as well, without being asked.
    let config = config.interval(Duration::from_millis(10));
    let pusher = start(&config, &[], Arc::new(collector))?;
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
    let config = StatsdConfig::new(addr).interval(Duration::MAX);
    let pusher = start(&config, &[], Arc::new(collector))?;
    let soon = || Instant::now() + LONG;
    // The system may need a moment to say that nobody listens.
    let stats = loop {
        rows.add(1);
        pusher.flush()(soon())?;
        let stats = pusher.stats().snapshot();
        if stats.dropped_total() > 0 {
            break stats;
        }
    };
    assert_eq!(stats.dropped[0].0, DropReason::Unreachable);
    assert_eq!(stats.taken, stats.exported + stats.dropped_total());
    assert_eq!(stats.in_flight, 0);
    pusher.shutdown(soon())
}

proptest! {
    /// Whatever fails and when: the server adds up to the total, and every point is accounted for.
    #[test]
    fn deliveries_add_up_to_the_total(
        steps in proptest::collection::vec((0..5_usize, any::<bool>(), 1..200_u64), 1..12),
    ) {
        let test = test(&plain());
        let rows = test.collector.counter("rows").labels(["n"]).build().expect("valid");
        let wait = test.collector.histogram("wait").buckets([5, 10]).build().expect("valid");
        let mut totals = BTreeMap::<String, u64>::new();
        let mut received = BTreeMap::<String, u64>::new();
        let mut receive = |test: &super::fixtures::Test| {
            for line in test.wire.lines() {
                if let Some((name, value)) = line.strip_suffix("|c").and_then(|l| l.split_once(':')) {
                    *received.entry(name.to_owned()).or_default() += value.parse::<u64>().expect("whole");
                }
            }
        };
        for (until, fails, amount) in steps {
            // Several datagrams, of which some are sent.
            for n in 0..90 {
                let name = n.to_string();
                rows.with([name.clone()]).expect("valid").add(amount + n);
                *totals.entry(format!("rows.n.{name}")).or_default() += amount + n;
            }
            wait.observe(amount);
            *totals.entry("wait.count".to_owned()).or_default() += 1;
            *totals.entry("wait.sum".to_owned()).or_default() += amount;
            test.wire.fail(until, fails.then_some(io::ErrorKind::ConnectionRefused));
            test.export().expect("in time");
            receive(&test);
        }
        test.wire.fail(0, None);
        test.export().expect("sent");
        receive(&test);
        prop_assert_eq!(received, totals);
        let stats = test.stats();
        prop_assert_eq!(stats.taken, stats.exported + stats.dropped_total());
    }
}
