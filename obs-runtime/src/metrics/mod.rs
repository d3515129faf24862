//! Metrics: instruments, their series, and snapshots of them.
//!
//! A [`MetricsCollector`] makes instruments. An instrument with labels gives a handle for each
//! set of label values; counting through a handle costs a few nanoseconds, because each thread
//! counts for itself and only a collection adds up.

pub(crate) mod bound;
pub(crate) mod buckets;
pub(crate) mod builder;
mod cardinality;
mod cells;
mod collector;
mod counter;
pub(crate) mod exemplar;
pub(crate) mod exponential;
mod exponential_cells;
pub(crate) mod function;
mod gauge;
pub(crate) mod hash;
mod histogram;
pub(crate) mod index;
pub(crate) mod instrument;
#[cfg(feature = "json")]
mod json;
pub(crate) mod labels;
mod library;
pub(crate) mod limits;
mod methods;
#[cfg(any(
    feature = "cache",
    feature = "llm",
    feature = "reqwest",
    feature = "steps",
    feature = "tower"
))]
mod own;
mod points;
#[cfg(feature = "process-metrics")]
mod process;
#[cfg(feature = "serde")]
mod serialize;
mod series;
pub mod snapshot;
pub(crate) mod source;
pub(crate) mod timer;
#[cfg(feature = "tokio-metrics")]
mod tokio;
pub(crate) mod validate;
mod warning;
mod window;

pub use builder::InstrumentBuilder;
pub use cardinality::{Cardinality, LabelCardinality, MetricCardinality};
pub use collector::MetricsCollector;
#[cfg(feature = "opentelemetry")]
pub(crate) use collector::{add_losses, loss_labels};
pub use counter::{BoundCounter, BoundUpDownCounter, Counter, UpDownCounter};
pub use gauge::{BoundGauge, Gauge};
pub use histogram::{BoundHistogram, BoundSummary, Histogram, Summary};
pub use labels::{Label, Labels};
pub use library::Library;
#[cfg(feature = "opentelemetry")]
pub(crate) use library::LibraryAttribute;
pub use points::Points;
#[cfg(feature = "process-metrics")]
pub use process::ProcessMetrics;
pub use snapshot::{
    ExponentialHistogramPoint, HistogramPoint, MetricData, MetricFamily, MetricSource, Number,
    NumberPoint, SummaryPoint,
};
pub use timer::Timer;
#[cfg(feature = "tokio-metrics")]
pub use tokio::TokioMetrics;
pub use window::ValueWindow;
