//! Log records as lines for people.

use core::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::row::show;
use super::writer::{Writer, writer};
use crate::Error;
use crate::callsite::Level;
use crate::logs::LogRecord;
use crate::processor::sink::{LogSink, PendingFlush};
use crate::rfc3339::rfc3339;
use crate::self_obs::ExporterCounters;
use crate::terminal::text::clean;
use crate::terminal::{DIM, GREEN, RED, RESET, YELLOW};

/// Characters of a message that are shown.
const BODY: usize = 4096;
/// Characters of a name that are shown.
const NAME: usize = 256;

pub(super) struct ConsoleLogs {
    colour: bool,
    /// The lines of this pass, and how many.
    lines: String,
    records: u64,
    /// Records that were taken and not printed.
    unsettled: u64,
    writer: Writer,
}

impl ConsoleLogs {
    pub(super) fn new(out: Box<dyn Write + Send>, colour: bool) -> Self {
        Self {
            colour,
            lines: String::new(),
            records: 0,
            unsettled: 0,
            writer: writer(out),
        }
    }

    fn print(&mut self) {
        if self.records > 0 {
            let lines = core::mem::take(&mut self.lines);
            let records = core::mem::take(&mut self.records);
            self.writer.push(lines, records);
            self.unsettled -= records;
        }
    }
}

impl LogSink for ConsoleLogs {
    fn log(&mut self, record: &LogRecord) {
        self.writer.take(1);
        self.unsettled += 1;
        line(record, self.colour, &mut self.lines);
        self.records += 1;
    }

    fn pass_end(&mut self, _idle: bool) {
        self.print();
    }

    fn flush(&mut self) -> PendingFlush {
        self.print();
        self.writer.flush()
    }

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        self.print();
        self.writer.shutdown(deadline)
    }

    fn abandon(&mut self) {
        let whole = self.lines.rfind('\n').map_or(0, |end| end + 1);
        self.lines.truncate(whole);
        let lost = core::mem::replace(&mut self.unsettled, self.records) - self.records;
        self.writer.lose(lost);
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(self.writer.counters())
    }
}

/// Appends a record as one line, like those of `obs_runtime::interop::tracing::Text`.
fn line(record: &LogRecord, colour: bool, out: &mut String) {
    let paint = |code: &'static str| if colour { code } else { "" };
    let (dim, reset) = (paint(DIM), paint(RESET));
    let level = match record.level {
        Level::Error => paint(RED),
        Level::Warn => paint(YELLOW),
        Level::Info => paint(GREEN),
        Level::Debug | Level::Trace => dim,
    };
    let time = rfc3339(UNIX_EPOCH + Duration::from_nanos(record.unix_nanos));
    let name = record.level.as_str().to_ascii_uppercase();
    let target = clean(&record.target, NAME);
    let _ = write!(
        out,
        "{dim}{time}{reset} {level}{name:>5}{reset} {dim}{target}:{reset}"
    );
    // What has no message has a name.
    if let Some(said) = record.body.as_deref().or(record.event_name.as_deref()) {
        let _ = write!(out, " {}", clean(said, BODY));
    }
    for (key, value) in &record.attributes {
        if !key.starts_with("code.") && !key.starts_with("thread.") {
            let _ = write!(out, " {}={}", clean(key, NAME), show(value.as_ref()));
        }
    }
    if let Some(context) = &record.context {
        let (trace, span) = (context.trace_id(), context.span_id());
        let _ = write!(out, " {dim}trace_id={trace} span_id={span}{reset}");
    }
    out.push('\n');
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
