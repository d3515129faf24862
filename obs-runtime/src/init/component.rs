//! Exporters and domains as an `Observability` sees them: each configures and starts itself in its own folder.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::init::selection::Selection;
use crate::metrics::MetricSource;
use crate::processor::sink::{LogSink, MetricReader, SpanSink};
use crate::scope::{Exports, Scope};
use crate::self_log;
use crate::self_obs::ExporterCounters;
use crate::vars::Vars;

/// An exporter or a domain: its configuration, until it has started.
///
/// Its folder holds the methods of [`Builder`](crate::Builder) that configure it, and of
/// [`Handle`](crate::Handle) that ask it; `lib.rs` names it once, in `COMPONENTS`.
pub(crate) trait Component: Any + Send {
    /// Takes from the environment what the program left open. Does nothing else: no file, no thread.
    fn resolve(&mut self, env: &mut Environment<'_>) {
        let _ = env;
    }

    /// Starts what is asked for, and adds it to `startup`.
    ///
    /// # Errors
    /// When the program asks for what cannot be. What may fail in a deployment is a
    /// [problem](Startup::problem) instead.
    fn start(&mut self, startup: &mut Startup) -> Result<(), Error>;

    /// Shows what a program records that configures nothing, if the component can do so unasked.
    fn unconfigured(&mut self, startup: &mut Startup) -> Unconfigured {
        let _ = startup;
        Unconfigured::Nothing
    }

    /// Runs once everything has started.
    fn started(&mut self, scope: &Scope) {
        let _ = scope;
    }
}

/// What a component does for a program that configures nothing.
pub(crate) enum Unconfigured {
    Nothing,
    /// It shows what is recorded, or knows that the program does not want that.
    #[allow(dead_code, reason = "constructed by the feature console")]
    Settled,
    /// It could, if it were told to: a sentence that says how.
    #[allow(dead_code, reason = "constructed by features that export")]
    Hint(&'static str),
}

/// What the environment says, for the configuration that is to be filled from it.
pub(crate) struct Environment<'a> {
    pub(crate) vars: Vars<'a>,
    /// The exporters that it selects.
    pub(crate) selection: Selection,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(mut vars: Vars<'a>) -> Self {
        let selection = Selection::read(crate::SELECTABLE, &mut vars);
        let mut env = Self { vars, selection };
        env.selection.check(crate::SELECTABLE, &mut env.vars);
        env
    }
}

/// The components that a builder was told about: one of each type.
#[derive(Default)]
pub(crate) struct Components(HashMap<TypeId, Box<dyn Component>>);

/// Takes a component out of a builder's, or makes one that was told nothing.
pub(crate) type Take = fn(&mut Components) -> Box<dyn Component>;

/// Is the [`Take`] of one type.
pub(crate) fn of<C: Component + Default>(from: &mut Components) -> Box<dyn Component> {
    let told = from.0.remove(&TypeId::of::<C>());
    told.unwrap_or_else(|| Box::<C>::default())
}

impl Components {
    /// Returns the component of a type; the first request makes it.
    pub(crate) fn get_mut<C: Component + Default>(&mut self) -> &mut C {
        let make = || -> Box<dyn Component> { Box::<C>::default() };
        let found = self.0.entry(TypeId::of::<C>()).or_insert_with(make);
        match (&mut **found as &mut dyn Any).downcast_mut() {
            Some(found) => found,
            None => unreachable!("the key is the type"),
        }
    }

    /// Takes all of them, in the order of `COMPONENTS`, with those that were told nothing.
    pub(super) fn take_all(mut self) -> Vec<Box<dyn Component>> {
        let listed = crate::COMPONENTS.iter().map(|take| take(&mut self));
        let mut all: Vec<_> = listed.collect();
        // What is on no list starts too, if it was told something.
        all.extend(self.0.into_values());
        all
    }
}

/// What a component starts with, and what it adds to.
pub(crate) struct Startup {
    pub(crate) scope: Arc<Scope>,
    /// What takes finished spans from the drain.
    pub(crate) span_sinks: Vec<Box<dyn SpanSink>>,
    /// What takes log records from the drain.
    pub(crate) log_sinks: Vec<Box<dyn LogSink>>,
    /// What takes metrics at times of its own. The end of the scope ends them in this order.
    pub(crate) readers: Vec<Box<dyn MetricReader>>,
    /// How many log records may wait for the drain, if something says so.
    pub(crate) log_queue: Option<usize>,
    is_strict: bool,
    problems: Vec<String>,
}

impl Startup {
    pub(super) fn new(scope: &Arc<Scope>, is_strict: bool, sinks: Sinks) -> Self {
        Self {
            scope: Arc::clone(scope),
            span_sinks: sinks.spans,
            log_sinks: sinks.logs,
            readers: Vec::new(),
            log_queue: None,
            is_strict,
            problems: Vec::new(),
        }
    }

    /// Notes what does not work: a line of `health`, said once whoever runs into it.
    ///
    /// # Errors
    /// Where the program wants no such thing ([`Builder::strict`](crate::Builder::strict)).
    pub(crate) fn problem(&mut self, problem: String) -> Result<(), Error> {
        if self.is_strict {
            return Err(Error::config(problem));
        }
        if !self.problems.contains(&problem) {
            self_log::once(problem.clone());
            self.problems.push(problem);
        }
        Ok(())
    }

    /// Returns whether nothing takes what is recorded, and nothing that should has failed to start.
    pub(super) fn is_idle(&self) -> bool {
        self.span_sinks.is_empty()
            && self.log_sinks.is_empty()
            && self.readers.is_empty()
            && self.problems.is_empty()
    }

    /// Returns the metrics of the scope: of functions, instruments and sources.
    pub(crate) fn metrics(&self) -> Arc<dyn MetricSource> {
        Arc::clone(&self.scope) as Arc<dyn MetricSource>
    }

    /// Adds a reader of metrics that sends them, with its account.
    pub(crate) fn add_reader(
        &mut self,
        reader: impl MetricReader + 'static,
        account: Arc<ExporterCounters>,
    ) {
        self.scope.add_exporter(Exports::Metrics, account);
        self.readers.push(Box::new(reader));
    }

    /// Makes the problems lines of `health`.
    pub(super) fn publish_problems(&mut self) {
        self.scope.add_problems(std::mem::take(&mut self.problems));
    }
}

/// Sinks that a scope has besides those of its components: where a capture keeps what it sees.
#[derive(Default)]
pub(crate) struct Sinks {
    pub(crate) spans: Vec<Box<dyn SpanSink>>,
    pub(crate) logs: Vec<Box<dyn LogSink>>,
}
