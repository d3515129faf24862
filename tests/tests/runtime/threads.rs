//! Many threads, short and long, while the drain reads: nothing is lost and nothing comes twice.

use std::collections::HashSet;

use obs_runtime::exporter::RecordExporter;
use obs_runtime::{
    Error, Observability,
    trace::{SpanId, SpanRecord},
    traced,
};
use obs_tests::exporters::Kept;
#[cfg(target_os = "linux")]
use obs_tests::otlp_receiver::{Mode, OtlpReceiver};
use obs_tests::own_process;

#[traced(root)]
fn request(n: usize) -> usize {
    (0..9).map(|step| inner(n, step)).sum()
}

#[traced(fields(n, step))]
fn inner(n: usize, step: usize) -> usize {
    n * step
}

#[test]
fn each_span_arrives_once_under_its_parent() {
    own_process!();
    let kept = Kept::default();
    let obs = Observability::builder()
        .record_exporter(kept.clone())
        .install()
        .unwrap();
    // One after the other and side by side: queues come and go while passes run.
    for round in 0..20 {
        let threads: Vec<_> = (0..8)
            .map(|t| {
                std::thread::spawn(move || {
                    for n in 0..if t == 0 { 200 } else { 3 } {
                        request(round * n);
                    }
                })
            })
            .collect();
        obs.stats();
        for thread in threads {
            thread.join().unwrap();
        }
    }
    obs.force_flush().unwrap();
    let stats = obs.stats();
    assert_eq!(stats.dropped_total(), 0, "{stats}");

    let spans = kept.spans();
    let expected = 20 * (200 + 7 * 3) * 10;
    assert_eq!(spans.len(), expected);
    let ids: HashSet<SpanId> = spans.iter().map(|s| s.span_id).collect();
    assert_eq!(ids.len(), expected);
    let roots: HashSet<_> = spans
        .iter()
        .filter(|s| s.parent_id.is_none())
        .map(|s| (s.trace_id, Some(s.span_id)))
        .collect();
    assert_eq!(roots.len(), expected / 10);
    for child in spans.iter().filter(|s| s.parent_id.is_some()) {
        assert!(roots.contains(&(child.trace_id, child.parent_id)));
    }
}

/// The names of the threads of this process.
#[cfg(target_os = "linux")]
fn names() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // One may end while they are listed.
    let names = tasks.filter_map(|t| std::fs::read_to_string(t.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim_end().to_owned()).collect()
}

// bug: the drain's thread went on for ever, so a plugin with an obs of its own could not be
// unloaded, and the other threads were about to end when the shutdown returned.
#[cfg(target_os = "linux")]
#[test]
fn no_thread_outlives_the_last_installation() {
    own_process!();
    let receiver = OtlpReceiver::start(Mode::Accept);
    let before = names();
    for round in 0..50 {
        let obs = Observability::builder()
            .record_exporter(Kept::default())
            .otlp(receiver.url())
            .prometheus(([127, 0, 0, 1], 0))
            .install()
            .unwrap();
        request(round);
        obs.shutdown().unwrap();
        // Connections of the receiver end when they like.
        let after = names();
        let left: Vec<_> = after.iter().filter(|n| !before.contains(n)).collect();
        assert!(left.is_empty(), "round {round}: {left:?}");
    }
}

/// Says how many spans have arrived.
struct Tells(std::sync::mpsc::Sender<usize>);

impl RecordExporter for Tells {
    fn export(&mut self, spans: Vec<SpanRecord>) -> Result<(), Error> {
        let _ = self.0.send(spans.len());
        Ok(())
    }
}

#[test]
fn the_drain_goes_on_for_the_other_installation() {
    own_process!();
    let (sent, arrived) = std::sync::mpsc::channel();
    let obs = Observability::builder()
        .record_exporter(Tells(sent))
        .install()
        .unwrap();
    let captured = obs_runtime::testing::capture(|| request(1));
    assert_eq!(captured.spans.len(), 10);
    request(2);
    // Nobody flushes: its own thread finds them.
    let mut spans = 0;
    while spans < 10 {
        spans += arrived.recv().unwrap();
    }
    drop(obs);
}
