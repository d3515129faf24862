//! Keeps the spans of the latest run, to draw its trace.

use std::sync::{Arc, Mutex, PoisonError};

use obs_runtime::{
    Error,
    exporter::RecordExporter,
    trace::{SpanRecord, TraceId},
};

/// A destination for finished spans: this program's own memory.
///
/// A real program would seldom need one; `Observability::builder().console(true)` prints traces.
#[derive(Clone, Debug, Default)]
pub struct Collector(Arc<Mutex<Vec<SpanRecord>>>);

impl Collector {
    /// The spans of a trace, as far as they have arrived. Those of others are forgotten.
    pub fn take(&self, trace: Option<TraceId>) -> Vec<SpanRecord> {
        let mut spans = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        spans.retain(|span| Some(span.trace_id) == trace);
        spans
    }
}

impl RecordExporter for Collector {
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(batch);
        Ok(())
    }
}
