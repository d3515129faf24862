//! Tail sampling behind many threads: exporters see whole traces that are worth it, metrics see every call.

use std::collections::HashMap;

use obs_runtime::metrics::MetricData;
use obs_runtime::{Observability, TailSampling, stats::DropReason, trace::SpanRecord, traced};
use obs_tests::cases::total;
use obs_tests::exporters::Kept;
use obs_tests::own_process;

const THREADS: u64 = 4;
const REQUESTS: u64 = 2_000;

#[traced(fields(text))]
fn step(text: &str, fails: bool) -> Result<(), String> {
    if fails { Err(text.to_owned()) } else { Ok(()) }
}

#[traced(fields(number))]
fn request(number: u64) {
    let fails = number % 100 == 7;
    for part in 0..3 {
        // The error of a step is handled here: the request itself succeeds.
        let _ = step("a text that is too long for a value", fails && part == 1);
    }
}

#[test]
fn exporters_see_what_is_kept_and_metrics_see_all() {
    own_process!();
    let (first, second) = (Kept::default(), Kept::default());
    let tail = TailSampling::new().keep_errors().ratio(0.1);
    let obs = Observability::builder()
        .tail_sampling(tail)
        .record_exporter(first.clone())
        .record_exporter(second.clone())
        .install()
        .unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || (0..REQUESTS).for_each(|n| request(thread * REQUESTS + n)));
        }
    });
    obs.force_flush().unwrap();

    let spans = first.spans();
    assert_eq!(spans.len(), second.spans().len());
    let mut traces: HashMap<_, Vec<&SpanRecord>> = HashMap::new();
    for span in &spans {
        traces.entry(span.trace_id).or_default().push(span);
    }
    assert!(
        traces.values().all(|spans| spans.len() == 4),
        "whole traces only"
    );
    let failed = |spans: &&Vec<&SpanRecord>| spans.iter().any(|s| s.error.is_some());
    assert_eq!(
        traces.values().filter(failed).count() as u64,
        THREADS * REQUESTS / 100
    );
    // A tenth of the rest: far inside six standard deviations (27).
    let others = traces.values().filter(|spans| !failed(spans)).count();
    assert!((632..=952).contains(&others), "{others}");

    let stats = obs.stats();
    let all = THREADS * REQUESTS * 4;
    assert_eq!(stats.spans.recorded, all);
    let kept = spans.len() as u64;
    let waiting = stats.spans.waiting;
    assert_eq!(
        all,
        stats.spans.lost + stats.spans.sampled_out + waiting + kept,
        "{stats}"
    );
    assert_eq!((waiting, stats.spans.lost), (0, 0));
    let dropped = [(DropReason::TailSampled, stats.spans.sampled_out)];
    assert_eq!(stats.dropped(), dropped);

    let families = obs.collect_metrics();
    let calls = |function| total(&families, "function.calls", &[("function", function)]);
    assert_eq!(calls("request") as u64, THREADS * REQUESTS);
    assert_eq!(calls("step") as u64, THREADS * REQUESTS * 3);
    let dropped = total(&families, "obs.dropped", &[("reason", "tail_sampled")]);
    assert_eq!(dropped as u64, stats.spans.sampled_out);

    // Whoever follows an exemplar finds its trace.
    let durations = families
        .iter()
        .find(|f| f.name == "function.calls.duration")
        .unwrap();
    let MetricData::Histogram(points) = &durations.data else {
        panic!("a histogram");
    };
    let named: Vec<_> = points.iter().flat_map(|p| &p.exemplars).collect();
    assert!(!named.is_empty());
    for exemplar in named {
        assert!(traces.contains_key(&exemplar.trace_id), "{exemplar:?}");
    }
}
