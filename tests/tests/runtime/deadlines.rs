//! More is finished than can be read in time: who asks, flushes or ends has its answer all the same.

use std::thread;
use std::time::Duration;

use obs_runtime::exporter::RecordExporter;
use obs_runtime::trace::SpanRecord;
use obs_runtime::{Error, Observability, traced};
use obs_tests::own_process;

const SPANS: u64 = 100_000;

struct Ignore;

impl RecordExporter for Ignore {
    fn export(&mut self, _: Vec<SpanRecord>) -> Result<(), Error> {
        Ok(())
    }
}

#[traced(fields(text))]
fn work(text: &str) {}

// bug: each of these read all that there was, under one lock, however long that took.
#[test]
fn nobody_waits_for_a_whole_pass() {
    own_process!();
    let obs = Observability::builder()
        // Reading takes more than a minute and a half.
        .redact_with(|_| {
            thread::sleep(Duration::from_millis(1));
            None
        })
        .record_exporter(Ignore)
        .install()
        .unwrap();
    (0..SPANS).for_each(|_| work("a text that is looked at"));

    let stats = obs.stats().spans;
    assert!(stats.recorded < SPANS / 2, "{stats:?}");
    assert_eq!(stats.recorded, stats.lost + stats.exporters[0].taken);
    let error = obs.force_flush().unwrap_err();
    assert!(
        error.to_string().contains("still in the buffers"),
        "{error}"
    );
    assert!(obs.stats().spans.recorded < SPANS / 2);
    obs.collect_metrics();
    // Every span is accounted for at the end, as exported or as lost by it.
    let _ = obs.shutdown();
}
