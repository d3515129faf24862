//! The builder, which holds what a program says of its `Observability`. Exporters and domains add
//! methods to it in their own folders.

use std::borrow::Cow;
use std::sync::Mutex;

use crate::callsite::Level;
use crate::error::{Error, ErrorKind};
use crate::fork::PerProcess;
use crate::init::component::{Component, Components, Sinks};
use crate::init::observability::Observability;
use crate::init::start;
use crate::lock::lock;
use crate::processor::TailSampling;
#[cfg(any(test, feature = "testing"))]
use crate::processor::drain;
use crate::redact::custom::{Custom, Hook, Pattern};
use crate::scope::Resource;
use crate::trace::attribute::AttributeValue;
use crate::trace::{Sampler, SpanLimits, sampler};
use crate::vars::Vars;

/// The additions of a program to the redaction, which are checked when they are installed.
#[derive(Default)]
pub(super) struct AddedRedaction {
    /// The patterns, each after its name.
    patterns: Vec<(String, String)>,
    hooks: Vec<Hook>,
}

impl AddedRedaction {
    pub(super) fn check(self) -> Result<Custom, Error> {
        let patterns = self.patterns.iter();
        let patterns = patterns.map(|(name, pattern)| Pattern::new(name, pattern));
        Ok(Custom {
            patterns: patterns.collect::<Result<_, _>>()?,
            hooks: self.hooks,
        })
    }
}

/// The configuration of an [`Observability`]. Nothing listens and nothing is sent unless it, or an
/// `OTEL_*` variable, says so.
#[derive(Default)]
#[must_use = "a builder does nothing until `install` is called"]
pub struct Builder {
    pub(super) service_name: Option<String>,
    pub(super) service_version: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) resource: Vec<(Cow<'static, str>, AttributeValue)>,
    pub(super) detect_resource: Option<bool>,
    pub(super) sampler: Option<Sampler>,
    pub(super) tail_sampling: Option<TailSampling>,
    pub(super) redaction: AddedRedaction,
    pub(super) redact_attributes: Option<bool>,
    pub(super) max_level: Option<Level>,
    pub(super) memory_limit: Option<usize>,
    pub(super) span_limits: Option<SpanLimits>,
    pub(crate) strict: bool,
    pub(super) flush_on_panic: Option<bool>,
    /// What the resource says where nobody else says it.
    pub(super) fallback: Resource,
    /// Whether a program that configures nothing is shown what it records, or told how to see it.
    pub(super) shows_unconfigured: bool,
    pub(super) components: Components,
}

impl Builder {
    /// Sets the service's name (`service.name`). Default: `OTEL_SERVICE_NAME`, else
    /// `unknown_service:<exe>`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// Sets the service's version (`service.version`).
    pub fn service_version(mut self, version: impl Into<String>) -> Self {
        self.service_version = Some(version.into());
        self
    }

    /// Sets where the service runs: `production`, `staging` … (`deployment.environment.name`).
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// Adds an attribute of the resource, which describes the process in every export.
    pub fn resource_attribute(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<AttributeValue>,
    ) -> Self {
        self.resource.push((key.into(), value.into()));
        self
    }

    /// Sets whether the resource says what can be detected of process, host, operating system, container
    /// and Kubernetes pod, from files and variables of this machine. Default: yes.
    pub fn detect_resource(mut self, detect: bool) -> Self {
        self.detect_resource = Some(detect);
        self
    }

    /// Sets which traces are recorded. Default: `OTEL_TRACES_SAMPLER`, else every trace.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = Some(sampler);
        self
    }

    /// Keeps only the traces that turn out to be worth it. Default: every trace that the sampler took.
    pub fn tail_sampling(mut self, tail: TailSampling) -> Self {
        self.tail_sampling = Some(tail);
        self
    }

    /// Masks texts of a shape that only you know, besides what is masked anyway: in errors, attributes of
    /// spans, logs and alerts.
    ///
    /// In the pattern `#` is a digit, `?` a letter or digit, `*` a run of letters, digits,
    /// `_` and `-`; everything else stands for itself. It fits whole words.
    ///
    /// ```
    /// # use obs_runtime::Observability;
    /// let builder = Observability::builder()
    ///     .redact_pattern("employee number", "EMP-######")
    ///     .redact_pattern("session key", "acme_*");
    /// # let _ = builder;
    /// ```
    ///
    /// A pattern that fits every word, or none, is refused by [`Builder::install`].
    pub fn redact_pattern(mut self, name: impl Into<String>, pattern: impl Into<String>) -> Self {
        self.redaction.patterns.push((name.into(), pattern.into()));
        self
    }

    /// Masks by a function of your own, after everything else.
    ///
    /// The function returns the text without its secrets, or `None` if there is none. It runs in
    /// the failing call and in a thread of obs, so it should be quick; if it panics, the text is
    /// not shown at all.
    ///
    /// ```
    /// # use obs_runtime::Observability;
    /// let builder = Observability::builder()
    ///     .redact_with(|text| text.contains("@corp.example").then(|| "<a colleague>".to_owned()));
    /// # let _ = builder;
    /// ```
    pub fn redact_with(
        mut self,
        redact: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.redaction.hooks.push(std::sync::Arc::new(redact));
        self
    }

    /// Sets whether the attributes of spans pass the redaction before they are exported; the texts of
    /// errors do so anyway. Default: yes.
    pub fn redact_attributes(mut self, redact: bool) -> Self {
        self.redact_attributes = Some(redact);
        self
    }

    /// Sets the most verbose level of which spans are built; other calls are only counted. Default:
    /// `OBS_LEVEL`, else info.
    pub fn max_level(mut self, level: Level) -> Self {
        self.max_level = Some(level);
        self
    }

    /// Sets how many bytes finished data may take while it waits: spans in the buffers of the threads
    /// and what tail sampling holds back, log records, and the requests of all exporters together.
    /// Default: 64 MiB; the least is 256 KiB.
    ///
    /// What finds no room is lost and counted, as
    /// [`BufferFull`](crate::stats::DropReason::BufferFull) before the exporters and as
    /// [`QueueFull`](crate::stats::DropReason::QueueFull) behind them. The queues of exporters have
    /// equal shares of three quarters of it, so that a receiver that hangs takes nobody else's room.
    /// It holds for the process: the last `Observability` that is installed sets it.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Sets how many attributes, events and links one span may hold, and how long texts may be, for the
    /// whole process. Default: `OTEL_SPAN_*` and `OTEL_ATTRIBUTE_*` variables, else OpenTelemetry's numbers
    /// ([`SpanLimits`](crate::trace::SpanLimits)).
    pub fn span_limits(mut self, limits: SpanLimits) -> Self {
        self.span_limits = Some(limits);
        self
    }

    /// Sets whether a panic sends what was recorded, five seconds at most, before it goes on to the panic
    /// hook that was there.
    ///
    /// Default: only in a program built with `panic = "abort"`, which ends there. Set it if your own hook
    /// ends the process; where panics are caught it would only make them slow.
    pub fn flush_on_panic(mut self, flush: bool) -> Self {
        self.flush_on_panic = Some(flush);
        self
    }

    /// Makes anything that cannot start (a taken port, a bad endpoint) an error of `install` instead of
    /// a line in [`Observability::health`](crate::Handle::health).
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Makes it the builder of a whole program, which `#[main]` knows: its name and version hold where
    /// neither the program nor the environment says others, and what it records is shown, or said to
    /// be invisible, if nothing is configured.
    #[cfg(feature = "tokio")]
    pub(crate) fn of_program(mut self, fallback: Resource) -> Self {
        self.fallback = fallback;
        self.shows_unconfigured = true;
        self
    }

    /// Returns the configuration of an exporter or a domain, for the methods of its own folder.
    pub(crate) fn component<C: Component + Default>(&mut self) -> &mut C {
        self.components.get_mut()
    }

    /// Switches obs on for the whole process.
    ///
    /// # Errors
    /// Fails when another `Observability` is installed, or an argument is not usable. What the environment asks
    /// for in vain is in [`Observability::health`](crate::Handle::health), unless [`Builder::strict`].
    pub fn install(self) -> Result<Observability, Error> {
        // Two threads that install at once: one of them is told.
        static ONE: PerProcess<Mutex<()>> = PerProcess::new(Mutex::default);
        let _one = lock(&ONE);
        if sampler::scope_records(0) {
            return Err(Error::new(
                ErrorKind::State,
                "an Observability is installed already: keep one guard for the process, \
                 or use `obs_runtime::testing::capture` in tests",
            ));
        }
        start::start(self, 0, Vars::of_process(), Sinks::default())
    }

    /// Starts a scope beside the installed default, with sinks of its own. It belongs to a test: the
    /// environment is not meant for it.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn start_scoped(self, sinks: Sinks) -> Result<Observability, Error> {
        let id = drain::free_id().ok_or_else(|| {
            Error::new(ErrorKind::State, "65,535 Observability values run already")
        })?;
        start::start(self, id, Vars::none(), sinks)
    }
}

impl core::fmt::Debug for Builder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Builder")
            .field("service_name", &self.service_name)
            .finish_non_exhaustive()
    }
}
