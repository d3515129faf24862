//! A user's exporter behind a thread of its own: whatever it does, the drain goes on.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::Error;
use crate::error::ErrorKind;
use crate::exporter::RecordExporter;
use crate::processor::sink::{PendingFlush, SpanSink};
use crate::self_obs::{DropReason, ExporterCounters};
use crate::trace::{SpanRecord, SpanView};

/// Spans of a batch.
const BATCH: usize = 512;
/// Batches that wait for the exporter.
const QUEUE: usize = 64;

enum Message {
    Batch(Vec<SpanRecord>),
    End,
}

struct Progress {
    counters: Arc<ExporterCounters>,
    settled: Condvar,
    /// Guards nothing: the counters are read under it so that no wake-up is missed.
    turn: Mutex<()>,
}

impl Progress {
    fn wait(&self, deadline: Instant) -> Result<(), Error> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.counters.snapshot().in_flight == 0 {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    "the record exporter did not take its batches in time",
                ));
            }
            turn = self
                .settled
                .wait_timeout(turn, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn settle(&self, change: impl FnOnce(&ExporterCounters)) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        change(&self.counters);
        self.settled.notify_all();
    }
}

struct CustomSink {
    batch: Vec<SpanRecord>,
    sender: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
    progress: Arc<Progress>,
}

/// Starts the exporter's thread; `name` is what its account is called.
pub(crate) fn sink(
    name: &'static str,
    exporter: Box<dyn RecordExporter>,
) -> Result<Box<dyn SpanSink>, Error> {
    let (sender, receiver) = sync_channel(QUEUE);
    let progress = Arc::new(Progress {
        counters: Arc::new(ExporterCounters::new(name)),
        settled: Condvar::new(),
        turn: Mutex::new(()),
    });
    let shared = Arc::clone(&progress);
    let run = move || {
        let mut exporter = exporter;
        while let Ok(Message::Batch(batch)) = receiver.recv() {
            let items = batch.len() as u64;
            let export = || exporter.export(batch);
            // A panic of the user's code loses its batch, not the thread.
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(export));
            shared.settle(|c| match result {
                Ok(Ok(())) => drop(c.exported.fetch_add(items, Ordering::AcqRel)),
                Ok(Err(e)) if e.is_timeout() => c.dropped.add(DropReason::Timeout, items),
                _ => c.dropped.add(DropReason::ExporterFailed, items),
            });
        }
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| exporter.shutdown()));
    };
    let thread = std::thread::Builder::new()
        .name("obs-record".into())
        .spawn(run)
        .map_err(|e| {
            let text = format!(
                "the thread `obs-record` could not be started ({e}): raise the limit of threads"
            );
            Error::new(ErrorKind::State, text)
        })?;
    Ok(Box::new(CustomSink {
        batch: Vec::new(),
        sender,
        thread: Some(thread),
        progress,
    }))
}

impl CustomSink {
    fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        if let Err(
            TrySendError::Full(Message::Batch(lost))
            | TrySendError::Disconnected(Message::Batch(lost)),
        ) = self.sender.try_send(Message::Batch(batch))
        {
            self.progress
                .settle(|c| c.dropped.add(DropReason::QueueFull, lost.len() as u64));
        }
    }
}

impl SpanSink for CustomSink {
    fn span(&mut self, span: &SpanView<'_>) {
        self.progress.counters.taken.fetch_add(1, Ordering::AcqRel);
        self.batch.push(SpanRecord::from_view(span));
        if self.batch.len() == BATCH {
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
        let progress = Arc::clone(&self.progress);
        Box::new(move |deadline| progress.wait(deadline))
    }

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        self.hand_over();
        let waited = self.progress.wait(deadline);
        // Ends the thread after its queue; if it hangs it is left behind.
        let ended = self.sender.try_send(Message::End).is_ok();
        if let (Ok(()), true, Some(thread)) = (&waited, ended, self.thread.take()) {
            let _ = thread.join();
        }
        if waited.is_err() {
            let left = self.progress.counters.snapshot().in_flight;
            self.progress
                .counters
                .dropped
                .add(DropReason::Shutdown, left);
        }
        waited
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.progress.counters)
    }
}
