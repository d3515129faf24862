//! Which sources of metrics a configuration has besides its instruments.

use std::sync::Arc;

use crate::error::Error;
use crate::init::builder::Builder;
use crate::init::start::Problems;
use crate::metrics::MetricSource;
use crate::scope::Scope;

/// What the builder was told.
#[derive(Default)]
pub(crate) struct Wanted {
    sources: Vec<Arc<dyn MetricSource>>,
    #[cfg(feature = "process-metrics")]
    process: bool,
    #[cfg(feature = "tokio-metrics")]
    tokio: bool,
}

impl Wanted {
    #[cfg_attr(
        not(feature = "tokio-metrics"),
        allow(unused_variables, reason = "only tokio's may be missing")
    )]
    #[allow(
        clippy::unnecessary_wraps,
        unused_mut,
        reason = "only some features add to it, or fail"
    )]
    pub(super) fn start(self, scope: &Scope, problems: &mut Problems) -> Result<(), Error> {
        let mut sources = self.sources;
        #[cfg(feature = "process-metrics")]
        if self.process {
            sources.push(Arc::new(crate::metrics::ProcessMetrics::new()));
        }
        #[cfg(feature = "tokio-metrics")]
        if self.tokio {
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => sources.push(Arc::new(crate::metrics::TokioMetrics::new(&runtime))),
                Err(_) => problems.add(
                    "tokio_metrics: `install` was not called in a tokio runtime; call it in one, or give the \
                     runtime's handle: `.metric_source(TokioMetrics::new(runtime.handle()))`"
                        .to_owned(),
                )?,
            }
        }
        for source in sources {
            scope.sources.add(source);
        }
        Ok(())
    }
}

impl Builder {
    /// Adds metrics that are asked for whenever metrics are collected: for numbers that somebody else
    /// counts, such as a pool of connections.
    ///
    /// ```
    /// use obs_runtime::Observability;
    /// use obs_runtime::metrics::snapshot::NumberPoint;
    /// use obs_runtime::metrics::{MetricData, MetricFamily, MetricSource, Number};
    ///
    /// /// Connections that are open.
    /// struct Pool;
    ///
    /// impl MetricSource for Pool {
    ///     fn collect(&self, out: &mut Vec<MetricFamily>) {
    ///         out.push(MetricFamily {
    ///             name: "pool.connections".into(),
    ///             description: "Connections that are open.".into(),
    ///             unit: "{connection}".into(),
    ///             data: MetricData::UpDownCounter(vec![NumberPoint {
    ///                 labels: Default::default(),
    ///                 start_unix_nanos: 0,
    ///                 value: Number::U64(7),
    ///                 exemplar: None,
    ///             }].into()),
    ///         });
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let obs = Observability::builder().metric_source(Pool).install()?;
    /// assert!(obs.collect_metrics().iter().any(|family| family.name == "pool.connections"));
    /// # obs.shutdown()
    /// # }
    /// ```
    ///
    /// A source that panics loses what it had still to say. A metric whose name is taken by an instrument
    /// or an earlier source is left out, which is said on standard error.
    pub fn metric_source(mut self, source: impl MetricSource + 'static) -> Self {
        self.sources.sources.push(Arc::new(source));
        self
    }

    /// CPU time, memory, threads, file descriptors and the age of the process are among the metrics:
    /// [`ProcessMetrics`](crate::metrics::ProcessMetrics). Default: no.
    #[cfg(feature = "process-metrics")]
    pub fn process_metrics(mut self, process: bool) -> Self {
        self.sources.process = process;
        self
    }

    /// Workers, tasks and queues of the tokio runtime in which [`Builder::install`] is called, as it is by
    /// [`main`](macro@crate::main) with an `async fn`, are among the metrics:
    /// [`TokioMetrics`](crate::metrics::TokioMetrics). Default: no.
    ///
    /// Outside of a runtime it is a line of [`Observability::health`](crate::Handle::health).
    #[cfg(feature = "tokio-metrics")]
    pub fn tokio_metrics(mut self, tokio: bool) -> Self {
        self.sources.tokio = tokio;
        self
    }
}
