//! The names of steps: a callsite for each, so that calls of steps are counted and timed as those of functions are.

use core::panic::Location;
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use crate::callsite::{Callsite, CallsiteSpec, Construct, More, Source};
use crate::fork::PerProcess;
use crate::lock::lock;
use crate::metrics::limits::{MAX_SERIES, OVERFLOW};
use crate::registry;
use crate::self_log;
use crate::semconv::attribute;
use crate::words::words;

words! {
    /// What a step does with those inside of it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum StepKind {
        /// It is code of the program.
        Function => "function",
        /// It runs steps one after the other.
        Sequence => "sequence",
        /// It runs steps at the same time.
        Parallel => "parallel",
        /// It runs one of several steps.
        Router => "router",
        /// It runs a step if its value is not known yet.
        Cache => "cache",
        /// It ends a step that takes too long.
        Timeout => "timeout",
        /// It runs a step again that fails.
        Retry => "retry",
        /// It runs another step if one fails.
        Fallback => "fallback",
        /// It is a workflow as a whole.
        Workflow => "workflow",
    }
}

/// The longest name of what has none of its own, in characters: it is made of those of its steps.
const LONGEST: usize = 80;

/// A step as spans and metrics show it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub(super) kind: StepKind,
    pub(super) site: &'static Callsite,
}

/// The label of what is named after its steps. The first call of it as a whole makes it: most are a part of something
/// larger.
#[derive(Debug)]
pub(super) struct MadeLabel {
    at: &'static Location<'static>,
    label: OnceLock<Label>,
}

impl MadeLabel {
    pub(super) const fn new(at: &'static Location<'static>) -> Self {
        Self {
            at,
            label: OnceLock::new(),
        }
    }

    /// The place where it was put together.
    pub(super) const fn place(&self) -> &'static Location<'static> {
        self.at
    }

    /// Returns the label, whose name is written once.
    pub(super) fn get(&self, kind: StepKind, write_name: impl FnOnce(&mut String)) -> Label {
        *self.label.get_or_init(|| {
            let mut name = String::new();
            write_name(&mut name);
            Label::new(kind, &name, self.at)
        })
    }
}

type Known = HashMap<(StepKind, String, &'static Location<'static>), &'static Callsite>;

/// Every step that was made. Its callsite is never freed: records that name it may lie in any buffer.
static KNOWN: PerProcess<Mutex<Known>> = PerProcess::new(Mutex::default);

impl Label {
    /// Returns the label of a step; the same for steps of one name from one place.
    pub(super) fn new(kind: StepKind, name: &str, at: &'static Location<'static>) -> Self {
        let name = shortened(name);
        let mut known = lock(&KNOWN);
        let is_full = known.len() >= MAX_SERIES;
        let key = (kind, name, at);
        let site = match known.get(&key) {
            Some(site) => site,
            None if is_full => overflow(kind),
            None => {
                let shown = match kind {
                    StepKind::Function => key.1.clone(),
                    _ => format!("{} {}", kind.as_str(), key.1),
                };
                let site = leaked(kind, shown.leak(), at);
                registry::add(site);
                known.insert(key, site);
                site
            }
        };
        Self { kind, site }
    }

    /// The name of the span.
    pub(super) fn name(&self) -> &'static str {
        self.site.name()
    }
}

fn leaked(kind: StepKind, name: &'static str, at: &'static Location<'static>) -> &'static Callsite {
    // Lines of logs inside of a workflow show whose it is.
    let keys: &[&str] = match kind {
        StepKind::Workflow => &[
            attribute::OBS_WORKFLOW_ID,
            attribute::OBS_CORRELATION_ID,
            attribute::OBS_CAUSATION_ID,
            attribute::SESSION_ID,
        ],
        _ => &[],
    };
    let source = Source {
        module: "obs_runtime::steps",
        file: at.file(),
    };
    let more = More { keys, ..More::NONE };
    Box::leak(Box::new(Callsite::new(CallsiteSpec {
        construct: Construct::Span,
        more: Some(Box::leak(Box::new(more))),
        ..CallsiteSpec::new(name, Box::leak(Box::new(source)), at.line())
    })))
}

/// A program that makes up names of steps has made too many.
fn overflow(kind: StepKind) -> &'static Callsite {
    static SITES: PerProcess<Mutex<HashMap<StepKind, &'static Callsite>>> =
        PerProcess::new(Mutex::default);
    self_log::once(format!(
        "there are more than {MAX_SERIES} steps with names: further ones are recorded as `{}` and the like, \
         without theirs; names should not hold ids",
        kind.as_str()
    ));
    let mut sites = lock(&SITES);
    sites.entry(kind).or_insert_with(|| {
        let site = leaked(kind, kind.as_str(), Location::caller());
        site.with_labels(&OVERFLOW)
    })
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
#[path = "label_tests.rs"]
mod tests;
