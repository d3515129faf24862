//! The drain: it reads what the threads recorded, counts every call, and hands spans to the sinks.
//!
//! One pass runs at a time, under one lock, on the thread that needs it: the drain's own thread by
//! its timer or when much is unread, or a thread that scrapes or flushes. Sinks never block in a
//! pass. A pass that panics leaves whole records behind, and the next one continues after them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;
use crate::callsite::Callsite;
use crate::clock::{self, unix_nanos};
use crate::fork::{self, PerProcess};
use crate::processor::logs::Logs;
use crate::processor::redaction::SpanRedaction;
use crate::processor::sink::{LogSink, PendingFlush, SpanSink};
use crate::processor::tail::TailSampler;
use crate::self_obs::{self, LogStats, SpanStats};
use crate::trace::buffer::{self, Overflow};
use crate::trace::calls::{CallCounts, CallSpan};
use crate::trace::record::{self, Record};
use crate::trace::timeline::Timeline;
use crate::trace::view::{Outcome, SpanView};

/// The longest time that a finished span lies in a buffer before the drain looks at it, in
/// milliseconds.
static TIMER: AtomicU64 = AtomicU64::new(LONGEST);
const LONGEST: u64 = 500;

/// Makes the drain look more often than it does by default.
#[cfg(feature = "otlp")]
pub(crate) fn look_every(interval: Duration) {
    let millis = interval.as_millis().clamp(1, u128::from(LONGEST));
    TIMER.store(millis as u64, Ordering::Relaxed);
}

/// The sinks of spans, and those of logs.
pub(crate) type Sinks = (Vec<Box<dyn SpanSink>>, Vec<Box<dyn LogSink>>);

/// The drain's part for one scope: counts its calls and hands its spans on.
pub(crate) struct ScopeDrain {
    metrics: CallCounts,
    sinks: Vec<Box<dyn SpanSink>>,
    /// None if nobody takes logs.
    logs: Option<Logs>,
    tail: Option<TailSampler>,
    redaction: Option<SpanRedaction>,
    recorded: u64,
    lost: u64,
    /// When a forked child installed obs; what began before belongs to its parent.
    since_unix_nanos: u64,
}

impl ScopeDrain {
    pub(crate) fn new(
        sinks: Vec<Box<dyn SpanSink>>,
        logs: Option<Logs>,
        tail: Option<TailSampler>,
        redaction: Option<SpanRedaction>,
    ) -> Self {
        Self {
            metrics: CallCounts::new(unix_nanos()),
            sinks,
            logs,
            tail,
            redaction,
            recorded: 0,
            lost: 0,
            since_unix_nanos: if fork::is_child() { unix_nanos() } else { 0 },
        }
    }

    #[inline]
    fn count(
        &mut self,
        site: &'static Callsite,
        outcome: Outcome,
        nanos: u64,
        span: Option<&CallSpan>,
    ) {
        if site.metrics() {
            self.metrics.record(site, outcome, nanos, span);
        }
    }

    #[inline]
    fn take(&mut self, record: &Record<'_>, timeline: &Timeline) {
        match record {
            Record::Full(_, span, _) if span.start_unix_nanos < self.since_unix_nanos => {
                self_obs::count_late();
            }
            Record::Full(_, span, ticks) => {
                self.recorded += 1;
                let of_call = CallSpan {
                    trace_id: span.trace_id,
                    span_id: span.span_id,
                    end_unix_nanos: span.end_unix_nanos,
                };
                let nanos = timeline.nanos_of(*ticks);
                let (sinks, redaction) = (&mut self.sinks, self.redaction);
                // An exemplar must be of a span that can be looked up.
                let is_kept = match &mut self.tail {
                    None => true,
                    Some(tail) => tail.span(span, &mut |span| deliver(sinks, redaction, span)),
                };
                let example = is_kept.then_some(&of_call);
                self.count(span.callsite, span.outcome, nanos, example);
                if self.tail.is_none() {
                    deliver(&mut self.sinks, redaction, span);
                }
                if let Some(logs) = &mut self.logs {
                    logs.span(span);
                }
            }
            Record::Mini(_, site, outcome, ticks) => {
                self.count(site, *outcome, timeline.nanos_of(*ticks), None);
            }
        }
    }

    fn add(&mut self, overflow: &Overflow) {
        self.lost += overflow.lost_spans;
        self.recorded += overflow.lost_spans;
        self.metrics.merge(&overflow.metrics);
    }

    pub(crate) fn function_metrics(&self) -> &CallCounts {
        &self.metrics
    }

    pub(crate) fn stats(&self) -> (SpanStats, LogStats) {
        let tail = self.tail.as_ref().map(|tail| tail.account);
        let tail = tail.unwrap_or_default();
        let spans = SpanStats {
            recorded: self.recorded,
            lost: self.lost,
            sampled_out: tail.sampled_out,
            waiting: tail.waiting,
            evicted_traces: tail.evicted,
            exporters: self.sinks.iter().map(|s| s.stats().snapshot()).collect(),
        };
        let logs = self.logs.as_ref().map(Logs::stats).unwrap_or_default();
        (spans, logs)
    }

    fn pass_end(&mut self, timer: bool) {
        let (sinks, redaction) = (&mut self.sinks, self.redaction);
        if let Some(tail) = &mut self.tail {
            tail.pass_end(Instant::now(), &mut |span| deliver(sinks, redaction, span));
        }
        for sink in sinks {
            sink.pass_end(timer);
        }
        if let Some(logs) = &mut self.logs {
            logs.pass_end(timer);
        }
    }

    pub(crate) fn flush_sinks(&mut self) -> Vec<PendingFlush> {
        let (sinks, redaction) = (&mut self.sinks, self.redaction);
        if let Some(tail) = &mut self.tail {
            tail.flush(&mut |span| deliver(sinks, redaction, span));
        }
        let spans = self.sinks.iter_mut().map(|sink| sink.flush());
        spans
            .chain(self.logs.iter_mut().flat_map(Logs::flush))
            .collect()
    }

    /// Returns the sinks of spans, which have got all their spans, and those of logs.
    pub(crate) fn into_sinks(self) -> Sinks {
        let (mut sinks, redaction) = (self.sinks, self.redaction);
        if let Some(mut tail) = self.tail {
            let mut next = |span: &SpanView<'_>| deliver(&mut sinks, redaction, span);
            tail.finish(Instant::now(), &mut next);
        }
        (sinks, self.logs.map(Logs::close).unwrap_or_default())
    }
}

#[inline]
fn deliver(sinks: &mut [Box<dyn SpanSink>], redaction: Option<SpanRedaction>, span: &SpanView<'_>) {
    match redaction.and_then(|redaction| redaction.span(span)) {
        None => to_all(sinks, span),
        Some(masked) => to_all(sinks, &masked.view()),
    }
}

#[inline]
fn to_all(sinks: &mut [Box<dyn SpanSink>], span: &SpanView<'_>) {
    for sink in sinks {
        sink.span(span);
    }
}

struct Drain {
    /// The installed default, to which nearly every record belongs.
    default: Option<ScopeDrain>,
    others: HashMap<u16, ScopeDrain>,
    timeline: Timeline,
}

static DRAIN: PerProcess<Mutex<Option<Drain>>> = PerProcess::new(Mutex::default);

fn lock() -> MutexGuard<'static, Option<Drain>> {
    // A pass that panicked left whole records behind: the next one goes on after them.
    DRAIN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drain {
    fn scope(&mut self, id: u16) -> Option<&mut ScopeDrain> {
        match id {
            0 => self.default.as_mut(),
            id => self.others.get_mut(&id),
        }
    }

    fn pass(&mut self, timer: bool) {
        // Everything that is published before this point ended before the next knot.
        let limits = buffer::limits();
        self.timeline.advance();
        clock::publish_rate(self.timeline.rate);
        let Self {
            default,
            others,
            timeline,
        } = self;
        let mut overflows = Vec::new();
        limits.consume(
            // SAFETY: `consume` passes published records.
            |at| unsafe { record::length(at) },
            |at| {
                let each = |record: Record<'_>| {
                    let (Record::Full(scope, ..) | Record::Mini(scope, ..)) = &record;
                    let scope = match *scope {
                        0 => default.as_mut(),
                        id => others.get_mut(&id),
                    };
                    match scope {
                        Some(scope) => scope.take(&record, timeline),
                        None => self_obs::count_late(),
                    }
                };
                // SAFETY: `consume` yields each published record once.
                unsafe { record::read(at, timeline, each) }
            },
            |scope, overflow| overflows.push((scope, overflow)),
        );
        for (id, overflow) in overflows {
            if let Some(scope) = self.scope(id) {
                scope.add(&overflow);
            }
        }
        for scope in self.default.iter_mut().chain(self.others.values_mut()) {
            scope.pass_end(timer);
        }
    }
}

/// Adds a scope. Its calls are taken from now on.
pub(crate) fn add(id: u16, scope: ScopeDrain) {
    clock::init();
    let mut drain = lock();
    let drain = drain.get_or_insert_with(|| Drain {
        default: None,
        others: HashMap::new(),
        timeline: Timeline::new(),
    });
    match id {
        0 => drain.default = Some(scope),
        id => drop(drain.others.insert(id, scope)),
    }
}

/// Returns a scope id that is free; 0 is the default's.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn free_id() -> Option<u16> {
    use std::sync::atomic::AtomicU16;

    static NEXT: AtomicU16 = AtomicU16::new(1);
    let drain = lock();
    (0..u16::MAX).find_map(|_| {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let taken = drain.as_ref().is_some_and(|d| d.others.contains_key(&id));
        (id != 0 && !taken).then_some(id)
    })
}

/// Calls `what` with a scope right after a pass: everything that ended before the call is in it.
pub(crate) fn after_pass<R>(id: u16, what: impl FnOnce(&mut ScopeDrain) -> R) -> Option<R> {
    let mut drain = lock();
    let drain = drain.as_mut()?;
    drain.pass(true);
    drain.scope(id).map(what)
}

/// Removes a scope after a last pass. What is recorded for the scope later is counted as late.
pub(crate) fn remove(id: u16) -> Option<ScopeDrain> {
    let mut drain = lock();
    let drain = drain.as_mut()?;
    drain.pass(true);
    match id {
        0 => drain.default.take(),
        id => drain.others.remove(&id),
    }
}

/// Starts the drain's thread, once in a process.
pub(crate) fn start_thread() -> Result<(), Error> {
    static STARTED: PerProcess<Mutex<bool>> = PerProcess::new(Mutex::default);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*started {
        let thread = self_obs::start_thread("obs-drain", run)?;
        buffer::set_drain(thread.thread().clone());
        *started = true;
    }
    Ok(())
}

fn run() {
    self_obs::mark_own_thread();
    let mut last = Instant::now();
    loop {
        let interval = Duration::from_millis(TIMER.load(Ordering::Relaxed));
        if !buffer::shared().is_behind() {
            std::thread::park_timeout(interval.saturating_sub(last.elapsed()));
        }
        let timer = last.elapsed() >= interval;
        if timer {
            last = Instant::now();
        }
        if let Some(drain) = &mut *lock() {
            drain.pass(timer);
        }
    }
}
