//! Metrics: instruments, their series, and snapshots of them.

pub mod snapshot;

pub use snapshot::{MetricData, MetricFamily, MetricSource, Number};
