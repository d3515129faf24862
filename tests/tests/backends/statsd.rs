//! A real StatsD server has what was counted, in both dialects.

use std::collections::BTreeMap;
use std::time::Duration;

use obs_runtime::Observability;
use obs_runtime::exporter::statsd::{Dialect, HistogramForm, StatsdConfig};
use obs_tests::own_process;
use obs_tests::statsd_server::StatsdServer;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// Numbers that `f64` has as they are.
fn is(all: &BTreeMap<String, f64>, name: &str, wanted: f64) -> bool {
    all.get(name)
        .is_some_and(|v| v.to_bits() == wanted.to_bits())
}

type Result<T = ()> = std::result::Result<T, obs_runtime::Error>;

const HOSTILE: &str = "a|b,c\nd:e#f;g=h i@0.1";

/// Counts in three rounds, each sent by itself.
fn count(server: &StatsdServer, dialect: Dialect) -> Result {
    let config = StatsdConfig::new(server.addr())
        .dialect(dialect)
        .prefix("shop");
    let obs = Observability::builder()
        .service_name("statsd")
        .statsd_with(config.interval(Duration::from_secs(3600)))
        .strict(true)
        .install()?;
    let metrics = obs.metrics();
    let rows = metrics.counter("rows").labels(["task"]).build()?;
    let cost = metrics.counter("cost").unit("USD").build()?;
    let depth = metrics.gauge("depth").build()?;
    let active = metrics.up_down_counter("active").build()?;
    let latency = metrics.histogram("latency").unit("s").build()?;
    let size = metrics.histogram("size").exponential().build()?;
    let wait = metrics.summary("wait").unit("ms").build()?;
    // Many series: several datagrams.
    let many = metrics.counter("many").labels(["n"]).build()?;
    for round in 1..=3_u32 {
        rows.with(["load"])?.add(round);
        rows.with([HOSTILE])?.inc();
        cost.add(1e-7);
        depth.set(-1.5 * f64::from(round));
        active.dec();
        for value in 1..=100_u32 {
            latency.observe(f64::from(value) * 0.5);
            size.observe(value);
            wait.observe(value);
            many.with([value.to_string()])?.inc();
        }
        obs.force_flush()?;
    }
    assert_eq!(obs.stats().dropped_total(), 0, "{}", obs.stats());
    obs.shutdown()
}

/// What is there besides StatsD's own numbers, those of obs, and those of the functions of other tests.
fn ours(all: &BTreeMap<String, f64>) -> BTreeMap<&str, f64> {
    let ours = all.iter().filter(|(name, _)| {
        !name.starts_with("statsd.")
            && !name.starts_with("shop.obs.")
            && !name.starts_with("shop.function.calls")
            && !name.starts_with("shop.many")
    });
    ours.map(|(name, value)| (&**name, *value)).collect()
}

fn check(server: &StatsdServer, tags: impl Fn(&str) -> String, hostile: &str) {
    let many = |all: &BTreeMap<String, f64>| {
        let many = all.iter().filter(|(name, _)| name.starts_with("shop.many"));
        many.map(|(_, value)| value).sum::<f64>()
    };
    let counters =
        server.counters_until(|all| many(all) >= 300.0 && is(all, &tags("shop.wait.count"), 300.0));
    assert!(is(&counters, "statsd.bad_lines_seen", 0.0), "{counters:?}");
    assert!(counters["statsd.packets_received"] < counters["statsd.metrics_received"] / 8.0);
    let name = |metric: &str| tags(metric);
    let mut expected: BTreeMap<String, f64> = BTreeMap::from([
        (name("shop.rows load"), 6.0),
        (name("shop.cost"), 3e-7),
        (name("shop.latency.count"), 300.0),
        (name("shop.latency.sum"), 7575.0),
        (name("shop.size.count"), 300.0),
        (name("shop.size.sum"), 15_150.0),
        (name("shop.wait.count"), 300.0),
        (name("shop.wait.sum"), 15_150.0),
    ]);
    expected.insert(hostile.to_owned(), 3.0);
    let counted = ours(&counters);
    assert_eq!(
        counted.keys().copied().collect::<Vec<_>>(),
        expected.keys().map(String::as_str).collect::<Vec<_>>()
    );
    for (name, value) in &expected {
        assert!(
            (counted[&**name] - value).abs() <= value * 1e-9,
            "{name}: {counted:?}"
        );
    }
    let gauges = server.all("gauges");
    assert!(is(&gauges, &name("shop.depth"), -4.5), "{gauges:?}");
    assert!(is(&gauges, &name("shop.active"), -3.0), "{gauges:?}");
    // Of the last round alone: 1 to 100, the half of it in seconds.
    for (metric, mean) in [("latency", 25.25), ("size", 50.5), ("wait", 50.5)] {
        let gauge = |part: &str| gauges[&name(&format!("shop.{metric}.{part}"))];
        assert!((gauge("mean") - mean).abs() < 1e-9, "{gauges:?}");
        for (part, exact) in [("p50", mean), ("p95", mean * 1.9), ("p99", mean * 1.98)] {
            // The buckets of `latency` end at 25 and 50; those of the others are 4.5 % wide.
            let width = if metric == "latency" {
                25.0
            } else {
                exact * 0.045 + 1.0
            };
            assert!(
                (gauge(part) - exact).abs() <= width,
                "{metric}.{part}: {gauges:?}"
            );
        }
    }
    assert!(server.timers().is_empty());
}

/// Labels that nothing but the test has thought of.
fn hostile_texts() -> Vec<String> {
    let special = proptest::sample::select(
        ":|@#,\n\r\0 ;=/._-{}'\"\\é€😀a1"
            .chars()
            .collect::<Vec<_>>(),
    );
    let part = prop_oneof![4 => special, 1 => any::<char>()];
    let text = proptest::collection::vec(part, 1..12);
    let mut runner = TestRunner::deterministic();
    let draw = |_| {
        let drawn = text.new_tree(&mut runner).expect("text");
        drawn.current().into_iter().collect()
    };
    (0..200).map(draw).collect()
}

/// A counter and a gauge of its own for each text.
fn send_hostile(server: &StatsdServer, dialect: Dialect, texts: &[String]) -> Result {
    let config = StatsdConfig::new(server.addr()).dialect(dialect);
    let obs = Observability::builder()
        .statsd_with(config.interval(Duration::from_secs(3600)))
        .strict(true)
        .install()?;
    let labels = ["n", "text"];
    let rows = obs.metrics().counter("hostile.rows").labels(labels);
    let rows = rows.max_label_values(1_000).build()?;
    let depth = obs.metrics().gauge("hostile.depth").labels(labels);
    let depth = depth.max_label_values(1_000).build()?;
    for (n, text) in texts.iter().enumerate() {
        let labels = [format!("<{n}>"), text.clone()];
        // What counted nothing is not sent.
        rows.with(labels.clone())?.add(n as u64 + 1);
        depth.with(labels)?.set(-0.5 - n as f64);
    }
    obs.shutdown()
}

fn hostile_labels_make_no_bad_line_and_no_other_series() -> Result {
    let texts = hostile_texts();
    for (test, dialect) in [
        ("hostile_names", Dialect::Plain),
        ("hostile_tags", Dialect::DogStatsd),
    ] {
        let Some(server) = StatsdServer::start(test) else {
            return Ok(());
        };
        send_hostile(&server, dialect, &texts)?;
        let of = |all: &BTreeMap<String, f64>| -> Vec<f64> {
            let ours = all.iter().filter(|(name, _)| name.starts_with("hostile."));
            let mut values: Vec<f64> = ours.map(|(_, value)| *value).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let counters = server.counters_until(|all| of(all).len() >= texts.len());
        assert!(is(&counters, "statsd.bad_lines_seen", 0.0), "{counters:?}");
        let wanted: Vec<f64> = (1..=texts.len()).map(|n| n as f64).collect();
        assert_eq!(of(&counters), wanted);
        let gauges: Vec<f64> = wanted.iter().rev().map(|n| 0.5 - n).collect();
        assert_eq!(of(&server.all("gauges")), gauges);
    }
    Ok(())
}

#[test]
fn a_real_server_reads_every_line() -> Result {
    own_process!();
    statsd_has_what_was_counted()?;
    hostile_labels_make_no_bad_line_and_no_other_series()?;
    timers_have_the_percentiles_of_all()
}

/// What this server computes of a timing: the value at the rounded rank, whatever the sample rates.
fn upper(values: &[f64], percent: f64) -> f64 {
    let rank = (percent / 100.0 * values.len() as f64).round() as usize;
    values[rank.clamp(1, values.len()) - 1]
}

fn timers_have_the_percentiles_of_all() -> Result {
    let Some(server) = StatsdServer::start("timers") else {
        return Ok(());
    };
    let config = StatsdConfig::new(server.addr()).dialect(Dialect::Plain);
    let config = config.histograms(HistogramForm::Timer);
    let obs = Observability::builder()
        .statsd_with(config.interval(Duration::from_secs(3600)))
        .strict(true)
        .install()?;
    let many = obs
        .metrics()
        .histogram("many")
        .unit("s")
        .exponential()
        .build()?;
    let few = obs
        .metrics()
        .histogram("few")
        .unit("ms")
        .exponential()
        .build()?;
    for n in 1..=1_000_u32 {
        many.observe(f64::from(n) / 1e3);
    }
    for n in 1..=3_u32 {
        few.observe(n);
    }
    let done = obs.metrics().counter("z.done").build()?;
    done.inc();
    obs.shutdown()?;
    let counters = server.counters_until(|all| is(all, "z.done", 1.0));
    assert!(is(&counters, "statsd.bad_lines_seen", 0.0), "{counters:?}");
    let mut timers = server.timers();
    for values in timers.values_mut() {
        values.sort_by(f64::total_cmp);
    }
    assert_eq!((timers["many"].len(), timers["few"].len()), (100, 3));
    for percent in [1.0, 50.0, 90.0, 99.0] {
        // A bucket is 4.5 % wide, and each value stands for ten.
        let (found, exact) = (upper(&timers["many"], percent), percent * 10.0);
        assert!(
            (found - exact).abs() <= exact * 0.045 + 10.0,
            "{found} for {exact}"
        );
    }
    for (found, exact) in timers["few"].iter().zip([1.0, 2.0, 3.0]) {
        assert!((found - exact).abs() <= exact * 0.01, "{timers:?}");
    }
    Ok(())
}

fn statsd_has_what_was_counted() -> Result {
    let test = "statsd_has_what_was_counted";
    let Some(server) = StatsdServer::start(test) else {
        return Ok(());
    };
    count(&server, Dialect::Plain)?;
    let plain = |name: &str| match name.split_once(' ') {
        Some((name, task)) => format!("{name}.task.{task}"),
        None => name.to_owned(),
    };
    check(&server, plain, "shop.rows.task.a_b_c_d_e_f_g_h_i_0_1");
    drop(server);

    let Some(server) = StatsdServer::start("tags") else {
        return Ok(());
    };
    count(&server, Dialect::DogStatsd)?;
    // This server writes tags as Graphite does, and takes out of them what Graphite does not know.
    let tagged = |name: &str| match name.split_once(' ') {
        Some((name, task)) => format!("{name};service=statsd;task={task}"),
        None => format!("{name};service=statsd"),
    };
    check(
        &server,
        tagged,
        "shop.rows;service=statsd;task=a_b_c_de_f_g=h_i0.1",
    );
    Ok(())
}
