//! The libraries that make instruments through OpenTelemetry's API. Each is a namespace: what one
//! calls a metric concerns no other (OpenTelemetry metrics SDK, "Duplicate instrument registration").
//!
//! Within a library a name may be given twice too, to a counter and a histogram say. Both count: a
//! definition that clashes goes into a collector of its own, and a line says what to do. A meter
//! without a name is the program's own, whose metrics are among those of `counter!`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, OnceLock};

use ::opentelemetry::{InstrumentationScope, KeyValue};

use super::observed::{self, Observed};
use crate::fork::Process;
use crate::lock::lock;
use crate::metrics::{Library, LibraryAttribute, MetricFamily, MetricSource, MetricsCollector};
use crate::scope::{Extension, Scope};
use crate::trace::bridge::data;
use crate::{Error, self_log};

/// The most libraries that are namespaces; instruments of further ones are the program's own. A
/// program may make up names.
const MOST: usize = 256;

/// The most definitions of one name in a library.
const MOST_OF_A_NAME: usize = 8;

/// The most lines about definitions of a library, which bounds the memory too.
const MOST_LINES: usize = 64;

/// All libraries of one `Observability`.
#[derive(Debug)]
pub(crate) struct Meters {
    /// The process that made it: in a forked child the locks may be held for ever.
    process: Process,
    /// The scope's.
    metrics: OnceLock<MetricsCollector>,
    /// In the order in which they came.
    all: Mutex<Vec<Arc<Namespace>>>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            process: Process::current(),
            metrics: OnceLock::new(),
            all: Mutex::default(),
        }
    }
}

impl Extension for Meters {
    fn attach(self: &Arc<Self>, scope: &Scope) {
        self.metrics.get_or_init(|| scope.metrics.clone());
        scope.sources.add_own(Arc::<Self>::clone(self));
    }
}

impl MetricSource for Meters {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        // Outside of the lock: a callback may make instruments.
        let all = lock(&self.all).clone();
        for namespace in all {
            namespace.collect(out);
        }
    }
}

impl Meters {
    /// Returns the namespace of a library; the first request makes it.
    pub(super) fn of(&self, scope: &InstrumentationScope) -> Arc<Namespace> {
        if !self.process.is_current() {
            return Arc::new(Namespace::new(scope.clone(), MetricsCollector::new()));
        }
        let mut all = lock(&self.all);
        let known = |all: &[Arc<Namespace>], scope: &InstrumentationScope| {
            let found = all.iter().find(|namespace| namespace.scope == *scope);
            found.map(Arc::clone)
        };
        let unnamed = InstrumentationScope::default();
        let mut scope = if scope.name().is_empty() {
            &unnamed
        } else {
            scope
        };
        if let Some(namespace) = known(&all, scope) {
            return namespace;
        }
        if all.len() >= MOST && !scope.name().is_empty() {
            self_log::once(format!(
                "opentelemetry: more than {MOST} libraries make meters: the metrics of further ones are \
                 those of none; make a meter once, with a name that does not change"
            ));
            scope = &unnamed;
            if let Some(namespace) = known(&all, scope) {
                return namespace;
            }
        }
        let metrics = self.metrics.get().cloned().unwrap_or_default();
        let namespace = Arc::new(Namespace::new(scope.clone(), metrics));
        all.push(Arc::clone(&namespace));
        namespace
    }
}

/// The instruments of one library.
#[derive(Debug)]
pub(super) struct Namespace {
    /// The process that made it: in a forked child the locks may be held for ever.
    process: Process,
    scope: InstrumentationScope,
    /// The first takes whatever does not clash. Never empty.
    layers: Mutex<Vec<Layer>>,
    observed: Mutex<Vec<Arc<Observed>>>,
    of_observed: Arc<Library>,
    /// The lines that have been written, by the names of metrics.
    said: Mutex<BTreeMap<String, String>>,
}

#[derive(Clone, Debug)]
struct Layer {
    /// None of the scope's own collector, which others collect.
    library: Option<Arc<Library>>,
    collector: MetricsCollector,
}

impl Namespace {
    fn new(scope: InstrumentationScope, metrics: MetricsCollector) -> Self {
        let library = library(&scope);
        let of_observed = Arc::new(library.beside());
        let first = if scope.name().is_empty() {
            Layer {
                library: None,
                collector: metrics,
            }
        } else {
            Layer {
                library: Some(Arc::new(library)),
                collector: metrics.beside(),
            }
        };
        Self {
            process: Process::current(),
            scope,
            layers: Mutex::new(vec![first]),
            observed: Mutex::default(),
            of_observed,
            said: Mutex::default(),
        }
    }

    /// Makes an instrument where its definition does not clash.
    ///
    /// # Errors
    /// When it is not valid, and when a name has very many definitions.
    pub(super) fn make<I>(
        &self,
        name: &str,
        define: impl Fn(&MetricsCollector) -> Result<I, Error>,
    ) -> Result<I, Error> {
        if !self.process.is_current() {
            // Nobody collects it here.
            return define(&MetricsCollector::new());
        }
        let mut layers = lock(&self.layers);
        let mut clash = None;
        for layer in layers.iter() {
            match define(&layer.collector) {
                Ok(made) => {
                    drop(layers);
                    self.say_twice(name, clash.as_ref());
                    return Ok(made);
                }
                Err(error) => {
                    clash.get_or_insert(error);
                }
            }
        }
        if let Some(error) = clash.take_if(|_| layers.len() >= MOST_OF_A_NAME) {
            return Err(error);
        }
        let collector = layers[0].collector.beside();
        let made = define(&collector)?;
        layers.push(Layer {
            library: Some(Arc::new(self.of_observed.beside())),
            collector,
        });
        drop(layers);
        self.say_twice(name, clash.as_ref());
        Ok(made)
    }

    /// Adds an instrument whose values are asked for.
    ///
    /// # Errors
    /// When there are very many.
    pub(super) fn add(&self, new: Observed) -> Result<(), Error> {
        if !self.process.is_current() {
            return Ok(());
        }
        let name = new.name.clone();
        let clash = observed::add(&mut lock(&self.observed), new)?;
        self.say_twice(&name, clash.as_ref());
        Ok(())
    }

    /// Returns whether an instrument of this name is not asked for its values.
    fn counts(&self, name: &str) -> bool {
        let layers = lock(&self.layers);
        layers.iter().any(|layer| layer.collector.has(name))
    }

    fn say_twice(&self, name: &str, clash: Option<&Error>) {
        let both = || {
            let observed = lock(&self.observed);
            let is_both = observed.iter().any(|o| o.is_named(name)) && self.counts(name);
            is_both.then(|| observed::both(name))
        };
        let both = if clash.is_none() { both() } else { None };
        let clash = clash.or(both.as_ref());
        if let Some(error) = clash {
            let more =
                "until then both are exported under this name, and a back end may refuse one";
            self.say(name, &format!("{error}; {more}"));
        }
    }

    /// Writes a line about a metric, once.
    pub(super) fn say(&self, name: &str, what: &str) {
        if !self.process.is_current() {
            return;
        }
        let mut said = lock(&self.said);
        if said.len() < MOST_LINES
            && let Entry::Vacant(new) = said.entry(name.to_ascii_lowercase())
        {
            let library = self.scope.name();
            let line = format!("opentelemetry: library {library:?}: {what}");
            self_log::once(new.insert(line).clone());
        }
    }

    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let layers = lock(&self.layers).clone();
        for layer in layers {
            if let Some(library) = &layer.library {
                layer.collector.collect_of(Some(library), out);
            }
        }
        let observed = lock(&self.observed).clone();
        observed::collect(&observed, &self.of_observed, out);
    }
}

fn library(scope: &InstrumentationScope) -> Library {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned().into();
    let attribute = |pair: &KeyValue| -> LibraryAttribute {
        let value = pair.value.clone();
        let words = value.as_str().into_owned();
        (data::key(pair.key.clone()), data::value(value), words)
    };
    let mut attributes: Vec<_> = scope.attributes().map(attribute).collect();
    attributes.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    Library::new(
        text(Some(scope.name())),
        text(scope.version()),
        text(scope.schema_url()),
        attributes,
    )
}

#[cfg(test)]
#[path = "namespace_tests.rs"]
mod tests;
