//! The periodic pusher: when it exports, and what becomes of failures.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::error::ErrorKind;
use crate::metrics::{MetricData, MetricsCollector, Number};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// Never by itself.
fn never() -> ExportSchedule {
    ExportSchedule::new().interval(Duration::from_secs(1 << 30))
}

/// Says the value of the only counter, and answers as the test wants.
struct Scripted {
    values: Sender<f64>,
    answers: Receiver<Result<(), Error>>,
    ended: Sender<()>,
}

impl MetricExporter for Scripted {
    fn export(&mut self, batch: MetricBatch<'_>) -> Result<(), Error> {
        let MetricData::Counter(points) = &batch.families[0].data else {
            panic!("a counter");
        };
        assert_eq!(batch.resource[0].0, "service.name");
        assert!(batch.deadline > Instant::now());
        let _ = self.values.send(points[0].value.as_f64());
        self.answers.recv().unwrap_or(Ok(()))
    }

    fn shutdown(&mut self) -> Result<(), Error> {
        let _ = self.ended.send(());
        Ok(())
    }
}

struct Test {
    collector: MetricsCollector,
    pusher: PeriodicPusher,
    values: Receiver<f64>,
    answers: Sender<Result<(), Error>>,
    ended: Receiver<()>,
}

fn start(schedule: ExportSchedule) -> Test {
    let ((values_in, values), (answers, answers_out)) = (channel(), channel());
    let (ended_in, ended) = channel();
    let exporter = Scripted {
        values: values_in,
        answers: answers_out,
        ended: ended_in,
    };
    let collector = MetricsCollector::new();
    collector.counter("c").build().expect("valid").add(1);
    let resource = vec![("service.name".into(), "x".into())];
    let source = Arc::new(collector.clone());
    let pusher = PeriodicPusher::start(Box::new(exporter), schedule, resource, source);
    Test {
        collector,
        pusher: pusher.expect("a thread"),
        values,
        answers,
        ended,
    }
}

fn failed() -> Result<(), Error> {
    Err(Error::new(ErrorKind::Export, "the disk is full"))
}

fn long() -> Instant {
    Instant::now() + LONG
}

#[test]
fn a_flush_and_the_shutdown_export() {
    let test = start(never());
    drop(test.answers);
    test.pusher.flush()(long()).expect("exported");
    assert_eq!(test.values.try_recv(), Ok(1.0));
    test.collector.counter("c").build().expect("valid").add(1);
    test.pusher.shutdown(long()).expect("exported");
    assert_eq!(
        (test.values.try_recv(), test.ended.try_recv()),
        (Ok(2.0), Ok(()))
    );
    let stats = test.pusher.stats().snapshot();
    assert_eq!((stats.taken, stats.exported, stats.in_flight), (2, 2, 0));
}

#[test]
fn the_interval_exports_by_itself() {
    let test = start(ExportSchedule::new().interval(Duration::ZERO));
    drop(test.answers);
    for _ in 0..3 {
        assert_eq!(test.values.recv_timeout(LONG), Ok(1.0));
    }
    test.pusher.shutdown(long()).expect("exported");
}

// bug: I40, I12 (errors of exporters were raised into the program, or lost).
#[test]
fn failures_are_counted_and_deltas_are_part_of_the_next_interval() {
    let test = start(never().temporality(Temporality::Delta));
    test.answers.send(failed()).expect("an exporter");
    let error = test.pusher.flush()(long()).expect_err("a failure");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    test.collector.counter("c").build().expect("valid").add(4);
    drop(test.answers);
    test.pusher.flush()(long()).expect("exported");
    let values: Vec<f64> = test.values.try_iter().collect();
    assert_eq!(values, [1.0, 5.0]);
    // Nothing was added: nothing is exported.
    test.pusher.shutdown(long()).expect("nothing to do");
    assert!(test.values.try_recv().is_err());
    let stats = test.pusher.stats().snapshot();
    assert_eq!((stats.taken, stats.exported), (2, 1));
    assert_eq!(stats.dropped, [(DropReason::ExporterFailed, 1)]);
}

#[test]
fn a_flush_answers_for_what_it_asked_for() {
    let test = start(never());
    let _first = test.pusher.flush();
    assert_eq!(test.values.recv_timeout(LONG), Ok(1.0));
    // The first is under way, and fails; the second does not.
    let second = test.pusher.flush();
    test.answers.send(failed()).expect("an exporter");
    drop(test.answers);
    second(long()).expect("exported");
}

#[test]
fn an_exporter_that_gives_up_in_time_says_why() {
    let test = start(never());
    let late = Error::new(ErrorKind::Timeout, "no answer");
    test.answers.send(Err(late)).expect("an exporter");
    test.pusher.flush()(long()).expect_err("a failure");
    let problem = test.pusher.stats().problems().pop();
    assert!(problem.is_some_and(|p| p.contains("no answer")));
    let dropped = test.pusher.stats().snapshot().dropped;
    assert_eq!(dropped, [(DropReason::Timeout, 1)]);
    drop(test.answers);
    test.pusher.flush()(long()).expect("exported");
    assert_eq!(test.pusher.stats().problems().pop(), None);
}

struct Panics;

impl MetricExporter for Panics {
    fn export(&mut self, _: MetricBatch<'_>) -> Result<(), Error> {
        panic!("an exporter of the user");
    }
}

#[test]
fn a_panic_loses_its_batch_and_not_the_thread() {
    let collector = MetricsCollector::new();
    collector.counter("c").build().expect("valid").inc();
    let source = Arc::new(collector);
    let pusher = PeriodicPusher::start(Box::new(Panics), never(), Vec::new(), source);
    let pusher = pusher.expect("a thread");
    for _ in 0..2 {
        let error = pusher.flush()(long()).expect_err("a failure");
        assert!(error.to_string().contains("panicked"), "{error}");
    }
    assert!(pusher.shutdown(long()).is_err());
    let dropped = pusher.stats().snapshot().dropped;
    assert_eq!(dropped, [(DropReason::ExporterFailed, 3)]);
}

#[test]
fn a_shutdown_that_fails_says_why() {
    struct Stuck(bool);
    impl MetricExporter for Stuck {
        fn export(&mut self, _: MetricBatch<'_>) -> Result<(), Error> {
            Ok(())
        }

        fn shutdown(&mut self) -> Result<(), Error> {
            assert!(!self.0, "an exporter of the user");
            Err(Error::new(ErrorKind::Export, "the file is locked"))
        }
    }
    for (panics, cause) in [(false, "the file is locked"), (true, "panicked")] {
        let source = Arc::new(MetricsCollector::new());
        let exporter = Box::new(Stuck(panics));
        let pusher = PeriodicPusher::start(exporter, never(), Vec::new(), source);
        let ended = pusher.expect("a thread").shutdown(long());
        let error = ended.expect_err("a failure").to_string();
        assert!(error.contains("could not be shut down"), "{error}");
        assert!(error.contains(cause), "{error}");
    }
}

#[test]
fn an_exporter_that_hangs_delays_nobody_beyond_the_deadline() {
    let test = start(never());
    let pending = test.pusher.flush();
    // It has the batch, and does not come back.
    assert_eq!(test.values.recv_timeout(LONG), Ok(1.0));
    let error = pending(Instant::now()).expect_err("not in time");
    assert!(error.to_string().contains("deadline"), "{error}");
    assert!(test.pusher.shutdown(Instant::now()).is_err());
    let stats = test.pusher.stats();
    let snapshot = stats.snapshot();
    assert_eq!(
        (snapshot.in_flight, &snapshot.dropped[..]),
        (0, &[(DropReason::Shutdown, 1)][..])
    );
    // What comes back late is not counted again.
    drop(test.answers);
    test.ended.recv_timeout(LONG).expect("the thread ends");
    let snapshot = stats.snapshot();
    assert_eq!(
        (snapshot.taken, snapshot.exported + snapshot.dropped_total()),
        (2, 2)
    );
}

#[test]
fn a_source_that_panics_is_exported_as_far_as_it_went() {
    struct Source(MetricsCollector);
    impl MetricSource for Source {
        fn collect(&self, out: &mut Vec<MetricFamily>) {
            self.0.collect(out);
            panic!("a callback of the user");
        }
    }
    struct Counts(Sender<Number>);
    impl MetricExporter for Counts {
        fn export(&mut self, batch: MetricBatch<'_>) -> Result<(), Error> {
            if let MetricData::Counter(points) = &batch.families[0].data {
                let _ = self.0.send(points[0].value);
            }
            Ok(())
        }
    }
    let collector = MetricsCollector::new();
    collector.counter("c").build().expect("valid").add(3);
    let (sender, values) = channel();
    let source = Arc::new(Source(collector));
    let pusher = PeriodicPusher::start(Box::new(Counts(sender)), never(), Vec::new(), source);
    pusher
        .expect("a thread")
        .shutdown(long())
        .expect("exported");
    assert_eq!(values.try_recv(), Ok(Number::U64(3)));
}
