//! Names, tags and values. Neither dialect has an escape: what has a meaning becomes `_`.

use core::fmt::Write as _;

use crate::metrics::Number;
use crate::metrics::snapshot::Labels;

use super::Dialect;

/// Writes the lines of series.
#[derive(Debug)]
pub(super) struct Lines {
    dialect: Dialect,
    /// With its dot, or empty.
    prefix: String,
    /// Tags of every line: `env:prod,service:shop`.
    tags: String,
}

impl Lines {
    pub(super) fn new<'a>(
        dialect: Dialect,
        prefix: &str,
        tags: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut lines = Self {
            dialect,
            prefix: String::new(),
            tags: String::new(),
        };
        if !prefix.is_empty() {
            name(&mut lines.prefix, prefix);
            lines.prefix.push('.');
        }
        if dialect == Dialect::DogStatsd {
            for (key, value) in tags {
                tag(&mut lines.tags, key, value);
            }
        }
        lines
    }

    /// Appends `prefix.name.suffix:value|kind|#tags`, ended by a line feed.
    pub(super) fn write(
        &self,
        out: &mut String,
        (metric, suffix): (&str, &str),
        labels: &Labels,
        value: Number,
        kind: &str,
    ) {
        out.push_str(&self.prefix);
        name(out, metric);
        out.push_str(suffix);
        if self.dialect == Dialect::Plain {
            for part in labels.iter().flat_map(|(key, value)| [key, value]) {
                out.push('.');
                segment(out, part);
            }
        }
        out.push(':');
        number(out, value);
        out.push('|');
        out.push_str(kind);
        if self.dialect == Dialect::DogStatsd && !(labels.is_empty() && self.tags.is_empty()) {
            out.push_str("|#");
            let start = out.len();
            out.push_str(&self.tags);
            for (key, value) in labels.iter() {
                if out.len() > start {
                    out.push(',');
                }
                tag_text(out, key, value);
            }
        }
        out.push('\n');
    }
}

/// StatsD knows neither infinity nor "not a number".
pub(super) fn has_form(value: Number) -> bool {
    value.as_f64().is_finite()
}

fn number(out: &mut String, value: Number) {
    // Writing to a string cannot fail.
    let _ = match value {
        Number::U64(v) => write!(out, "{v}"),
        Number::I64(v) => write!(out, "{v}"),
        Number::F64(v) if v == 0.0 || (1e-9..1e21).contains(&v.abs()) => write!(out, "{v}"),
        Number::F64(v) => write!(out, "{v:e}"),
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

/// A part of a name: its dots are not the name's.
fn segment(out: &mut String, text: &str) {
    replaced(out, text, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
    });
}

fn tag(out: &mut String, key: &str, value: &str) {
    if !out.is_empty() {
        out.push(',');
    }
    tag_text(out, key, value);
}

/// A tag ends at a comma, a bar or a line feed; its key ends at the first colon.
fn tag_text(out: &mut String, key: &str, value: &str) {
    let plain = |c: char| !c.is_control() && !matches!(c, ',' | '|' | '#');
    replaced(out, key, |c| plain(c) && c != ':');
    out.push(':');
    replaced(out, value, plain);
}
