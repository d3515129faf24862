use super::*;
use crate::metrics::{BoundCounter, BoundGauge, MetricData};

/// A handle that only says of which values it is.
#[derive(Clone, Debug, PartialEq)]
struct Named(String);

impl Bound for Named {
    const NOWHERE: Self = Self(String::new());

    type Instrument = Vec<String>;

    const KIND: Kind = Kind::Counter;

    fn instrument(
        _: &MetricsCollector,
        name: &'static str,
        _: Option<&MetricDef>,
        labels: &[&str],
    ) -> Result<Vec<String>, Error> {
        if name == "refused" {
            return Err(validate::error("refused"));
        }
        let mut labels: Vec<_> = labels.iter().map(|label| (*label).to_owned()).collect();
        labels.sort();
        Ok(labels)
    }

    fn order(labels: &Vec<String>, given: &[&str]) -> Box<[usize]> {
        let position = |label| given.iter().position(|other| other == label);
        labels.iter().filter_map(position).collect()
    }

    fn bind(labels: &Vec<String>, values: &[&str]) -> Result<Self, Error> {
        let pairs = labels.iter().zip(values);
        let texts: Vec<_> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
        Ok(Self(texts.join(" ")))
    }

    fn add_ahead(_: &Vec<String>, _: &[&str]) {}

    fn declare(_: &Vec<String>, _: usize, _: &[&'static str]) {}

    fn detached(_: &'static str) -> Self {
        Self("nobody's".to_owned())
    }
}

fn family(labels: &[SiteLabel]) -> Family<Named> {
    Family::of(&MetricsCollector::new(), "orders", None, labels).expect("Named refuses nothing")
}

fn leaked(text: &str) -> &'static str {
    text.to_owned().leak()
}

#[test]
fn values_of_the_source_and_of_the_call_meet_in_the_metrics_order() {
    let family = family(&[("way", None), ("kind", Some("web")), ("region", None)]);
    let bound = family.bind(&["in", "eu"]).expect("a series");
    assert_eq!(bound.0, "kind=web region=eu way=in");
}

/// The series of a metric that a site makes ahead of the calls, as its collector shows them.
fn ahead<B: Bound, const VARYING: usize>(
    labels: &[SiteLabel],
    among: [Among; VARYING],
) -> Vec<String> {
    let collector = MetricsCollector::new();
    let family = Family::<B>::of(&collector, "orders", None, labels).expect("a metric");
    family.declare(&among);
    family.count_from_zero(&among);
    let Some(MetricData::Counter(points)) = collector.get("orders").map(|family| family.data)
    else {
        return Vec::new();
    };
    let each = points.iter().map(|point| {
        let values: Vec<_> = point.labels.values().collect();
        format!("{} {}", values.join(" "), point.value.as_f64())
    });
    each.collect()
}

// bug: the series of a failure was born by the first failure, so that `increase()` said 0 of it.
#[test]
fn a_counter_whose_labels_are_known_shows_all_of_their_values() {
    static MANY: [&str; MOST_AHEAD + 1] = [""; MOST_AHEAD + 1];
    const RESULT: Among = ("ok", Some(&["ok", "error"]));
    const WAY: Among = ("in", Some(&["in", "out"]));
    let labels = &[("way", None), ("kind", Some("web")), ("result", None)];
    assert_eq!(
        ahead::<BoundCounter, 2>(labels, [WAY, RESULT]),
        [
            "web error in 0",
            "web error out 0",
            "web ok in 0",
            "web ok out 0"
        ]
    );
    // What a text can be nobody knows, and a gauge has no value before its first.
    let shop: Among = ("berlin", None);
    assert!(ahead::<BoundCounter, 2>(labels, [shop, RESULT]).is_empty());
    assert!(ahead::<BoundGauge, 2>(labels, [WAY, RESULT]).is_empty());
    // A type with very many values is one of which few are used.
    assert!(ahead::<BoundCounter, 1>(&[("many", None)], [("", Some(&MANY))]).is_empty());
}

#[test]
fn what_is_shown_ahead_takes_no_room_of_what_is_counted() -> Result<(), Error> {
    let collector = MetricsCollector::new();
    let orders = collector
        .counter("orders")
        .labels(["region"])
        .max_series(10);
    let orders = orders.max_label_values(8).build()?;
    for n in 0..10 {
        BoundCounter::add_ahead(&orders, &[&n.to_string()]);
    }
    let series = || collector.cardinality().metrics[0].series;
    assert_eq!(series(), 4);
    for n in ["a", "b", "c", "d"] {
        orders.with([n])?.inc();
    }
    assert_eq!((series(), orders.value().to_bits()), (8, 4_f64.to_bits()));
    assert!(collector.get("obs.metrics.overflowed").is_none());
    assert_eq!(collector.cardinality().metrics[0].overflowed, 0);
    Ok(())
}

#[test]
fn without_labels_that_vary_there_is_one_handle() {
    let memory = Memory::new(family(&[("kind", Some("web"))]), []).expect("a series");
    assert_eq!(memory.find(&[]), Some(&Named("kind=web".to_owned())));
    assert!(memory.others.is_none());
    let found = memory.find_or_add(&[]).expect("a series");
    assert!(matches!(found, Cow::Borrowed(_)));
}

#[test]
fn each_combination_of_values_has_its_own_handle() {
    let labels = &[("a", None), ("b", None)];
    let memory = Memory::new(family(labels), ["", ""]).expect("a series");
    let texts = ["", "x", "y", leaked("x"), &leaked("xy")[..1], leaked("xyz")];
    for _ in 0..2 {
        for a in texts {
            for b in texts {
                let found = memory.find_or_add(&[a, b]).expect("a series");
                assert_eq!(found.0, format!("a={a} b={b}"));
                assert!(matches!(found, Cow::Borrowed(_)));
                assert_eq!(memory.find(&[a, b]), Some(&*found));
            }
        }
    }
}

#[test]
fn the_start_of_a_text_is_another_text() {
    let memory = Memory::new(family(&[("a", None)]), [""]).expect("a series");
    let text = leaked("europe");
    for len in [6, 2, 0] {
        let found = memory.find_or_add(&[&text[..len]]).expect("a series");
        assert_eq!(found.0, format!("a={}", &text[..len]));
    }
}

#[test]
fn above_the_limit_nothing_more_is_remembered_and_every_series_is_found() {
    let memory = Memory::new(family(&[("a", None)]), [""]).expect("a series");
    let texts = (0..MAX_SERIES + 10).map(|n| leaked(&n.to_string()));
    let texts: Vec<&'static str> = texts.collect();
    for _ in 0..2 {
        for (n, text) in texts.iter().enumerate() {
            let found = memory.find_or_add(&[text]).expect("a series");
            assert_eq!(found.0, format!("a={n}"));
            assert_eq!(matches!(found, Cow::Borrowed(_)), n < MAX_SERIES);
        }
    }
}

#[test]
fn threads_that_come_at_once_share_one_handle() {
    let memory = Memory::new(family(&[("a", None)]), [""]).expect("a series");
    let texts: Vec<&'static str> = (0..200).map(|n| leaked(&n.to_string())).collect();
    let addresses = || {
        let found = texts.iter().map(|text| memory.find_or_add(&[text]));
        let address = |found| match found {
            Ok(Cow::Borrowed(bound)) => ptr::from_ref::<Named>(bound).addr(),
            other => panic!("a handle that is kept, not {other:?}"),
        };
        found.map(address).collect::<Vec<_>>()
    };
    let found = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(addresses)).collect();
        let found = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        found.collect::<Result<Vec<_>, _>>()
    });
    let found = found.expect("no thread panics");
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    let others = memory.others.as_ref().expect("a label varies");
    assert_eq!(others.index.len(), texts.len());
}

#[test]
fn a_late_memory_is_replaced_when_its_epoch_is_over() {
    static SITE: MetricSite<Named, 1> = MetricSite::new("orders", &[("a", Some("x")), ("b", None)]);
    let since = || {
        SITE.late
            .read()
            .expect("no thread panics")
            .as_ref()
            .map(|late| late.0)
    };
    let late = |epoch, text| {
        SITE.late(epoch, &[text], &[(text, None)])
            .expect("a series")
            .0
    };
    assert_eq!(since(), None);
    for epoch in [7, 8] {
        assert_eq!(late(epoch, "y"), "a=x b=y");
        assert_eq!(late(epoch, "z"), "a=x b=z");
        assert_eq!(since(), Some(epoch));
    }
    assert!(SITE.slot(7).is_none());
}

#[test]
fn what_is_refused_counts_nowhere() {
    static SITE: MetricSite<Named, 0> = MetricSite::new("refused", &[]);
    for epoch in [0, 9] {
        assert_eq!(SITE.look_up(epoch, &[], &[]).0, "nobody's");
    }
    assert!(SITE.told.load(Ordering::Relaxed));
}

#[test]
fn what_is_refused_is_counted_as_a_loss_of_the_metric() {
    static SITE: MetricSite<Named, 0> = MetricSite::new("refused", &[]);
    let mut refused = 0;
    crate::testing::capture(|| {
        let metric = scope::current_metrics().counter("refused").build();
        let metric = metric.expect("a metric of that name");
        for _ in 0..2 {
            SITE.look_up(0, &[], &[]);
        }
        refused = metric.refused();
    });
    assert_eq!(refused, 2);
}

#[test]
fn who_comes_second_with_the_same_values_adds_nothing() {
    let memory = Memory::new(family(&[("a", None)]), [""]).expect("a series");
    let others = memory.others.as_ref().expect("a label varies");
    // Both threads had found nothing before either had the lock.
    let added = [others.add(&["x"]), others.add(&["x"])].map(|found| match found {
        Ok(Cow::Borrowed(bound)) => ptr::from_ref::<Named>(bound),
        other => panic!("a handle that is kept, not {other:?}"),
    });
    assert_eq!(added[0], added[1]);
    assert_eq!(others.index.len(), 1);
}
