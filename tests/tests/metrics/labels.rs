//! Labels whose values the compiler knows, and the macros that count with them.

use std::thread;

use obs_runtime::metrics::{MetricData, MetricFamily};
use obs_runtime::testing::{Captured, capture};
use obs_runtime::{Label, Observability, counter, gauge, histogram};
use obs_tests::own_process;

#[test]
fn the_variants_names_are_the_values() {
    #[derive(Label)]
    #[allow(dead_code)]
    enum Region {
        EuWest,
        #[label(name = "us")]
        UnitedStates,
        r#Type,
    }
    assert_eq!(Region::VALUES, Some(&["eu_west", "us", "type"][..]));
    assert_eq!(Region::EuWest.as_str(), "eu_west");
    assert_eq!(Region::UnitedStates.as_str(), "us");
    assert_eq!(Region::r#Type.as_str(), "type");
}

#[test]
fn a_name_of_ones_own_goes_before_the_case() {
    #[derive(Label)]
    #[label(rename_all = "SCREAMING_SNAKE_CASE")]
    #[allow(dead_code)]
    enum Method {
        Get,
        #[label(name = "patch")]
        Patch,
        DeleteAll,
    }
    assert_eq!(Method::VALUES, Some(&["GET", "patch", "DELETE_ALL"][..]));
    assert_eq!(Method::DeleteAll.as_str(), "DELETE_ALL");
}

#[test]
fn other_types_that_are_labels() {
    assert_eq!(true.as_str(), "true");
    assert_eq!(false.as_str(), "false");
    assert_eq!(bool::VALUES, Some(&["false", "true"][..]));
    assert_eq!(Label::as_str(&"eu"), "eu");
    assert_eq!(<&'static str>::VALUES, None);
}

/// The derive names nothing of the scope that it stands in.
mod hostile {
    #![no_implicit_prelude]
    #![allow(dead_code, non_camel_case_types)]

    struct str;
    struct Option;
    struct Some;

    #[derive(::obs_runtime::Label)]
    pub(crate) enum Region<const N: usize> {
        Eu,
    }
}

#[test]
fn a_hostile_scope_does_no_harm() {
    assert_eq!(hostile::Region::<1>::Eu.as_str(), "eu");
}

#[derive(Clone, Copy, Debug, Label)]
enum Region {
    Eu,
    Us,
}

fn family<'a>(metrics: &'a [MetricFamily], name: &str) -> &'a MetricFamily {
    let found = metrics.iter().find(|family| family.name == name);
    found.unwrap_or_else(|| panic!("no metric {name}"))
}

/// `labels=value` of each series of a counter or gauge.
fn numbers(metrics: &[MetricFamily], name: &str) -> Vec<String> {
    let (MetricData::Counter(points) | MetricData::Gauge(points)) = &family(metrics, name).data
    else {
        panic!("{name} has no numbers")
    };
    let text = |point: &obs_runtime::metrics::snapshot::NumberPoint| {
        let labels = point
            .labels
            .iter()
            .map(|(key, value)| format!("{key}:{value} "));
        format!("{}{}", labels.collect::<String>(), point.value.as_f64())
    };
    points.iter().map(text).collect()
}

fn order(region: Region, express: bool) {
    counter!("labels.orders", region = region, express).inc();
}

#[test]
fn parallel_captures_count_apart_and_each_combination_for_itself() {
    let count = |times: usize| {
        let captured: Captured<()> = capture(|| {
            for _ in 0..times {
                order(Region::Eu, true);
                order(Region::Us, false);
                order(Region::Us, false);
            }
        });
        let expected = [
            format!("express:false region:us {}", times * 2),
            format!("express:true region:eu {times}"),
        ];
        assert_eq!(numbers(&captured.metrics, "labels.orders"), expected);
    };
    thread::scope(|scope| {
        for times in 1..6 {
            scope.spawn(move || count(times));
        }
    });
}

#[test]
fn every_form_of_a_label() {
    const NAME: &str = "labels.forms";
    let kind: &'static str = "web";
    let captured = capture(|| {
        counter!(NAME, region = "eu", shop.kind = kind, "shop/open" = true, type = Region::Us)
            .add(2);
        counter!(NAME, type = Region::Us, "shop/open" = true, shop.kind = "web", region = "eu",)
            .inc();
        gauge!("labels.level", high = kind.len() > 2).set(4);
        histogram!("labels.seconds", region = Region::Eu).observe(0.5);
    });
    let expected = ["region:eu shop.kind:web shop/open:true type:us 3"];
    assert_eq!(numbers(&captured.metrics, NAME), expected);
    assert_eq!(numbers(&captured.metrics, "labels.level"), ["high:true 4"]);
    let MetricData::Histogram(points) = &family(&captured.metrics, "labels.seconds").data else {
        panic!("no histogram")
    };
    assert_eq!((points[0].count, points[0].sum), (1, 0.5));
}

#[test]
fn a_generic_function_keeps_its_types_apart() {
    fn count<L: Label>(label: &L) {
        counter!("labels.generic", label = *label).inc();
    }
    let captured = capture(|| {
        count(&true);
        count(&Region::Us);
        count(&"text");
    });
    let expected = ["label:text 1", "label:true 1", "label:us 1"];
    assert_eq!(numbers(&captured.metrics, "labels.generic"), expected);
}

#[test]
fn what_clashes_is_counted_as_refused() {
    let captured = capture(|| {
        gauge!("labels.clash").set(1);
        for _ in 0..3 {
            let counter = counter!("labels.clash", region = Region::Eu);
            counter.inc();
            assert!(counter.value() > 0.0);
        }
    });
    assert_eq!(numbers(&captured.metrics, "labels.clash"), ["1"]);
    let refused = numbers(&captured.metrics, "obs.metrics.refused");
    assert_eq!(refused, ["metric:labels.clash 3"]);
}

/// The only test here of the default `Observability`: its call site remembers handles.
#[test]
fn a_call_site_follows_what_is_installed() {
    own_process!();
    let count = |region| counter!("labels.followed", region = region).inc();
    let read = |obs: &Observability| numbers(&obs.collect_metrics(), "labels.followed");
    // Values that cannot be enumerated, and labels in two orders: the sites remember the metric alone.
    let text = |user: &'static str, way: &'static str| {
        counter!("labels.texts", user = user, way = way).inc();
    };
    let swapped = |user: &'static str, way: &'static str| {
        counter!("labels.texts", way = way, user = user).inc();
    };
    let texts = |obs: &Observability| numbers(&obs.collect_metrics(), "labels.texts");
    // Nobody listens yet.
    count(Region::Eu);
    for _ in 0..6 {
        let obs = Observability::builder().install().expect("an installation");
        for _ in 0..3 {
            count(Region::Us);
        }
        count(Region::Eu);
        assert_eq!(read(&obs), ["region:eu 1", "region:us 3"]);

        let captured = capture(|| count(Region::Eu));
        assert_eq!(
            numbers(&captured.metrics, "labels.followed"),
            ["region:eu 1"]
        );
        assert_eq!(read(&obs), ["region:eu 1", "region:us 3"]);

        for _ in 0..2 {
            text("ann", "in");
            swapped("ann", "in");
            swapped("bob", "out");
        }
        assert_eq!(texts(&obs), ["user:ann way:in 4", "user:bob way:out 2"]);
        obs.metrics().remove("labels.texts");
        swapped("ann", "in");
        text("ann", "in");
        assert_eq!(texts(&obs).len(), 1);

        obs.metrics().remove("labels.followed");
        count(Region::Us);
        assert_eq!(read(&obs), ["region:eu 0", "region:us 1"]);
    }
}

#[test]
fn the_worst_case_is_what_the_types_can_have() {
    fn by<L: Label>(label: &L) {
        counter!("labels.worst", label = *label, kind = "web").inc();
    }
    let captured = capture(|| {
        let obs = Observability::current().expect("a capture is one");
        let worst = |name: &str| {
            let report = obs.cardinality();
            let metric = report.metrics.iter().find(|metric| metric.name == name);
            let metric = metric.expect("it was counted").clone();
            let most: Vec<_> = metric.labels.iter().map(|l| l.max_values).collect();
            (most, metric.series, metric.worst_case)
        };
        order(Region::Eu, true);
        // Two by two, and the overflow series.
        assert_eq!(worst("labels.orders"), (vec![2, 2], 1, 5));

        // Each type of a generic function has its own values.
        by(&true);
        assert_eq!(worst("labels.worst"), (vec![2, 1], 1, 3));
        by(&Region::Us);
        assert_eq!(worst("labels.worst"), (vec![4, 1], 2, 5));
        // Texts can be anything.
        by(&"apac");
        assert_eq!(worst("labels.worst"), (vec![100, 1], 3, 101));

        // So can what a handle is asked for.
        let orders = obs.metrics().counter("labels.orders");
        let orders = orders.labels(["region", "express"]).build()?;
        orders.with(["eu", "perhaps"])?.inc();
        assert_eq!(worst("labels.orders"), (vec![2, 100], 2, 201));
        Ok::<_, obs_runtime::Error>(())
    });
    captured.value.expect("a counter");
}
