//! Whatever is in a name, a label or a number: a parser that shares no code with the exporter reads it back.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::fixtures::{plain, tagged, test};
use super::*;

/// A line, as the documentation of DogStatsD describes it.
#[derive(Debug, PartialEq)]
struct Line {
    name: String,
    value: f64,
    kind: String,
    rate: f64,
    tags: BTreeMap<String, String>,
}

/// The lines of a datagram; `None` if one is not understood.
fn parse(datagram: &str) -> Option<Vec<Line>> {
    let line = |line: &str| {
        let mut fields = line.split('|');
        let (name, value) = fields.next()?.split_once(':')?;
        let is_number = value.bytes().all(|b| b"-.0123456789".contains(&b));
        let mut found = Line {
            name: name.to_owned(),
            value: value
                .parse()
                .ok()
                .filter(|_| is_number && !name.is_empty())?,
            kind: fields.next()?.to_owned(),
            rate: 1.0,
            tags: BTreeMap::new(),
        };
        for field in fields {
            match field.split_at_checked(1)? {
                ("@", rate) => found.rate = rate.parse().ok()?,
                ("#", tags) => {
                    for tag in tags.split(',') {
                        let (key, value) = tag.split_once(':')?;
                        let known = found.tags.insert(key.to_owned(), value.to_owned());
                        known.is_none().then_some(())?;
                    }
                }
                _ => return None,
            }
        }
        Some(found)
    };
    datagram.split('\n').map(line).collect()
}

/// Whether every character is as it was, or one of those that have a meaning and now `_`.
fn is_readable(found: &str, original: &str, special: impl Fn(char) -> bool) -> bool {
    found.chars().count() == original.chars().count()
        && found
            .chars()
            .zip(original.chars())
            .all(|(found, original)| found == if special(original) { '_' } else { original })
}

fn in_a_tag(c: char) -> bool {
    matches!(c, ',' | '|' | '#') || c.is_control()
}

fn in_a_name(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || "_-".contains(c))
}

/// Text with what has a meaning somewhere, and whatever else.
fn hostile() -> impl Strategy<Value = String> {
    let special = proptest::sample::select(
        ":|@#,\n\r\0 ;=/._-{}'\"\\é€😀a1\u{85}"
            .chars()
            .collect::<Vec<_>>(),
    );
    let part = prop_oneof![4 => special, 1 => any::<char>()];
    proptest::collection::vec(part, 0..12).prop_map(|chars| chars.into_iter().collect())
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -1e3..1e3_f64,
        Just(0.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(5e-324)
    ]
}

#[derive(Clone, Debug)]
struct Case {
    texts: Vec<String>,
    gauges: Vec<f64>,
    count: u64,
    prefix: String,
}

fn case() -> impl Strategy<Value = Case> {
    let pairs = proptest::collection::vec((hostile(), number()), 1..6);
    (pairs, any::<u64>(), hostile()).prop_map(|(pairs, count, prefix)| {
        let (texts, gauges) = pairs.into_iter().unzip();
        Case {
            texts,
            gauges,
            count,
            prefix,
        }
    })
}

/// Everything that a server gets: a counter and a gauge for each text, told apart by the label `n`.
fn sent(case: &Case, config: &StatsdConfig) -> Result<Vec<Line>, TestCaseError> {
    let test = test(config);
    let counter = test.collector.counter("a/counter").labels(["n", "text"]);
    let counter = counter.build().expect("valid");
    let gauge = test.collector.gauge("b.gauge").labels(["n", "text"]);
    let gauge = gauge.build().expect("valid");
    for (n, (text, value)) in case.texts.iter().zip(&case.gauges).enumerate() {
        let labels = [n.to_string(), text.clone()];
        counter.with(labels.clone()).expect("valid").add(case.count);
        gauge.with(labels).expect("valid").set(*value);
    }
    test.export().expect("sent");
    let unsupported = case.gauges.iter().filter(|v| !v.is_finite()).count() as u64;
    let stats = test.stats();
    prop_assert_eq!(stats.dropped_total(), unsupported);
    prop_assert_eq!(stats.taken, stats.exported + unsupported);
    let mut lines = Vec::new();
    for datagram in test.wire.take() {
        let parsed = parse(&datagram);
        prop_assert!(parsed.is_some(), "{:?}", datagram);
        lines.extend(parsed.into_iter().flatten());
    }
    Ok(lines)
}

/// What a server makes of the lines of the gauge number `n`.
fn gauge_value<'a>(lines: impl Iterator<Item = &'a Line>) -> Option<f64> {
    let mut now: Option<f64> = None;
    for line in lines.filter(|line| line.kind == "g") {
        // A sign is a change, and a gauge that is not there yet is 0.
        now = Some(if line.value < 0.0 {
            now.unwrap_or(1e9) + line.value
        } else {
            line.value
        });
    }
    now
}

fn check<'a>(
    case: &Case,
    n: usize,
    lines: impl Iterator<Item = &'a Line> + Clone,
) -> Result<(), TestCaseError> {
    let counters: Vec<_> = lines.clone().filter(|line| line.kind == "c").collect();
    prop_assert_eq!(counters.len(), 1);
    prop_assert_eq!(counters[0].value.to_bits(), (case.count as f64).to_bits());
    let value = case.gauges[n];
    let wanted = value.is_finite().then_some(value);
    prop_assert_eq!(gauge_value(lines), wanted);
    Ok(())
}

proptest! {
    #[test]
    fn tags_read_back(case in case()) {
        let lines = sent(&case, &tagged().prefix(&case.prefix))?;
        for line in &lines {
            prop_assert!(line.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)));
            prop_assert!(line.name.ends_with("a_counter") || line.name.ends_with("b.gauge"));
            prop_assert_eq!(&line.tags["service"], "shop_1");
        }
        for (n, text) in case.texts.iter().enumerate() {
            let of_n = lines.iter().filter(|line| line.tags["n"] == n.to_string());
            check(&case, n, of_n.clone())?;
            for line in of_n {
                let found = line.tags.get("text").map_or("", |found| found);
                prop_assert!(is_readable(found, text, in_a_tag), "{:?} of {:?}", found, text);
                prop_assert_eq!(line.tags.len(), 3 + usize::from(!text.is_empty()));
            }
        }
    }

    #[test]
    fn parts_of_names_read_back(case in case()) {
        let lines = sent(&case, &plain())?;
        for (n, text) in case.texts.iter().enumerate() {
            // A label without a value is none.
            let labels = if text.is_empty() { "" } else { ".text." };
            let start = format!(".n.{n}{labels}");
            let of_n = lines.iter().filter(|line| line.name.contains(&start));
            check(&case, n, of_n.clone())?;
            for line in of_n {
                prop_assert!(line.tags.is_empty());
                let (metric, found) = line.name.split_once(&start).expect("found above");
                prop_assert!(metric == "a_counter" || metric == "b.gauge");
                prop_assert!(is_readable(found, text, in_a_name), "{:?} of {:?}", found, text);
            }
        }
    }

    /// As many values as were observed, with their sum, and all of them in the range.
    #[test]
    fn values_with_rates_read_back(
        values in proptest::collection::vec(0.001..1e4_f64, 1..300),
        text in hostile(),
        is_exponential in any::<bool>(),
    ) {
        let test = test(&tagged().histograms(HistogramForm::Distribution));
        let wait = test.collector.histogram("wait").labels(["text"]);
        let wait = if is_exponential { wait.exponential() } else { wait };
        let wait = wait.build().expect("valid").with([text]).expect("valid");
        for value in &values {
            wait.observe(*value);
        }
        test.export().expect("sent");
        let (mut count, mut sum) = (0, 0.0);
        for datagram in test.wire.take() {
            let lines = parse(&datagram);
            prop_assert!(lines.is_some(), "{:?}", datagram);
            for line in lines.into_iter().flatten() {
                prop_assert_eq!(&*line.kind, "d");
                let n = (1.0 / line.rate) as u64;
                count += n;
                sum += line.value * n as f64;
            }
        }
        prop_assert_eq!(count, values.len() as u64);
        let exact: f64 = values.iter().sum();
        prop_assert!((sum - exact).abs() <= exact * 1e-9, "{} for {}", sum, exact);
    }
}

#[test]
fn the_parser_refuses_what_is_no_line() {
    for bad in [
        "",
        "a",
        "a:1",
        "a:x|c",
        ":1|c",
        "a:1|c|?",
        "a:1|c|#b",
        "a:1|c|#b:1,b:2",
        "a:1e9|c",
        "a:1|c\n",
    ] {
        assert_eq!(parse(bad), None, "{bad:?}");
    }
    let lines = parse("a.b:-1.5|d|@0.5|#c:d:e\nf:2|g").expect("two lines");
    let tags = BTreeMap::from([("c".to_owned(), "d:e".to_owned())]);
    let (name, kind) = ("a.b".to_owned(), "d".to_owned());
    let first = Line {
        name,
        value: -1.5,
        kind,
        rate: 0.5,
        tags,
    };
    assert_eq!(lines[0], first);
    assert_eq!((&*lines[1].name, lines[1].rate), ("f", 1.0));
}
