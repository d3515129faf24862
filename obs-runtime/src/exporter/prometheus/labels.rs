//! The labels of a family's series, as text between the braces.

use core::cmp::Ordering;
use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{names, write};

/// A key with its value.
pub(super) type Label = (Cow<'static, str>, Cow<'static, str>);

/// A label name, translated once for all series.
struct Known {
    key: Cow<'static, str>,
    name: String,
    /// What precedes the value of a first label: `name="`.
    first: String,
    /// What stands between two values: `",name="`.
    next: String,
}

/// Label names of one family.
pub(super) struct LabelNames {
    known: Vec<Known>,
    /// Keys that differ in OpenTelemetry have one name here.
    ambiguous: bool,
    /// A name that the format needs for itself; may be empty.
    reserved: &'static str,
}

impl LabelNames {
    pub(super) fn new(reserved: &'static str) -> Self {
        Self {
            known: Vec::new(),
            ambiguous: false,
            reserved,
        }
    }

    /// Whether different label sets may look the same.
    pub(super) fn ambiguous(&self) -> bool {
        self.ambiguous
    }

    /// The position of a key; series of a family list their keys in the same order, so `hint` is
    /// nearly always right.
    fn find(&mut self, hint: usize, label: &Label) -> usize {
        let is = |known: &Known| same(&known.key, &label.0);
        if self.known.get(hint).is_some_and(is) {
            return hint;
        }
        self.known
            .iter()
            .position(is)
            .unwrap_or_else(|| self.learn(&label.0))
    }

    #[cold]
    #[allow(clippy::ptr_arg, reason = "a borrowed key stays borrowed")]
    fn learn(&mut self, key: &Cow<'static, str>) -> usize {
        let mut name = names::label(key);
        if name == self.reserved {
            name.insert_str(0, "exported_");
        }
        self.ambiguous |= self.known.iter().any(|known| known.name == name);
        self.known.push(Known {
            key: key.clone(),
            first: format!("{name}=\""),
            next: format!("\",{name}=\""),
            name,
        });
        self.known.len() - 1
    }

    /// Writes `a="x",b="y"`; nothing without labels.
    pub(super) fn write(&mut self, out: &mut String, labels: &[Label]) {
        let start = out.len();
        self.write_after(out, labels, 0, &mut Vec::new(), start);
    }

    /// Writes a whole line's head: `name{a="x",b="y"} `. The first `common` labels are those of the
    /// line before and are copied from there: sorted series share most of their labels.
    pub(super) fn write_head(
        &mut self,
        out: &mut String,
        name: &str,
        labels: &[Label],
        common: usize,
        line: &mut Line,
    ) {
        let start = out.len();
        let reused = if self.ambiguous {
            0
        } else {
            common.min(line.ends.len())
        };
        if let Some(end) = reused.checked_sub(1).and_then(|last| line.ends.get(last)) {
            out.extend_from_within(line.start..line.start + end);
        } else {
            out.push_str(name);
            out.push('{');
        }
        line.start = start;
        self.write_after(out, labels, reused, &mut line.ends, start);
        out.push_str("} ");
    }

    /// Writes the labels after the first `done` ones, and where each value ends, counted from
    /// `line`.
    fn write_after(
        &mut self,
        out: &mut String,
        labels: &[Label],
        done: usize,
        ends: &mut Vec<usize>,
        line: usize,
    ) {
        let start = out.len();
        ends.truncate(done);
        for (hint, label) in labels.iter().enumerate().skip(done) {
            let at = self.find(hint, label);
            self.open(out, at, hint == 0);
            write::label_value(out, &label.1);
            ends.push(out.len() - line);
        }
        if self.ambiguous {
            out.truncate(start);
            self.write_joined(out, labels);
        } else if !labels.is_empty() {
            out.push('"');
        }
    }

    fn open(&self, out: &mut String, at: usize, first: bool) {
        let known = &self.known[at];
        out.push_str(if first { &known.first } else { &known.next });
    }

    /// Values of keys with one name are joined by `;`, in the order of the keys (OpenTelemetry
    /// specification, "Prometheus and OpenMetrics compatibility", metric attributes).
    fn write_joined(&mut self, out: &mut String, labels: &[Label]) {
        let mut joined: BTreeMap<usize, String> = BTreeMap::new();
        // `labels` are sorted by key.
        for (hint, label) in labels.iter().enumerate() {
            let at = self.find(hint, label);
            let name = &self.known[at].name;
            let first = self.known.iter().position(|known| known.name == *name);
            joined
                .entry(first.unwrap_or(at))
                .and_modify(|all| {
                    all.push(';');
                    all.push_str(&label.1);
                })
                .or_insert_with(|| label.1.clone().into_owned());
        }
        let end = if joined.is_empty() { "" } else { "\"" };
        for (index, (at, value)) in joined.into_iter().enumerate() {
            self.open(out, at, index == 0);
            write::label_value(out, &value);
        }
        out.push_str(end);
    }
}

/// The line of the last series: where it starts, and where its label values end, from there.
#[derive(Default)]
pub(super) struct Line {
    start: usize,
    ends: Vec<usize>,
}

/// Keys of a family are mostly the same piece of memory.
fn same(a: &str, b: &str) -> bool {
    core::ptr::eq(a, b) || a == b
}

/// The order of label sets, which is that of their pairs; and how many of the first pairs are equal.
pub(super) fn compare(a: &[Label], b: &[Label]) -> (Ordering, usize) {
    for (common, ((key_a, value_a), (key_b, value_b))) in a.iter().zip(b).enumerate() {
        if !same(key_a, key_b) {
            return (key_a.cmp(key_b), common);
        }
        match value_a.cmp(value_b) {
            Ordering::Equal => {}
            order => return (order, common),
        }
    }
    (a.len().cmp(&b.len()), a.len().min(b.len()))
}
