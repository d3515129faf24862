//! Many threads, short and long, while the drain reads: nothing is lost and nothing comes twice.

use std::collections::HashSet;

use obs_runtime::{Observability, trace::SpanId, traced};
use obs_tests::exporters::Kept;
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
