//! More than the buffers hold: every span is delivered or counted as lost, and metrics stay exact.
//! The byte budget is the process's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use obs_runtime::{
    Error, Observability, exporter::RecordExporter, stats::DropReason, trace::SpanRecord, traced,
};
use obs_tests::cases::total;
use obs_tests::own_process;

const THREADS: u64 = 4;
const CALLS: u64 = 200_000;

struct Count(Arc<AtomicU64>);

impl RecordExporter for Count {
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        self.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[traced(fields(n, text = "a text that does not fit into the value itself"))]
fn work(n: u64) -> u64 {
    n + 1
}

#[test]
fn every_span_is_delivered_or_counted() {
    own_process!();
    let seen = Arc::new(AtomicU64::new(0));
    let obs = Observability::builder()
        .memory_limit(256 << 10)
        .record_exporter(Count(Arc::clone(&seen)))
        .install()
        .unwrap();
    let start = Arc::new(Barrier::new(THREADS as usize));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let start = Arc::clone(&start);
            std::thread::spawn(move || {
                start.wait();
                (0..CALLS).for_each(|n| assert_eq!(work(n), n + 1));
            })
        })
        .collect();
    // The account is whole at every moment, not only at the end.
    for _ in 0..50 {
        let stats = obs.stats().spans;
        assert!(stats.recorded >= stats.lost + stats.exporters[0].taken);
    }
    for thread in threads {
        thread.join().unwrap();
    }
    // It tells of what was lost, which is counted below.
    let _ = obs.force_flush();

    let stats = obs.stats();
    let exporter = &stats.spans.exporters[0];
    assert_eq!(stats.spans.recorded, THREADS * CALLS);
    assert_eq!(stats.spans.recorded, stats.spans.lost + exporter.taken);
    assert_eq!(exporter.taken, exporter.exported + exporter.dropped_total());
    assert_eq!(exporter.exported, seen.load(Ordering::Relaxed));
    assert!(stats.spans.lost > 0, "the budget was meant to be too small");
    assert!(
        stats
            .dropped()
            .contains(&(DropReason::BufferFull, stats.spans.lost))
    );

    let labels = [("module", module_path!()), ("result", "ok")];
    let calls = total(&obs.collect_metrics(), "function.calls", &labels);
    assert_eq!(calls as u64, THREADS * CALLS);
}
