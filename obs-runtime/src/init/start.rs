//! From a configuration to a running `Observability`.

use std::sync::Arc;

use crate::clock;
use crate::error::Error;
use crate::init::builder::Builder;
use crate::init::component::{Component, Sinks, Startup, Unconfigured};
use crate::init::config::Config;
use crate::init::observability::Observability;
use crate::init::{exit, resource};
use crate::memory;
use crate::metrics::{MetricsCollector, exemplar};
use crate::panics;
use crate::processor::drain;
use crate::processor::logs::Logs;
use crate::processor::redaction::SpanRedaction;
use crate::processor::scope_drain::ScopeDrain;
use crate::redact::custom as custom_redaction;
use crate::scope::{Exports, Scope};
use crate::self_log;
use crate::trace::local::local;
use crate::trace::{gate, sampler};
use crate::vars::Vars;

/// A program that asks for what was compiled out is told so.
fn can_record() -> Result<(), Error> {
    if cfg!(not(any(feature = "record", test))) {
        return Err(Error::config(
            "recording is compiled out: nothing of obs-runtime's features brought `record` with it. A program \
             takes the default features, or `features = [\"record\"]`; a library goes without",
        ));
    }
    if !clock::EXISTS {
        return Err(Error::config(
            "this target has no clock and no threads (wasm32-unknown-unknown): nothing is recorded. Annotated \
             functions run as they are; leave `install` out where `target_os = \"unknown\"`",
        ));
    }
    Ok(())
}

pub(super) fn start(
    builder: Builder,
    id: u16,
    vars: Vars<'_>,
    sinks: Sinks,
) -> Result<Observability, Error> {
    can_record()?;
    let (mut config, problems) = Config::resolve(builder, vars)?;
    set_process(&config, id);
    let detects = id == 0 && config.detects_resource;
    let resource = resource::describe(&config.resource, config.fallback, detects);
    let scope = Arc::new(Scope::new(id, resource, MetricsCollector::new()));
    if config.is_disabled {
        return Ok(Observability::running(scope, Vec::new()));
    }
    let mut startup = Startup::new(&scope, config.is_strict, sinks);
    for problem in problems {
        startup.problem(problem)?;
    }
    for component in &mut config.components {
        component.start(&mut startup)?;
    }
    if config.shows_unconfigured && startup.is_idle() {
        show_unconfigured(&mut config.components, &mut startup);
    }
    startup.publish_problems();
    for sink in &startup.span_sinks {
        scope.add_exporter(Exports::Spans, sink.stats());
    }
    for sink in &startup.log_sinks {
        scope.add_exporter(Exports::Logs, sink.stats());
    }
    let logs = Logs::start(id, startup.log_queue, startup.log_sinks);
    let redaction = SpanRedaction::start(id, config.redacts_attributes);
    let consumer = ScopeDrain::new(startup.span_sinks, logs, config.tail, redaction);
    drain::add(id, consumer);
    drain::start_thread()?;
    panics::keep_texts(|| local().span.get());
    scope.register();
    custom_redaction::set(id, Some(config.redaction));
    sampler::set(id, Some(config.sampler));
    gate::set(id, Some(config.level));
    let obs = Observability::running(Arc::clone(&scope), startup.readers);
    for component in &mut config.components {
        component.started(&scope);
    }
    Ok(obs)
}

/// Shows what a program records that configures nothing, or says how to see it.
fn show_unconfigured(components: &mut [Box<dyn Component>], startup: &mut Startup) {
    let mut hints = Vec::new();
    for component in components {
        match component.unconfigured(startup) {
            Unconfigured::Settled => return,
            Unconfigured::Hint(hint) => hints.push(hint),
            Unconfigured::Nothing => {}
        }
    }
    self_log::once(format!(
        "nothing is configured: what is recorded is neither shown nor sent. {}; \
         OTEL_TRACES_EXPORTER=none says that this is meant",
        hints.join("; ")
    ));
}

/// Sets what holds for the whole process.
fn set_process(config: &Config, id: u16) {
    if let Some(bytes) = config.memory_limit {
        memory::set_limit(bytes);
    }
    if id == 0 {
        exemplar::enable(config.has_exemplars);
        config.formats.choose();
        config.span_limits.make_current();
        if config.flushes_on_panic {
            panics::then(exit::flush_at_panic);
        }
    }
}
