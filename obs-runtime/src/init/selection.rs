//! Which exporters the environment selects: `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`.

use crate::vars::Vars;

/// An exporter that the environment can select. The list of them stands in `lib.rs`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selectable {
    name: &'static str,
    /// The feature of this crate that brings it, and whether it is there.
    feature: &'static str,
    is_built_in: bool,
    /// A variable that asks for it too.
    variable: Option<&'static str>,
    metrics_only: bool,
}

impl Selectable {
    /// An exporter that a feature of this crate brings.
    pub(crate) const fn new(name: &'static str, feature: &'static str, is_built_in: bool) -> Self {
        Self {
            name,
            feature,
            is_built_in,
            variable: None,
            metrics_only: false,
        }
    }

    /// Names a variable that asks for the exporter too.
    pub(crate) const fn variable(mut self, name: &'static str) -> Self {
        self.variable = Some(name);
        self
    }

    /// Takes neither traces nor logs.
    pub(crate) const fn metrics_only(mut self) -> Self {
        self.metrics_only = true;
        self
    }
}

/// What one variable selects: nothing is said if it is not set, or names nothing that is known.
#[derive(Debug, Default)]
pub(crate) struct Selected(Option<Vec<&'static str>>);

impl Selected {
    /// Returns whether an exporter is selected, if anything is said.
    pub(crate) fn has(&self, exporter: &str) -> Option<bool> {
        self.0.as_ref().map(|names| names.contains(&exporter))
    }
}

/// What the three variables select.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) traces: Selected,
    pub(crate) metrics: Selected,
    pub(crate) logs: Selected,
}

impl Selection {
    /// Returns whether a variable selects exporters, or none.
    pub(super) fn says_something(&self) -> bool {
        let lists = [&self.traces, &self.metrics, &self.logs];
        lists.iter().any(|list| list.0.is_some())
    }

    /// Reads the variables, and notes what of them is not known.
    pub(super) fn read(known: &[Selectable], vars: &mut Vars<'_>) -> Self {
        let any: Vec<_> = known.iter().filter(|e| !e.metrics_only).collect();
        let all: Vec<_> = known.iter().collect();
        Self {
            traces: read("OTEL_TRACES_EXPORTER", &any, vars),
            metrics: read("OTEL_METRICS_EXPORTER", &all, vars),
            logs: read("OTEL_LOGS_EXPORTER", &any, vars),
        }
    }

    /// Notes what asks for an exporter that is not built in.
    pub(super) fn check(&self, known: &[Selectable], vars: &mut Vars<'_>) {
        for exporter in known.iter().filter(|e| !e.is_built_in) {
            let variable = exporter.variable;
            let variable = variable.filter(|name| vars.text(name).is_some());
            let lists = [
                ("OTEL_TRACES_EXPORTER", &self.traces),
                ("OTEL_METRICS_EXPORTER", &self.metrics),
                ("OTEL_LOGS_EXPORTER", &self.logs),
            ];
            let lists = lists.into_iter();
            let lists = lists.filter(|(_, list)| list.has(exporter.name) == Some(true));
            for name in variable.into_iter().chain(lists.map(|(name, _)| name)) {
                vars.note(format!(
                    "{name} does nothing: enable feature `{}` of obs-runtime",
                    exporter.feature
                ));
            }
        }
    }
}

fn read(name: &str, known: &[&Selectable], vars: &mut Vars<'_>) -> Selected {
    let list = vars.text(name).unwrap_or_default();
    let mut selected = None;
    for entry in list.split(',').map(str::trim).filter(|e| !e.is_empty()) {
        let found = known.iter().find(|e| e.name == entry);
        if found.is_some() || entry == "none" {
            let names = selected.get_or_insert_with(Vec::new);
            names.extend(found.map(|e| e.name));
        } else {
            let names: Vec<_> = known.iter().map(|e| e.name).collect();
            vars.bad(name, entry, &format!("{} or none", names.join(", ")));
        }
    }
    Selected(selected)
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
