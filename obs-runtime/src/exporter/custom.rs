//! A user's exporter of span records, behind a delivery: whatever it does, the drain goes on.

use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::exporter::RecordExporter;
use crate::exporter::delivery::{Consumer, Delivery, DeliveryConfig, Outcome, Queue};
use crate::guarded::guarded;
use crate::memory;
use crate::processor::sink::{PendingFlush, SpanSink};
use crate::self_obs::{DropReason, ExporterCounters, Part};
use crate::trace::heap::HeapBytes as _;
use crate::trace::{SpanRecord, SpanView};

/// The most spans of a batch.
const BATCH: usize = 512;
/// A batch has no further span once its spans take this much memory.
const BATCH_BYTES: usize = 1 << 20;
/// Batches that wait for the exporter or are in its hands.
const QUEUE: usize = 65;

/// Calls the exporter, from the thread `obs-record`.
struct Recorder {
    exporter: Box<dyn RecordExporter>,
    counters: Arc<ExporterCounters>,
}

impl Consumer<Vec<SpanRecord>> for Recorder {
    fn deliver(&mut self, batch: Vec<SpanRecord>, _: &Queue<Vec<SpanRecord>>) -> Outcome {
        let exported = self.exporter.export(batch);
        let problem = exported.as_ref().err().map(Error::to_string);
        self.counters.set_problem(Part::Export, problem.as_deref());
        match exported {
            Ok(()) => Outcome::default(),
            Err(error) => Outcome {
                failure: Some(format!("the record exporter failed: {error}")),
                ..Outcome::all_lost(reason(&error))
            },
        }
    }

    fn end(&mut self) -> Result<(), String> {
        // What the exporter could not deliver by then it has said of its batches.
        let _ = guarded(|| self.exporter.shutdown());
        Ok(())
    }
}

/// Returns why that is lost which a user's exporter failed with.
pub(super) fn reason(error: &Error) -> DropReason {
    if error.is_timeout() {
        DropReason::Timeout
    } else {
        DropReason::ExporterFailed
    }
}

/// Gathers spans into batches, on the drain thread or on that of a flush.
struct CustomSink {
    batch: Vec<SpanRecord>,
    /// What the batch takes.
    bytes: usize,
    /// How much it may take at most.
    most_bytes: usize,
    /// Spans that were taken and not handed over.
    unsettled: u64,
    delivery: Delivery<Vec<SpanRecord>>,
}

/// Starts the exporter's thread; `name` is what its account is called.
pub(crate) fn sink(
    name: &'static str,
    exporter: Box<dyn RecordExporter>,
) -> Result<Box<dyn SpanSink>, Error> {
    Ok(Box::new(custom(name, exporter)?))
}

fn custom(name: &'static str, exporter: Box<dyn RecordExporter>) -> Result<CustomSink, Error> {
    let counters = Arc::new(ExporterCounters::new(name));
    let config = DeliveryConfig {
        thread: "obs-record".to_owned(),
        bound: QUEUE,
        late: "the record exporter did not take its batches in time",
        counters: Arc::clone(&counters),
    };
    let delivery = Delivery::new(config, Recorder { exporter, counters });
    delivery.start()?;
    Ok(CustomSink {
        batch: Vec::new(),
        bytes: 0,
        most_bytes: BATCH_BYTES.min(memory::part_of_share()),
        unsettled: 0,
        delivery,
    })
}

impl CustomSink {
    fn hand_over(&mut self) {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            let spans = batch.len() as u64;
            self.bytes = 0;
            self.most_bytes = BATCH_BYTES.min(memory::part_of_share());
            self.delivery.push(batch, spans);
            self.unsettled -= spans;
        }
    }
}

impl SpanSink for CustomSink {
    fn span(&mut self, span: &SpanView<'_>) {
        self.delivery.take(1);
        self.unsettled += 1;
        let record = SpanRecord::from_view(span);
        self.bytes += size_of::<SpanRecord>() + record.heap_bytes();
        self.batch.push(record);
        if self.batch.len() == BATCH || self.bytes >= self.most_bytes {
            self.hand_over();
        }
    }

    fn pass_end(&mut self, idle: bool) {
        if idle {
            self.hand_over();
        }
    }

    fn flush(&mut self) -> PendingFlush {
        self.hand_over();
        self.delivery.flush()
    }

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        self.hand_over();
        let ended = self.delivery.shutdown(deadline);
        self.delivery.give_up();
        ended
    }

    fn abandon(&mut self) {
        // The spans of the batch are whole.
        let whole = self.batch.len() as u64;
        let lost = core::mem::replace(&mut self.unsettled, whole) - whole;
        self.delivery.lose(lost);
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(self.delivery.counters())
    }
}

#[cfg(test)]
#[path = "custom_tests.rs"]
mod tests;
