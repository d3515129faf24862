//! The labels of a family's series, as text between the braces.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{names, write};

/// Label names of one family, translated once each.
#[derive(Default)]
pub(super) struct LabelNames {
    known: Vec<(String, String)>,
    /// Keys that differ in OpenTelemetry have one name here.
    ambiguous: bool,
    /// A name that the format needs for itself.
    reserved: &'static str,
}

impl LabelNames {
    pub(super) fn new(reserved: &'static str) -> Self {
        Self {
            reserved,
            ..Self::default()
        }
    }

    /// Whether different label sets may look the same.
    pub(super) fn ambiguous(&self) -> bool {
        self.ambiguous
    }

    /// The position of a key; series of a family list their keys in the same order, so `hint` is
    /// nearly always right.
    fn find(&mut self, hint: usize, key: &str) -> usize {
        if self.known.get(hint).is_some_and(|(known, _)| known == key) {
            return hint;
        }
        if let Some(at) = self.known.iter().position(|(known, _)| known == key) {
            return at;
        }
        let mut name = names::label(key);
        if name == self.reserved {
            name.insert_str(0, "exported_");
        }
        self.ambiguous |= self.known.iter().any(|(_, known)| *known == name);
        self.known.push((key.to_owned(), name));
        self.known.len() - 1
    }

    /// Writes `a="x",b="y"`; nothing without labels.
    pub(super) fn write(
        &mut self,
        out: &mut String,
        labels: &[(Cow<'static, str>, Cow<'static, str>)],
    ) {
        let start = out.len();
        for (hint, (key, value)) in labels.iter().enumerate() {
            let at = self.find(hint, key);
            pair(out, start, &self.known[at].1, value);
        }
        if self.ambiguous {
            out.truncate(start);
            self.write_joined(out, labels);
        }
    }

    /// Values of keys with one name are joined by `;`, in the order of the keys (OpenTelemetry
    /// specification, "Prometheus and OpenMetrics compatibility", metric attributes).
    fn write_joined(
        &mut self,
        out: &mut String,
        labels: &[(Cow<'static, str>, Cow<'static, str>)],
    ) {
        let start = out.len();
        let mut joined: BTreeMap<usize, String> = BTreeMap::new();
        // `labels` are sorted by key.
        for (hint, (key, value)) in labels.iter().enumerate() {
            let at = self.find(hint, key);
            let same = |(_, name): &(String, String)| *name == self.known[at].1;
            let first = self.known.iter().position(same).unwrap_or(at);
            joined
                .entry(first)
                .and_modify(|all| {
                    all.push(';');
                    all.push_str(value);
                })
                .or_insert_with(|| value.clone().into_owned());
        }
        for (at, value) in joined {
            pair(out, start, &self.known[at].1, &value);
        }
    }
}

fn pair(out: &mut String, start: usize, name: &str, value: &str) {
    if out.len() > start {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    write::label_value(out, value);
    out.push('"');
}
