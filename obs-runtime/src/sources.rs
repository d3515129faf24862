//! Sources of metrics besides the instruments, as parts of an `Observability`.

use std::sync::Arc;

use crate::error::Error;
use crate::init::Builder;
use crate::init::component::{Component, Startup};
use crate::metrics::MetricSource;

/// What the builder was told.
#[derive(Default)]
pub(crate) struct Sources {
    given: Vec<Arc<dyn MetricSource>>,
    #[cfg(feature = "process-metrics")]
    process: bool,
    #[cfg(feature = "tokio-metrics")]
    tokio: bool,
}

impl Component for Sources {
    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        for source in self.given.drain(..) {
            startup.scope.sources.add(source);
        }
        #[cfg(feature = "process-metrics")]
        if self.process {
            let source = Arc::new(crate::metrics::ProcessMetrics::new());
            startup.scope.sources.add(source);
        }
        #[cfg(feature = "tokio-metrics")]
        if self.tokio {
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => {
                    let source = Arc::new(crate::metrics::TokioMetrics::new(&runtime));
                    startup.scope.sources.add(source);
                }
                Err(_) => startup.problem(
                    "tokio_metrics: `install` was not called in a tokio runtime; call it in one, or give the \
                     runtime's handle: `.metric_source(TokioMetrics::new(runtime.handle()))`"
                        .to_owned(),
                )?,
            }
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
    ///             library: None,
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
        self.component::<Sources>().given.push(Arc::new(source));
        self
    }

    /// CPU time, memory, threads, file descriptors and the age of the process are among the metrics:
    /// [`ProcessMetrics`](crate::metrics::ProcessMetrics). Default: no.
    #[cfg(feature = "process-metrics")]
    pub fn process_metrics(mut self, process: bool) -> Self {
        self.component::<Sources>().process = process;
        self
    }

    /// Workers, tasks and queues of the tokio runtime in which [`Builder::install`] is called, as it is by
    /// [`main`](macro@crate::main) with an `async fn`, are among the metrics:
    /// [`TokioMetrics`](crate::metrics::TokioMetrics). Default: no.
    ///
    /// Outside of a runtime it is a line of [`Observability::health`](crate::Handle::health).
    #[cfg(feature = "tokio-metrics")]
    pub fn tokio_metrics(mut self, tokio: bool) -> Self {
        self.component::<Sources>().tokio = tokio;
        self
    }
}
