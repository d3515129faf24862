//! Series that the program has told of before they count anything: its caches, steps and routes.
//!
//! They are made when the program makes what is counted, which may be before an `Observability` is
//! installed. So the process remembers them, and each that is installed shows them with 0.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

use super::Scope;
use crate::fork::PerProcess;
use crate::lock::lock;
use crate::semconv::MetricDef;

/// Labels in the order of their names.
type Labels = Vec<(&'static str, Cow<'static, str>)>;

/// Series that are remembered. A program that makes up names has its series when it counts.
const MOST: usize = 8_000;

/// A counter by its name, and the labels of a series of it.
type Known = Vec<(&'static MetricDef, Labels)>;

/// Those in the order in which they were told, and which there are.
#[derive(Default)]
struct Told {
    known: Known,
    seen: HashSet<(&'static str, Labels)>,
}

fn told() -> MutexGuard<'static, Told> {
    static TOLD: PerProcess<Mutex<Told>> = PerProcess::new(Mutex::default);
    lock(&TOLD)
}

/// Remembers a series of a counter; an empty value is no label.
pub(crate) fn tell(def: &'static MetricDef, labels: &[(&'static str, &str)]) {
    let given = labels.iter().filter(|(_, value)| !value.is_empty());
    let given = given.map(|(name, value)| (*name, Cow::Owned((*value).to_owned())));
    let mut given: Labels = given.collect();
    given.sort_unstable();
    let mut told = told();
    if told.seen.len() >= MOST || !told.seen.insert((def.name, given.clone())) {
        return;
    }
    told.known.push((def, given.clone()));
    drop(told);
    if let Some(installed) = super::by_id(0) {
        count_ahead(&installed, def, &given);
    }
}

/// Shows the series that were told of before.
pub(super) fn show(scope: &Scope) {
    let told = told();
    for (def, labels) in &told.known {
        count_ahead(scope, def, labels);
    }
}

fn count_ahead(scope: &Scope, def: &MetricDef, labels: &Labels) {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    scope.metrics.count_ahead(def, &labels);
}
