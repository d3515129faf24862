//! Gathers the spans of each trace until its root has ended, and prints the tree.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use super::row::Row;
use super::tree::Tree;
use super::writer::{Writer, writer};
use crate::memory::{Held, Share};
use crate::processor::sink::{PendingFlush, SpanSink};
use crate::self_obs::ExporterCounters;
use crate::trace::SpanView;
use crate::trace::heap::HeapBytes as _;
use crate::{Error, trace::TraceId};

/// Rows of one trace that are kept; beyond, the shorter half is only counted. Longer spans stay,
/// because they are the ancestors of the others.
const MOST_ROWS: usize = 512;
/// Traces whose root has not ended. Beyond, the oldest is printed as it is.
const MOST_TRACES: usize = 256;
/// Traces that were printed and are remembered, for spans that outlive their root.
const REMEMBERED: usize = 256;

pub(super) struct ConsoleSink {
    open: HashMap<TraceId, Gathered>,
    /// The open traces, oldest first.
    order: VecDeque<TraceId>,
    printed: VecDeque<TraceId>,
    pass: u64,
    /// Spans that were taken and not printed.
    unsettled: u64,
    colour: bool,
    columns: fn() -> Option<usize>,
    share: Arc<Share>,
    writer: Writer,
}

struct Gathered {
    rows: Vec<Row>,
    /// What the rows take of the memory budget.
    held: Held,
    hidden: u64,
    /// The pass in which the root came.
    root_in_pass: Option<u64>,
}

impl Gathered {
    fn new() -> Self {
        Self {
            rows: Vec::new(),
            held: Held::none(),
            hidden: 0,
            root_in_pass: None,
        }
    }

    fn spans(&self) -> u64 {
        self.rows.len() as u64 + self.hidden
    }

    /// Keeps a row if the memory is there, and only counts it otherwise.
    fn add(&mut self, row: Row, share: &Arc<Share>) {
        let with_row = self.held.bytes() + bytes_of(&row);
        if !share.extend(&mut self.held, with_row) {
            self.hidden += 1;
            return;
        }
        self.rows.push(row);
        if self.rows.len() >= MOST_ROWS {
            self.rows
                .sort_by_key(|row| core::cmp::Reverse(row.duration()));
            let shorter = self.rows.split_off(MOST_ROWS / 2);
            self.hidden += shorter.len() as u64;
            self.held.shrink(shorter.iter().map(bytes_of).sum());
        }
    }
}

fn bytes_of(row: &Row) -> usize {
    size_of::<Row>() + row.heap_bytes()
}

impl ConsoleSink {
    /// Makes a sink that prints to `out`, in colour or not, in lines of at most `columns`.
    pub(super) fn new(
        out: Box<dyn Write + Send>,
        colour: bool,
        columns: fn() -> Option<usize>,
    ) -> Self {
        Self {
            open: HashMap::new(),
            order: VecDeque::new(),
            printed: VecDeque::new(),
            pass: 0,
            unsettled: 0,
            colour,
            columns,
            share: Arc::default(),
            writer: writer(out),
        }
    }

    fn print(&mut self, id: TraceId) {
        let Some(gathered) = self.open.remove(&id) else {
            return;
        };
        self.order.retain(|open| *open != id);
        let spans = gathered.spans();
        let late = self.printed.contains(&id);
        let mut tree = Tree::new(id, &gathered.rows);
        tree.hidden = gathered.hidden;
        tree.colour = self.colour;
        // Asked anew: a window changes its size.
        tree.columns = (self.columns)();
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
        self.writer.push(text, spans);
        self.unsettled -= spans;
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
        self.writer.take(1);
        self.unsettled += 1;
        if !self.open.contains_key(&span.trace_id) {
            if self.order.len() == MOST_TRACES
                && let Some(oldest) = self.order.front().copied()
            {
                self.print(oldest);
            }
            self.order.push_back(span.trace_id);
        }
        let late = self.printed.contains(&span.trace_id);
        let gathered = self.open.entry(span.trace_id);
        let gathered = gathered.or_insert_with(Gathered::new);
        let row = Row::from_view(span);
        if row.is_root() || late {
            gathered.root_in_pass.get_or_insert(self.pass);
        }
        gathered.add(row, &self.share);
    }

    fn pass_end(&mut self, _idle: bool) {
        let pass = self.pass;
        self.pass += 1;
        self.print_finished(|trace| trace.root_in_pass.is_some_and(|root| root < pass));
    }

    fn flush(&mut self) -> PendingFlush {
        self.print_finished(|trace| trace.root_in_pass.is_some());
        self.writer.flush()
    }

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        self.print_finished(|_| true);
        self.writer.shutdown(deadline)
    }

    fn abandon(&mut self) {
        let gathered = self.open.values().map(Gathered::spans).sum();
        let lost = core::mem::replace(&mut self.unsettled, gathered) - gathered;
        self.order.retain(|open| self.open.contains_key(open));
        self.writer.lose(lost);
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(self.writer.counters())
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
