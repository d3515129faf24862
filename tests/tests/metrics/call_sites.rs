//! What `counter!`, `gauge!` and `histogram!` remember, with the installed default.

use std::borrow::Cow;
use std::thread;

use obs_runtime::metrics::{BoundCounter, MetricData};
use obs_runtime::testing::capture;
use obs_runtime::{Label, Observability, counter, gauge, histogram};
use obs_tests::own_process;

#[derive(Clone, Copy, Label)]
enum Answer {
    #[label(name = "true")]
    Yes,
    #[label(name = "false")]
    No,
}

/// Not derived: its text is one of a table.
#[derive(Clone, Copy)]
struct Status(u8);

impl Label for Status {
    const VALUES: Option<&'static [&'static str]> = Some(&["1xx", "2xx", "3xx", "4xx", "5xx"]);

    fn as_str(&self) -> &'static str {
        Self::VALUES.unwrap_or_default()[usize::from(self.0) - 1]
    }
}

fn leaked(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// The value of each series, with the values of its labels.
fn series(obs: &Observability, name: &str) -> Vec<(String, f64)> {
    let Some(family) = obs.metrics().get(name) else {
        return Vec::new();
    };
    let values = |labels: &obs_runtime::metrics::snapshot::Labels| {
        let values: Vec<&str> = labels.iter().map(|(_, value)| value).collect();
        values.join(" ")
    };
    match family.data {
        MetricData::Counter(points) | MetricData::Gauge(points) => {
            let number = |point: &obs_runtime::metrics::snapshot::NumberPoint| {
                (values(&point.labels), point.value.as_f64())
            };
            points.iter().map(number).collect()
        }
        MetricData::Histogram(points) => {
            let count = |point: &obs_runtime::metrics::HistogramPoint| {
                (values(&point.labels), point.count as f64)
            };
            points.iter().map(count).collect()
        }
        other => panic!("no counter, gauge or histogram: {other:?}"),
    }
}

fn counts<const N: usize>(obs: &Observability, name: &str, expected: [(&str, f64); N]) {
    let expected = expected.map(|(values, count)| (values.to_owned(), count));
    assert_eq!(series(obs, name), expected, "{name}");
}

/// Every series counts at every epoch: while sites have a memory for each, and after.
#[test]
fn call_sites_count_whatever_they_remember() {
    own_process!();
    // Nobody listens yet.
    constants();
    by_type();
    for round in 0..6 {
        let obs = Observability::builder().console(false).install();
        let obs = obs.expect("an installation");
        constants_follow(&obs);
        types_share_series(&obs);
        texts_are_told_apart(&obs);
        more_values_than_are_remembered(&obs);
        threads_lose_nothing(&obs);
        handles_are_kept(&obs, round == 0);
        what_is_taken_out_begins_again(&obs);
    }
}

fn constants() {
    counter!("sites.constant", route = "/", open = true).inc();
    gauge!("sites.level").set(3);
    histogram!("sites.seconds", route = "/").observe(0.5);
}

fn constants_follow(obs: &Observability) {
    constants();
    let captured = capture(|| {
        constants();
        constants();
    });
    captured.assert_metric("sites.constant").total(2);
    constants();
    // The metric lists its labels by name.
    counts(obs, "sites.constant", [("true /", 2.0)]);
    counts(obs, "sites.level", [("", 3.0)]);
    counts(obs, "sites.seconds", [("/", 2.0)]);
}

/// One site for all types of the function.
fn generic<L: Label>(label: &L) {
    counter!("sites.types", kind = "web", label = *label).inc();
}

fn by_type() {
    generic(&true);
    generic(&false);
    generic(&Answer::Yes);
    generic(&Answer::No);
    generic(&"true");
    generic(&Status(2));
    generic(&Status(5));
}

fn types_share_series(obs: &Observability) {
    by_type();
    capture(by_type);
    by_type();
    // What a type can say is there before it is said.
    let expected = [
        ("web 1xx", 0.0),
        ("web 2xx", 2.0),
        ("web 3xx", 0.0),
        ("web 4xx", 0.0),
        ("web 5xx", 2.0),
        ("web false", 4.0),
        ("web true", 6.0),
    ];
    counts(obs, "sites.types", expected);
}

fn texts_are_told_apart(obs: &Observability) {
    let text = leaked("europe");
    let count = |region: &'static str, way: &'static str| {
        counter!("sites.texts", way = way, kind = "web", region = region).inc();
    };
    let swapped = |region: &'static str, way: &'static str| {
        counter!("sites.texts", region = region, kind = "web", way = way).inc();
    };
    for _ in 0..2 {
        count(text, "in");
        count(&text[..2], "in");
        // The same text in another place.
        count(leaked("eu"), "in");
        swapped("in", "eu");
        // No value, no label.
        swapped(&text[..0], "in");
    }
    let expected = [
        ("web eu in", 4.0),
        ("web europe in", 2.0),
        ("web in eu", 2.0),
        ("web in", 2.0),
    ];
    counts(obs, "sites.texts", expected);
}

fn more_values_than_are_remembered(obs: &Observability) {
    const VALUES: usize = 2_100;
    let users = obs.metrics().counter("sites.users").labels(["user"]);
    let users = users.max_series(VALUES).max_label_values(VALUES).build();
    let users = users.expect("a valid definition");
    let texts: Vec<_> = (0..VALUES).map(|n| leaked(&n.to_string())).collect();
    for times in 1..=2 {
        for user in &texts {
            counter!("sites.users", user = *user).add(times);
        }
    }
    for user in &texts {
        assert_eq!(users.get([user]).ok(), Some(3.0), "{user}");
    }
}

fn threads_lose_nothing(obs: &Observability) {
    let texts: Vec<_> = (0..50).map(|n| leaked(&n.to_string())).collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for text in texts.iter().cycle().take(500) {
                    counter!("sites.threads", text = *text).inc();
                }
            });
        }
    });
    // Four threads, each text ten times.
    let mut expected: Vec<_> = texts
        .iter()
        .map(|text| ((*text).to_owned(), 40.0))
        .collect();
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(series(obs, "sites.threads"), expected);
}

/// What the macro gives is a handle like any other; the site lends its own while epochs have their memory.
fn handles_are_kept(obs: &Observability, lent: bool) {
    let find = |region: &'static str| -> Cow<'static, BoundCounter> {
        counter!("sites.kept", region = region)
    };
    let first = find("eu");
    first.inc();
    let owned: BoundCounter = first.clone().into_owned();
    owned.add(2);
    let again = find("eu");
    again.inc();
    assert_eq!(matches!(again, Cow::Borrowed(_)), lent);
    assert_eq!((first.value(), owned.value()), (4.0, 4.0));
    drop(histogram!("sites.timed").time());
    counts(obs, "sites.timed", [("", 1.0)]);
}

fn what_is_taken_out_begins_again(obs: &Observability) {
    constants();
    let old = counter!("sites.constant", route = "/", open = true);
    assert!(obs.metrics().remove("sites.constant"));
    old.inc();
    constants();
    by_type();
    counts(obs, "sites.constant", [("true /", 1.0)]);
    obs.metrics().clear();
    constants();
    by_type();
    counts(obs, "sites.constant", [("true /", 1.0)]);
    counts(obs, "sites.seconds", [("/", 1.0)]);
    assert_eq!(series(obs, "sites.types").len(), 7);
}
