//! The configuration of `Observability`: builder, then environment, then defaults.

use std::borrow::Cow;
use std::sync::Arc;

use crate::callsite::Level;
use crate::error::{Error, ErrorKind};
use crate::exporter::{RecordExporter, SpanSink, custom};
use crate::init::scope::{Observability, ScopeShared, is_installed};
use crate::metrics::MetricsCollector;
use crate::processor::drain::{self, Scope};
use crate::trace::attribute::AttributeValue;
use crate::trace::{Sampler, buffer, gate, sampler};

/// What an [`Observability`] is to do. Nothing listens and nothing is sent unless it, or an `OTEL_*`
/// variable, says so.
#[derive(Default)]
#[must_use = "a builder does nothing until `install` is called"]
pub struct Builder {
    pub(crate) service_name: Option<String>,
    pub(crate) service_version: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) resource: Vec<(Cow<'static, str>, AttributeValue)>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) max_level: Option<Level>,
    pub(crate) buffer_bytes: Option<usize>,
    pub(crate) strict: bool,
    pub(crate) record_exporters: Vec<Box<dyn RecordExporter>>,
}

impl Builder {
    /// The service's name (`service.name`). Default: `OTEL_SERVICE_NAME`, else `unknown_service:<exe>`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// The service's version (`service.version`).
    pub fn service_version(mut self, version: impl Into<String>) -> Self {
        self.service_version = Some(version.into());
        self
    }

    /// Where it runs: `production`, `staging` … (`deployment.environment.name`).
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// Adds an attribute of the resource: it describes the process in every export.
    pub fn resource_attribute(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<AttributeValue>,
    ) -> Self {
        self.resource.push((key.into(), value.into()));
        self
    }

    /// Which traces are recorded. Default: `OTEL_TRACES_SAMPLER`, else every trace.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = Some(sampler);
        self
    }

    /// Spans above this level are not built; their calls are counted. Default: `OBS_LEVEL`, else info.
    pub fn max_level(mut self, level: Level) -> Self {
        self.max_level = Some(level);
        self
    }

    /// Bytes that all span buffers together may take. Default: 64 MiB.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.buffer_bytes = Some(bytes);
        self
    }

    /// Makes anything that cannot start (a taken port, a bad endpoint) an error of `install` instead of
    /// a line in [`Observability::health`].
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Hands finished spans to your own code, in batches, from a thread of obs.
    pub fn record_exporter(mut self, exporter: impl RecordExporter) -> Self {
        self.record_exporters.push(Box::new(exporter));
        self
    }

    /// Switches obs on for the whole process.
    ///
    /// # Errors
    /// When another `Observability` is installed, or an argument or variable is not usable.
    pub fn install(self) -> Result<Observability, Error> {
        if is_installed() {
            return Err(Error::new(
                ErrorKind::State,
                "an Observability is installed already: keep one guard for the process, \
                 or use `obs_runtime::testing::capture` in tests",
            ));
        }
        self.start(0, Vec::new())
    }

    /// Starts a scope beside the installed default, with sinks of its own.
    pub(crate) fn start_scoped(
        self,
        sinks: Vec<Box<dyn SpanSink>>,
    ) -> Result<Observability, Error> {
        let id = drain::free_id().ok_or_else(|| {
            Error::new(ErrorKind::State, "65,535 Observability values run already")
        })?;
        self.start(id, sinks)
    }

    fn start(self, id: u16, mut sinks: Vec<Box<dyn SpanSink>>) -> Result<Observability, Error> {
        let sampler = self.sampler.unwrap_or_default();
        sampler.check()?;
        let resource = self.resolved_resource();
        if let Some(bytes) = self.buffer_bytes {
            buffer::set_budget(bytes);
        }
        for exporter in self.record_exporters {
            sinks.push(custom::sink(exporter)?);
        }
        let scope = Arc::new(ScopeShared::new(id, resource, MetricsCollector::new()));
        drain::add(id, Scope::new(sinks));
        drain::start_thread()?;
        scope.register();
        sampler::set(id, Some(sampler));
        gate::set(id, Some(self.max_level.unwrap_or_default()));
        Ok(Observability::running(scope, Vec::new()))
    }

    fn resolved_resource(&self) -> Vec<(Cow<'static, str>, AttributeValue)> {
        Vec::new()
    }
}

impl core::fmt::Debug for Builder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Builder")
            .field("service_name", &self.service_name)
            .finish_non_exhaustive()
    }
}
