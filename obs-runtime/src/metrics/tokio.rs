//! The metrics of tokio runtimes, as tokio knows them.

use core::fmt;
use std::borrow::Cow;

use tokio::runtime::{Handle, RuntimeMetrics};

use super::snapshot::{Labels, MetricData, MetricFamily, MetricSource, Number};
use super::source::{point, push};
use crate::clock::unix_nanos;
use crate::semconv::{attribute, metric};

/// Workers, tasks and queues of tokio runtimes, read when metrics are collected:
/// [`Builder::tokio_metrics`](crate::Builder::tokio_metrics), or a source by itself.
///
/// Everything is of tokio's stable `RuntimeMetrics`; no convention names it, so the names are
/// tokio's after the prefix `tokio`:
///
/// | metric | on `/metrics` |
/// |---|---|
/// | `tokio.global_queue.depth`: tasks that wait for any worker | `tokio_global_queue_depth` |
/// | `tokio.task.count`: tasks that have not ended | `tokio_task_count` |
/// | `tokio.worker.busy.time` (s) by `tokio.worker.index` | `tokio_worker_busy_time_seconds_total` |
/// | `tokio.worker.count` | `tokio_worker_count` |
/// | `tokio.worker.parks` by `tokio.worker.index`: how often it ran out of work | `tokio_worker_parks_total` |
///
/// The two by worker need 64-bit atomics. A worker that is busy all the time, or a queue that
/// grows, is a task that does not yield.
///
/// ```
/// use obs_runtime::Observability;
/// use obs_runtime::metrics::TokioMetrics;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let requests = tokio::runtime::Runtime::new()?;
/// let jobs = tokio::runtime::Runtime::new()?;
/// let runtimes = [("requests", requests.handle()), ("jobs", jobs.handle())];
/// let obs = Observability::builder()
///     .metric_source(TokioMetrics::named(runtimes))
///     .install()?;
/// # obs.shutdown()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokioMetrics {
    /// Each with the labels of its metrics.
    runtimes: Vec<(Labels, RuntimeMetrics)>,
    start_unix_nanos: u64,
}

impl TokioMetrics {
    /// Creates a source for the given runtime.
    pub fn new(runtime: &Handle) -> Self {
        Self::of([(Labels::new(), runtime)])
    }

    /// Creates a source for several runtimes, told apart by the label `tokio.runtime.name`. Of
    /// those with the same name the first counts.
    pub fn named<'a, N: Into<Cow<'static, str>>>(
        runtimes: impl IntoIterator<Item = (N, &'a Handle)>,
    ) -> Self {
        Self::of(runtimes.into_iter().map(|(name, runtime)| {
            let name: Cow<'static, str> = name.into();
            (
                Labels::from([(attribute::TOKIO_RUNTIME_NAME, name)]),
                runtime,
            )
        }))
    }

    fn of<'a>(runtimes: impl IntoIterator<Item = (Labels, &'a Handle)>) -> Self {
        let mut all: Vec<(Labels, RuntimeMetrics)> = Vec::new();
        for (labels, runtime) in runtimes {
            if all.iter().all(|(known, _)| *known != labels) {
                all.push((labels, runtime.metrics()));
            }
        }
        Self {
            runtimes: all,
            start_unix_nanos: unix_nanos(),
        }
    }
}

impl fmt::Debug for TokioMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.runtimes.iter().map(|(labels, _)| labels);
        f.debug_list().entries(names).finish()
    }
}

impl MetricSource for TokioMetrics {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let each = |read: fn(&RuntimeMetrics) -> usize| {
            let points = self.runtimes.iter().map(|(labels, runtime)| {
                let value = Number::U64(read(runtime) as u64);
                point(labels.clone(), self.start_unix_nanos, value)
            });
            points.collect::<Vec<_>>()
        };
        for (def, read) in [
            (
                &metric::TOKIO_GLOBAL_QUEUE_DEPTH,
                RuntimeMetrics::global_queue_depth as fn(&RuntimeMetrics) -> usize,
            ),
            (&metric::TOKIO_TASK_COUNT, RuntimeMetrics::num_alive_tasks),
            (&metric::TOKIO_WORKER_COUNT, RuntimeMetrics::num_workers),
        ] {
            push(out, def, MetricData::UpDownCounter, each(read));
        }
        self.workers(out);
    }
}

impl TokioMetrics {
    #[cfg(target_has_atomic = "64")]
    fn workers(&self, out: &mut Vec<MetricFamily>) {
        let each = |read: fn(&RuntimeMetrics, usize) -> Number| {
            let points = self.runtimes.iter().flat_map(|(labels, runtime)| {
                (0..runtime.num_workers()).map(move |worker| {
                    let index = (attribute::TOKIO_WORKER_INDEX, worker.to_string());
                    let name = labels
                        .get(attribute::TOKIO_RUNTIME_NAME)
                        .unwrap_or_default();
                    let name = (attribute::TOKIO_RUNTIME_NAME, name.to_owned());
                    let labels = Labels::from([name, index]);
                    point(labels, self.start_unix_nanos, read(runtime, worker))
                })
            });
            points.collect::<Vec<_>>()
        };
        let busy = each(|runtime, worker| {
            Number::F64(runtime.worker_total_busy_duration(worker).as_secs_f64())
        });
        push(
            out,
            &metric::TOKIO_WORKER_BUSY_TIME,
            MetricData::Counter,
            busy,
        );
        let parks = each(|runtime, worker| Number::U64(runtime.worker_park_count(worker)));
        push(out, &metric::TOKIO_WORKER_PARKS, MetricData::Counter, parks);
    }

    #[cfg(not(target_has_atomic = "64"))]
    #[allow(clippy::unused_self, reason = "tokio counts nothing by worker there")]
    fn workers(&self, _: &mut Vec<MetricFamily>) {}
}

#[cfg(test)]
#[path = "tokio_tests.rs"]
mod tests;
