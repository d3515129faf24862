//! What the lines of each kind of metric are.

use super::fixtures::{Result, plain, tagged, test};
use super::*;
use crate::metrics::MetricsCollector;

// bug: I14 (totals were sent again and again).
#[test]
fn counters_are_sent_as_what_is_new() -> Result {
    let test = test(&tagged());
    let rows = test.collector.counter("rows").labels(["task"]).build()?;
    let load = rows.with(["load"])?;
    load.add(3);
    let cost = test.collector.counter("cost").unit("USD").build()?;
    test.collector.counter("none").build()?;
    cost.add(0.25);
    test.export()?;
    let tags = "env:prod,service:shop_1";
    assert_eq!(
        test.wire.take(),
        [format!("cost:0.25|c|#{tags}\nrows:3|c|#{tags},task:load")]
    );
    // Nothing new is nothing to send, and so is what was never counted.
    test.export()?;
    assert!(test.wire.take().is_empty());
    load.add(4);
    test.export()?;
    assert_eq!(test.wire.lines(), [format!("rows:4|c|#{tags},task:load")]);
    // One that began again is new altogether.
    test.collector.remove("cost");
    test.collector.counter("cost").build()?.add(0.125);
    test.export()?;
    assert_eq!(test.wire.lines(), [format!("cost:0.125|c|#{tags}")]);
    let stats = test.stats();
    assert_eq!((stats.taken, stats.exported, stats.in_flight), (4, 4, 0));
    Ok(())
}

#[test]
fn a_label_goes_before_the_tag_of_the_service() -> Result {
    let test = test(&tagged());
    let calls = test
        .collector
        .counter("calls")
        .labels(["service"])
        .build()?;
    calls.with(["billing"])?.inc();
    test.export()?;
    assert_eq!(test.wire.lines(), ["calls:1|c|#env:prod,service:billing"]);
    Ok(())
}

#[test]
fn numbers_are_written_in_full() -> Result {
    let test = test(&plain());
    test.collector.counter("a").build()?.add(u64::MAX);
    test.collector.counter("b").build()?.add(1e-12);
    for (name, value) in [
        ("c", 1e300),
        ("d", -0.0),
        ("e", -1e-7),
        ("f", f64::NAN),
        ("g", f64::NEG_INFINITY),
        ("h", f64::MIN_POSITIVE / 4.0),
    ] {
        test.collector.gauge(name).build()?.set(value);
    }
    test.collector.up_down_counter("i").build()?.add(-2);
    test.export()?;
    let lines = test.wire.lines();
    let parsed: Vec<(&str, f64)> = lines
        .iter()
        .map(|line| {
            let (name, rest) = line.split_once(':').expect("a value");
            let value = rest.split('|').next().expect("a value");
            assert!(
                value
                    .bytes()
                    .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
            );
            (name, value.parse().expect("a number"))
        })
        .collect();
    assert_eq!(
        parsed,
        [
            ("a", u64::MAX as f64),
            ("b", 1e-12),
            ("c", 1e300),
            ("d", 0.0),
            // A sign is a change, after a zero.
            ("e", 0.0),
            ("e", -1e-7),
            ("h", f64::MIN_POSITIVE / 4.0),
            ("i", 0.0),
            ("i", -2.0),
        ]
    );
    assert_eq!(lines[3], "d:0|g");
    assert_eq!(lines[0], "a:18446744073709551615|c");
    let stats = test.stats();
    assert_eq!((stats.taken, stats.exported), (9, 7));
    assert_eq!(stats.dropped, [(DropReason::Unsupported, 2)]);
    Ok(())
}

// bug: I13, I14 (histograms were dropped, or sent as one timing).
#[test]
fn histograms_are_the_quantiles_of_the_interval() -> Result {
    let test = test(&plain().prefix("my shop.").quantiles([0.0, 0.5, 1.0]));
    let wait = test
        .collector
        .histogram("wait")
        .buckets([1, 2, 4])
        .build()?;
    let size = test.collector.histogram("z.size").exponential().build()?;
    let slow = test
        .collector
        .summary("z.slow")
        .labels(["q"])
        .quantiles([0.99])
        .build()?;
    let mut expected = Vec::new();
    for round in 0..2_u32 {
        // Of the second round alone: what came before does not count.
        for value in [1, 2, 3] {
            wait.observe(f64::from(value) + f64::from(round));
        }
        size.observe(8 << round);
        slow.with(["x"])?.observe(-16.0);
        test.export()?;
        expected.clear();
        for line in test.wire.lines() {
            let line = line
                .strip_prefix("my_shop.")
                .expect("the prefix")
                .to_owned();
            expected.push(line);
        }
        let round = f64::from(round);
        assert_eq!(expected[0], "wait.count:3|c");
        assert_eq!(expected[1], format!("wait.sum:{}|c", 6.0 + 3.0 * round));
        assert_eq!(expected[2], format!("wait.mean:{}|g", 2.0 + round));
        let names: Vec<_> = expected[3..6].iter().map(|l| l.split(':').next()).collect();
        assert_eq!(
            names,
            [Some("wait.min"), Some("wait.p50"), Some("wait.max")]
        );
        let size = format!("{}", 8.0 * (1.0 + round));
        let parts = [
            "count:1|c",
            "sum:S|c",
            "mean:S|g",
            "min:S|g",
            "p50:S|g",
            "max:S|g",
        ];
        let sizes = parts.map(|part| format!("z.size.{}", part.replace('S', &size)));
        assert_eq!(expected[6..12], sizes);
        let slow = [
            "z.slow.count.q.x:1|c",
            "z.slow.sum.q.x:-16|c",
            "z.slow.mean.q.x:0|g",
            "z.slow.mean.q.x:-16|g",
            "z.slow.p99.q.x:0|g",
            "z.slow.p99.q.x:-16|g",
        ];
        assert_eq!(expected[12..], slow);
    }
    Ok(())
}

#[test]
fn distributions_and_histograms_are_values_with_a_rate() -> Result {
    for (form, kind) in [
        (HistogramForm::Distribution, "d"),
        (HistogramForm::Histogram, "h"),
    ] {
        let test = test(&tagged().histograms(form));
        let wait = test
            .collector
            .histogram("wait")
            .labels(["q"])
            .buckets([1, 2, 4])
            .build()?;
        let wait = wait.with(["a"])?;
        // Without values there is nothing to say.
        test.export()?;
        assert!(test.wire.take().is_empty());
        for _ in 0..3 {
            wait.observe(1.5);
        }
        wait.observe(3);
        test.export()?;
        let tags = "#env:prod,service:shop_1,q:a";
        let lines = test.wire.lines();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("wait:1.5|"), "{lines:?}");
        assert!(
            lines[0].ends_with(&format!("|{kind}|@0.3333333333333333|{tags}")),
            "{lines:?}"
        );
        assert_eq!(lines[1], format!("wait:3|{kind}|{tags}"));
        assert_eq!(test.stats().exported, test.stats().taken);
    }
    Ok(())
}

#[test]
fn timings_are_milliseconds_in_both_dialects() -> Result {
    for (config, tags) in [(plain(), ""), (tagged(), "|#env:prod,service:shop_1")] {
        let test = test(&config.histograms(HistogramForm::Timer));
        let wait = test
            .collector
            .histogram("wait")
            .unit("s")
            .exponential()
            .build()?;
        let size = test
            .collector
            .histogram("size")
            .unit("By")
            .buckets([512])
            .build()?;
        let below = test.collector.histogram("z.below").buckets([0]).build()?;
        wait.observe(0.25);
        size.observe(512);
        below.observe(-1);
        test.export()?;
        let lines = [format!("size:512|ms{tags}"), format!("wait:250|ms{tags}")];
        assert_eq!(test.wire.lines(), lines);
        assert_eq!(test.stats().dropped, [(DropReason::Unsupported, 1)]);
        // However many there are: 100 lines.
        for _ in 0..1_000 {
            wait.observe(2);
        }
        test.export()?;
        let lines = test.wire.lines();
        assert_eq!(lines.len(), 100);
        let (value, rate) = lines[0].split_once("|ms|@").expect("a rate");
        assert_eq!(rate, format!("0.1{tags}"));
        let value: f64 = value
            .strip_prefix("wait:")
            .expect("the name")
            .parse()
            .expect("a number");
        // A bucket, where the largest value is eight times the smallest.
        assert!((value - 2_000.0).abs() <= 2_000.0 * 0.023, "{value}");
    }
    Ok(())
}

#[test]
fn what_a_server_would_take_for_something_else_is_refused() {
    let start = |config: StatsdConfig| {
        let error = start(&config, &[], Arc::new(MetricsCollector::new())).err();
        let error = error.expect("not possible");
        assert!(error.is_config());
        error.to_string()
    };
    let form = start(plain().histograms(HistogramForm::Distribution));
    assert!(form.contains("HistogramForm::Distribution") && form.contains("Dialect::DogStatsd"));
    let quantile = start(plain().quantiles([0.5, 95.0]));
    assert!(
        quantile.contains("95") && quantile.contains("0.99"),
        "{quantile}"
    );
    assert!(start(plain().quantiles([f64::NAN])).contains("NaN"));
    for addr in ["localhost", "127.0.0.1:99999", ""] {
        let error = start(StatsdConfig::new(addr));
        assert!(error.contains(&format!("{addr:?}")), "{error}");
    }
}
