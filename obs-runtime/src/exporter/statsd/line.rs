//! Names, tags and values. Neither dialect has an escape: what has a meaning becomes `_`.

use core::fmt::Write as _;

use crate::metrics::Number;
use crate::metrics::snapshot::Labels;

use super::Dialect;
use super::interval::sample_rate;

/// The types of DogStatsD and StatsD.
pub(super) mod kind {
    pub(in super::super) const COUNTER: &str = "c";
    pub(in super::super) const GAUGE: &str = "g";
    pub(in super::super) const DISTRIBUTION: &str = "d";
    pub(in super::super) const HISTOGRAM: &str = "h";
    pub(in super::super) const TIMER: &str = "ms";
}

/// Writes the lines of series.
#[derive(Debug)]
pub(super) struct Lines {
    dialect: Dialect,
    /// With its dot, or empty.
    prefix: String,
    /// Tags of every line whose series has no label of that name: `env`, `env:prod`.
    tags: Vec<(&'static str, String)>,
}

/// A series, or a part of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    /// What follows the name, after a dot; may be empty.
    pub(super) part: &'a str,
    pub(super) labels: &'a Labels,
}

impl Lines {
    pub(super) fn new<'a>(
        dialect: Dialect,
        prefix: &str,
        tags: impl Iterator<Item = (&'static str, &'a str)>,
    ) -> Self {
        let mut lines = Self {
            dialect,
            prefix: String::new(),
            tags: Vec::new(),
        };
        let prefix = prefix.trim_end_matches('.');
        if !prefix.is_empty() {
            name(&mut lines.prefix, prefix);
            lines.prefix.push('.');
        }
        if dialect == Dialect::DogStatsd {
            lines.tags.extend(tags.map(|(key, value)| {
                let mut text = String::new();
                tag(&mut text, key, value);
                (key, text)
            }));
        }
        lines
    }

    /// Appends `prefix.name.part:value|kind|@rate|#tags`, ended by a line feed. The value stands for `n`.
    pub(super) fn write(
        &self,
        out: &mut String,
        series: Series<'_>,
        value: Number,
        kind: &str,
        n: u64,
    ) {
        out.push_str(&self.prefix);
        name(out, series.name);
        if !series.part.is_empty() {
            out.push('.');
            out.push_str(series.part);
        }
        if self.dialect == Dialect::Plain {
            for part in series.labels.iter().flat_map(|(key, value)| [key, value]) {
                out.push('.');
                segment(out, part);
            }
        }
        out.push(':');
        number(out, value);
        out.push('|');
        out.push_str(kind);
        if n > 1 {
            out.push_str("|@");
            number(out, Number::F64(sample_rate(n)));
        }
        if self.dialect == Dialect::DogStatsd {
            self.write_tags(out, series.labels);
        }
        out.push('\n');
    }

    fn write_tags(&self, out: &mut String, labels: &Labels) {
        let mut before = "|#";
        for (key, text) in &self.tags {
            if labels.get(key).is_none() {
                out.push_str(before);
                out.push_str(text);
                before = ",";
            }
        }
        // A label without a value is none.
        for (key, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            out.push_str(before);
            tag(out, key, value);
            before = ",";
        }
    }
}

/// Returns whether StatsD has a form for a value: it knows neither infinity nor "not a number".
pub(super) fn has_form(value: Number) -> bool {
    value.as_f64().is_finite()
}

/// Writes a number in full: not every server reads an exponent.
fn number(out: &mut String, value: Number) {
    // Writing to a string cannot fail.
    let _ = match value {
        Number::U64(v) => write!(out, "{v}"),
        Number::I64(v) => write!(out, "{v}"),
        // The sign of `-0` would make it a change.
        Number::F64(0.0) => write!(out, "0"),
        Number::F64(v) => write!(out, "{v}"),
    };
}

fn replaced(out: &mut String, text: &str, keep: impl Fn(char) -> bool) {
    out.extend(text.chars().map(|c| if keep(c) { c } else { '_' }));
}

fn name(out: &mut String, text: &str) {
    replaced(out, text, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
    });
}

/// Writes a part of a name: its dots are not the name's, and it is not empty.
fn segment(out: &mut String, text: &str) {
    let text = if text.is_empty() { "_" } else { text };
    replaced(out, text, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
    });
}

/// Writes a tag, which ends at a comma, a bar or a line feed; its key ends at the first colon.
fn tag(out: &mut String, key: &str, value: &str) {
    let plain = |c: char| !c.is_control() && !matches!(c, ',' | '|' | '#');
    replaced(out, key, |c| plain(c) && c != ':');
    out.push(':');
    replaced(out, value, plain);
}
