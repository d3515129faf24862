//! Exporters of finished spans.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use obs_runtime::{Error, exporter::RecordExporter, trace::SpanRecord};

/// Keeps the spans; a clone has the same ones.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<Vec<SpanRecord>>>);

impl Kept {
    /// The spans so far.
    pub fn spans(&self) -> Vec<SpanRecord> {
        self.lock().clone()
    }

    /// The spans of a name so far.
    pub fn named(&self, name: &str) -> Vec<SpanRecord> {
        let spans = self.lock();
        let named = spans.iter().filter(|span| span.name == name);
        named.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SpanRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordExporter for Kept {
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        self.lock().extend(batch);
        Ok(())
    }
}

/// Prints name and outcome of each span.
#[derive(Debug)]
pub struct Print;

impl RecordExporter for Print {
    #[expect(clippy::print_stdout, reason = "the test reads it")]
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        for span in batch {
            println!("{} {}", span.name, span.outcome.as_str());
        }
        Ok(())
    }
}
