//! Writes texts on a thread of its own: a terminal that takes nothing does not keep the drain.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::Error;
use crate::error::ErrorKind;
use crate::processor::sink::PendingFlush;
use crate::self_obs::{DropReason, ExporterCounters};

/// Texts that wait for a slow terminal.
pub(super) const QUEUE: usize = 64;

pub(super) struct Writer {
    counters: Arc<ExporterCounters>,
    thread: Option<(Sender<Message>, JoinHandle<()>)>,
    /// Texts that are queued or being written: what bounds the queue.
    waiting: Arc<AtomicUsize>,
}

enum Message {
    Print { text: String, items: u64 },
    Flush(SyncSender<()>),
}

impl Writer {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        let counters = Arc::new(ExporterCounters::new("console"));
        let (sender, receiver) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (in_thread, waiting_in_thread) = (Arc::clone(&counters), Arc::clone(&waiting));
        let thread = std::thread::Builder::new()
            .name("obs-console".to_owned())
            .spawn(move || write_all(out, &receiver, &in_thread, &waiting_in_thread));
        Self {
            counters,
            // Without a thread nothing can be printed; what comes is counted as lost.
            thread: thread.ok().map(|thread| (sender, thread)),
            waiting,
        }
    }

    /// Counts an item that will be printed.
    pub(super) fn take(&self) {
        self.counters.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Has a text printed that shows so many items.
    pub(super) fn print(&mut self, text: String, items: u64) {
        if let Err(reason) = self.queue(text, items) {
            self.counters.dropped.add(reason, items);
        }
    }

    fn queue(&mut self, text: String, items: u64) -> Result<(), DropReason> {
        let (sender, _) = self.thread.as_ref().ok_or(DropReason::Unreachable)?;
        // Only this thread adds, so that the bound holds.
        if self.waiting.load(Ordering::Acquire) >= QUEUE {
            return Err(DropReason::QueueFull);
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let sent = sender.send(Message::Print { text, items });
        sent.map_err(|_| DropReason::Unreachable)
    }

    pub(super) fn flush(&self) -> PendingFlush {
        let sender = self.thread.as_ref().map(|(sender, _)| sender.clone());
        Box::new(move |deadline| {
            let sender = sender.ok_or_else(|| {
                Error::new(
                    ErrorKind::Export,
                    "the console writer could not be started; the process may be out of threads",
                )
            })?;
            let (done, written) = sync_channel(1);
            sender.send(Message::Flush(done)).map_err(|_| late())?;
            let left = deadline.saturating_duration_since(Instant::now());
            written.recv_timeout(left).map_err(|_| late())
        })
    }

    pub(super) fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        let result = self.flush()(deadline);
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            // A terminal that takes nothing would keep the thread, and the host, for ever.
            if result.is_ok() {
                let _ = thread.join();
            }
        }
        result
    }

    pub(super) fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.counters)
    }
}

fn late() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "standard error did not take what was printed before the deadline",
    )
}

fn write_all(
    mut out: Box<dyn Write + Send>,
    messages: &Receiver<Message>,
    counters: &ExporterCounters,
    waiting: &AtomicUsize,
) {
    for message in messages {
        match message {
            Message::Print { text, items } => {
                match out.write_all(text.as_bytes()) {
                    Ok(()) => {
                        counters.exported.fetch_add(items, Ordering::Release);
                    }
                    Err(_) => counters.dropped.add(DropReason::Unreachable, items),
                }
                waiting.fetch_sub(1, Ordering::AcqRel);
            }
            Message::Flush(done) => {
                let _ = out.flush();
                let _ = done.try_send(());
            }
        }
    }
}
