//! The labels of a family's series, as text between the braces.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{names, write};
use crate::metrics::Labels;
use crate::metrics::labels::Names;

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
    /// The names of the last series, and which of the known ones each of them is.
    last: Option<Names>,
    columns: Vec<usize>,
    /// Keys that differ in OpenTelemetry have one name here: different label sets may look the same.
    pub(super) ambiguous: bool,
    /// A name that the format needs for itself; may be empty.
    reserved: &'static str,
}

impl LabelNames {
    pub(super) fn new(reserved: &'static str) -> Self {
        Self {
            known: Vec::new(),
            last: None,
            columns: Vec::new(),
            ambiguous: false,
            reserved,
        }
    }

    /// Points `columns` at these labels, where they nearly always are.
    #[inline]
    fn align(&mut self, labels: &Labels) {
        match (labels.names(), &self.last) {
            (Some(names), Some(last)) if Arc::ptr_eq(names, last) => {}
            (names, _) => self.realign(names),
        }
    }

    #[cold]
    fn realign(&mut self, names: Option<&Names>) {
        self.columns.clear();
        for key in names.into_iter().flat_map(|names| names.iter()) {
            let known = self.known.iter().position(|known| known.key == *key);
            let known = known.unwrap_or_else(|| self.learn(key));
            self.columns.push(known);
        }
        self.last = names.cloned();
    }

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
    pub(super) fn write(&mut self, out: &mut String, labels: &Labels) {
        self.align(labels);
        if !labels.is_empty() {
            self.write_all(out, labels, "\"");
        }
    }

    /// Writes a whole line's head: `name{a="x",b="y"} `.
    pub(super) fn write_head(&mut self, out: &mut String, name: &str, labels: &Labels) {
        self.align(labels);
        out.push_str(name);
        out.push('{');
        self.write_all(out, labels, "\"} ");
    }

    /// Writes the labels, and what closes the last value.
    #[inline]
    fn write_all(&self, out: &mut String, labels: &Labels, close: &str) {
        if self.ambiguous {
            self.write_joined(out, labels);
        } else {
            let plain = labels.is_plain();
            for (at, (column, value)) in self.columns.iter().zip(labels.values()).enumerate() {
                self.open(out, *column, at == 0);
                if plain {
                    out.push_str(value);
                } else {
                    write::label_value(out, value);
                }
            }
        }
        out.push_str(close);
    }

    #[inline]
    fn open(&self, out: &mut String, at: usize, first: bool) {
        let known = &self.known[at];
        out.push_str(if first { &known.first } else { &known.next });
    }

    /// Values of keys with one name are joined by `;`, in the order of the keys (OpenTelemetry
    /// specification, "Prometheus and OpenMetrics compatibility", metric attributes).
    fn write_joined(&self, out: &mut String, labels: &Labels) {
        let mut joined: BTreeMap<usize, String> = BTreeMap::new();
        // `labels` are sorted by key.
        for (column, (_, value)) in self.columns.iter().zip(labels) {
            let at = *column;
            let name = &self.known[at].name;
            let first = self.known.iter().position(|known| known.name == *name);
            joined
                .entry(first.unwrap_or(at))
                .and_modify(|all| {
                    all.push(';');
                    all.push_str(value);
                })
                .or_insert_with(|| value.to_owned());
        }
        for (index, (at, value)) in joined.into_iter().enumerate() {
            self.open(out, at, index == 0);
            write::label_value(out, &value);
        }
    }
}
