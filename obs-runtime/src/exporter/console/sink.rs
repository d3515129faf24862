//! Gathers the spans of each trace until its root has ended, and prints the tree.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use super::row::Row;
use super::tree::Tree;
use crate::error::ErrorKind;
use crate::exporter::{PendingFlush, SpanSink};
use crate::self_obs::{DropReason, ExporterCounters};
use crate::trace::SpanView;
use crate::{Error, TraceId};

/// Rows of one trace that are kept; beyond, the shorter half is only counted. Longer spans stay,
/// because they are the ancestors of the others.
const MOST_ROWS: usize = 512;
/// Traces whose root has not ended. Beyond, the oldest is printed as it is.
const MOST_TRACES: usize = 256;
/// Traces that were printed and are remembered, for spans that outlive their root.
const REMEMBERED: usize = 256;
/// Texts that wait for a slow terminal.
const QUEUE: usize = 64;

pub(super) struct ConsoleSink {
    open: HashMap<TraceId, Gathered>,
    /// The open traces, oldest first.
    order: VecDeque<TraceId>,
    printed: VecDeque<TraceId>,
    pass: u64,
    colour: bool,
    counters: Arc<ExporterCounters>,
    writer: Option<(Sender<Message>, JoinHandle<()>)>,
    /// Texts that are queued or being written: what bounds the queue.
    waiting: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Gathered {
    rows: Vec<Row>,
    hidden: u64,
    /// The pass in which the root came.
    root_in_pass: Option<u64>,
}

enum Message {
    Print { text: String, spans: u64 },
    Flush(SyncSender<()>),
}

impl ConsoleSink {
    pub(super) fn new(out: Box<dyn Write + Send>, colour: bool) -> Self {
        let counters = Arc::new(ExporterCounters::new("console"));
        let (sender, receiver) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (in_thread, waiting_in_thread) = (Arc::clone(&counters), Arc::clone(&waiting));
        let thread = std::thread::Builder::new()
            .name("obs-console".to_owned())
            .spawn(move || write_all(out, &receiver, &in_thread, &waiting_in_thread));
        Self {
            open: HashMap::new(),
            order: VecDeque::new(),
            printed: VecDeque::new(),
            pass: 0,
            colour,
            counters,
            // Without a thread nothing can be printed; what comes is counted as lost.
            writer: thread.ok().map(|thread| (sender, thread)),
            waiting,
        }
    }

    fn print(&mut self, id: TraceId) {
        let Some(gathered) = self.open.remove(&id) else {
            return;
        };
        self.order.retain(|open| *open != id);
        let spans = gathered.rows.len() as u64 + gathered.hidden;
        let late = self.printed.contains(&id);
        let mut tree = Tree::new(id, &gathered.rows);
        tree.hidden = gathered.hidden;
        tree.colour = self.colour;
        tree.remark = match gathered.root_in_pass {
            _ if late => " · ended after their root",
            None => " · the root has not ended",
            Some(_) => "",
        };
        let mut text = String::new();
        tree.draw(&mut text);
        text.push('\n');
        if !late {
            self.printed.push_back(id);
            if self.printed.len() > REMEMBERED {
                self.printed.pop_front();
            }
        }
        if let Err(reason) = self.queue(text, spans) {
            self.counters.dropped.add(reason, spans);
        }
    }

    fn queue(&self, text: String, spans: u64) -> Result<(), DropReason> {
        let (sender, _) = self.writer.as_ref().ok_or(DropReason::Unreachable)?;
        // Only this thread adds, so that the bound holds.
        if self.waiting.load(Ordering::Acquire) >= QUEUE {
            return Err(DropReason::QueueFull);
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let sent = sender.send(Message::Print { text, spans });
        sent.map_err(|_| DropReason::Unreachable)
    }

    /// Prints the traces that are whole: the root came in an earlier pass than this. A child on
    /// another thread that ended before the root may come one pass later.
    fn print_finished(&mut self, whole: impl Fn(&Gathered) -> bool) {
        let ready = |id: &&TraceId| self.open.get(id).is_some_and(&whole);
        let ids: Vec<TraceId> = self.order.iter().filter(ready).copied().collect();
        for id in ids {
            self.print(id);
        }
    }
}

impl SpanSink for ConsoleSink {
    fn span(&mut self, span: &SpanView<'_>) {
        self.counters.taken.fetch_add(1, Ordering::Relaxed);
        if !self.open.contains_key(&span.trace_id) {
            if self.order.len() == MOST_TRACES
                && let Some(oldest) = self.order.front().copied()
            {
                self.print(oldest);
            }
            self.order.push_back(span.trace_id);
        }
        let late = self.printed.contains(&span.trace_id);
        let gathered = self.open.entry(span.trace_id).or_default();
        let row = Row::from_view(span);
        if row.is_root() || late {
            gathered.root_in_pass.get_or_insert(self.pass);
        }
        gathered.rows.push(row);
        if gathered.rows.len() >= MOST_ROWS {
            gathered
                .rows
                .sort_by_key(|row| core::cmp::Reverse(row.duration()));
            gathered.hidden += (gathered.rows.len() - MOST_ROWS / 2) as u64;
            gathered.rows.truncate(MOST_ROWS / 2);
        }
    }

    fn pass_end(&mut self, _idle: bool) {
        let pass = self.pass;
        self.pass += 1;
        self.print_finished(|trace| trace.root_in_pass.is_some_and(|root| root < pass));
    }

    fn flush(&mut self) -> PendingFlush {
        self.print_finished(|trace| trace.root_in_pass.is_some());
        let sender = self.writer.as_ref().map(|(sender, _)| sender.clone());
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

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        self.print_finished(|_| true);
        let result = self.flush()(deadline);
        if let Some((sender, thread)) = self.writer.take() {
            drop(sender);
            // A terminal that takes nothing would keep the thread, and the host, for ever.
            if result.is_ok() {
                let _ = thread.join();
            }
        }
        result
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.counters)
    }
}

fn late() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "standard error did not take the traces before the deadline",
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
            Message::Print { text, spans } => {
                match out.write_all(text.as_bytes()) {
                    Ok(()) => {
                        counters.exported.fetch_add(spans, Ordering::Release);
                    }
                    Err(_) => counters.dropped.add(DropReason::Unreachable, spans),
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

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
