use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::writer::QUEUE;
use super::*;
use crate::callsite::{Callsite, CallsiteSpec, Source};
use crate::self_obs::DropReason;
use crate::trace::{Outcome, SpanId, TraceFlags};

static SITE: Callsite = Callsite::new(CallsiteSpec::new(
    "work",
    &Source {
        module: "tests",
        file: "tests.rs",
    },
    1,
));

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A span that ran for `id` nanoseconds.
fn send(sink: &mut ConsoleSink, trace: u128, id: u64, parent: u64) {
    sink.span(&SpanView {
        scope: 0,
        callsite: &SITE,
        trace_id: TraceId(trace),
        span_id: SpanId(id),
        parent_id: SpanId(parent),
        parent_is_remote: false,
        flags: TraceFlags::SAMPLED,
        start_unix_nanos: 1_000,
        end_unix_nanos: 1_000 + id,
        outcome: Outcome::Ok,
        values: &[],
        base: core::ptr::null(),
        extra: None,
    });
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[test]
fn a_trace_is_printed_when_its_root_and_the_children_of_the_next_pass_are_there() {
    let out = Shared::default();
    let mut sink = ConsoleSink::new(Box::new(out.clone()), false, || None);
    send(&mut sink, 1, 2, 1);
    sink.pass_end(true);
    sink.pass_end(true);
    assert!(!sink.open.is_empty(), "the root is missing");
    send(&mut sink, 1, 1, 0);
    sink.pass_end(false);
    send(&mut sink, 1, 3, 1);
    sink.pass_end(false);
    assert!(sink.open.is_empty());
    sink.flush()(soon()).unwrap();
    assert!(out.text().contains("· 3 spans ·"), "{}", out.text());
    let stats = sink.stats().snapshot();
    assert_eq!((stats.taken, stats.exported, stats.in_flight), (3, 3, 0));
}

#[test]
fn a_span_that_outlives_its_root_is_printed_by_itself() {
    let out = Shared::default();
    let mut sink = ConsoleSink::new(Box::new(out.clone()), false, || None);
    send(&mut sink, 1, 1, 0);
    sink.flush()(soon()).unwrap();
    send(&mut sink, 1, 2, 1);
    sink.pass_end(true);
    sink.pass_end(true);
    sink.flush()(soon()).unwrap();
    assert_eq!(out.text().matches("· 1 span ·").count(), 2);
    assert!(out.text().contains("ended after their root"));
}

#[test]
fn shutdown_prints_what_is_unfinished_and_accounts_for_all() {
    let out = Shared::default();
    let mut sink = ConsoleSink::new(Box::new(out.clone()), false, || None);
    send(&mut sink, 1, 2, 1);
    sink.shutdown(soon()).unwrap();
    assert!(out.text().contains("the root has not ended"));
    assert_eq!(sink.stats().snapshot().in_flight, 0);
}

#[test]
fn memory_is_bounded_and_nothing_goes_uncounted() {
    let out = Shared::default();
    let mut sink = ConsoleSink::new(Box::new(out.clone()), false, || None);
    for id in 2..=10_000 {
        send(&mut sink, 1, id, 1);
        assert!(sink.open[&TraceId(1)].rows.len() < MOST_ROWS);
    }
    send(&mut sink, 1, 1_000_000, 0);
    for trace in 2..5_000 {
        send(&mut sink, trace, 2, 1);
        assert!(sink.open.len() <= MOST_TRACES && sink.printed.len() <= REMEMBERED);
        // What the queue has no room for is an error here, and counted below.
        let _ = sink.flush()(soon());
    }
    let _ = sink.shutdown(soon());
    let stats = sink.stats().snapshot();
    assert_eq!(
        (stats.exported + stats.dropped_total(), stats.in_flight),
        (stats.taken, 0)
    );
    assert!(
        out.text().contains("· 10000 spans ·")
            && out.text().contains("shorter spans are not shown")
    );
}

#[test]
fn a_closed_console_costs_spans_not_the_program() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let mut sink = ConsoleSink::new(Box::new(Closed), false, || None);
    send(&mut sink, 1, 1, 0);
    sink.shutdown(soon()).unwrap();
    assert_eq!(
        sink.stats().snapshot().dropped,
        [(DropReason::Unreachable, 1)]
    );
}

#[test]
fn a_console_that_takes_nothing_ends_with_the_deadline() {
    struct Stuck(Receiver<()>);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (release, stuck) = sync_channel(0);
    let mut sink = ConsoleSink::new(Box::new(Stuck(stuck)), false, || None);
    for trace in 1..=200 {
        send(&mut sink, trace, 1, 0);
    }
    let error = sink
        .shutdown(Instant::now() + Duration::from_millis(20))
        .unwrap_err();
    assert!(error.is_timeout());
    let stats = sink.stats().snapshot();
    assert_eq!(stats.dropped, [(DropReason::QueueFull, 200 - QUEUE as u64)]);
    assert_eq!(stats.in_flight, QUEUE as u64);
    drop(release);
}

#[test]
fn colours_are_an_option() {
    let out = Shared::default();
    let mut sink = ConsoleSink::new(Box::new(out.clone()), true, || None);
    send(&mut sink, 1, 1, 0);
    sink.shutdown(soon()).unwrap();
    assert!(out.text().contains("\x1b[32m✓\x1b[0m work"));
}

#[test]
fn a_trace_whose_drawing_panicked_is_counted_as_lost() {
    let out = Shared::default();
    let mut sink = ConsoleSink::new(Box::new(out.clone()), false, || None);
    send(&mut sink, 1, 1, 0);
    send(&mut sink, 2, 2, 0);
    send(&mut sink, 2, 3, 2);
    // A panic between the removal of a trace and its text.
    sink.open.remove(&TraceId(2));
    sink.abandon();
    assert!(sink.flush()(soon()).is_err(), "something was lost");
    sink.shutdown(soon()).unwrap();
    let stats = sink.stats().snapshot();
    assert_eq!((stats.taken, stats.exported), (3, 1), "{}", out.text());
    assert_eq!(stats.dropped, [(DropReason::ExporterFailed, 2)]);
}
