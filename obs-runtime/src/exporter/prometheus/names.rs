//! OpenTelemetry's names in Prometheus' words (OpenTelemetry specification, "Prometheus and
//! OpenMetrics compatibility"; the strategy `UnderscoreEscapingWithSuffixes`).

/// UCUM units and the words that Prometheus users know.
const UNITS: [(&str, &str); 27] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tebibytes"),
    ("kBy", "kilobytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
    // A pure number; the `_ratio` of older exporters is not in the specification.
    ("1", ""),
];

/// What may stand after the `/` of a rate.
const PER: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// Returns the name of a metric: words joined by `_`, then the unit, then `total` for counters if it is wanted.
///
/// `function.calls.duration` in `s` is `function_calls_duration_seconds`.
pub(super) fn metric(name: &str, unit: &str, counter: bool, total: bool) -> String {
    let mut words = underscored(name);
    if words.starts_with(|c: char| c.is_ascii_digit()) {
        words.insert(0, '_');
    }
    if counter && let Some(bare) = words.strip_suffix("_total") {
        words.truncate(bare.len());
    }
    let unit = self::unit(unit);
    if !unit.is_empty() && !has_suffix(&words, &unit) {
        words.push('_');
        words.push_str(&unit);
    }
    if total {
        words.push_str("_total");
    }
    words
}

fn has_suffix(name: &str, unit: &str) -> bool {
    let before = name.strip_suffix(unit);
    before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
}

/// Returns the name of a label. Keys that begin with a digit get `key_` before it. No name begins with two underscores,
/// which Prometheus keeps for itself, because runs of them become one.
pub(super) fn label(key: &str) -> String {
    let mut words = underscored(key);
    if words.is_empty() {
        words.push('_');
    }
    if words.starts_with(|c: char| c.is_ascii_digit()) {
        words.insert_str(0, "key_");
    }
    words
}

/// Letters and digits stay; runs of anything else become one `_`.
fn underscored(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    out
}

/// Returns a unit in words; empty if it is none.
pub(super) fn unit(unit: &str) -> String {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let (main, per) = (without_annotation(main), without_annotation(per));
    let word = |table: &[(&str, &'static str)], unit: &str| {
        let known = table.iter().find(|(ucum, _)| *ucum == unit);
        known.map(|(_, word)| (*word).to_owned())
    };
    let main = word(&UNITS, &main).unwrap_or_else(|| underscored(&main));
    let mut words = main.trim_matches('_').to_owned();
    if !per.is_empty() {
        let per = word(&PER, &per).unwrap_or_else(|| underscored(&per));
        if !words.is_empty() {
            words.push('_');
        }
        words.push_str("per_");
        words.push_str(per.trim_matches('_'));
    }
    words
}

/// Removes annotations: `{request}` says what is counted and is no unit.
fn without_annotation(unit: &str) -> String {
    let mut out = String::new();
    let mut rest = unit;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = rest[open..]
            .find('}')
            .map_or("", |close| &rest[open + close + 1..]);
    }
    out.push_str(rest);
    out.trim().to_owned()
}
