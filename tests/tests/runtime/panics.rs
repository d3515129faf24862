//! Panics while finished spans are read: the program does not notice, and what was recorded arrives.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use obs_runtime::exporter::RecordExporter;
use obs_runtime::trace::SpanRecord;
use obs_runtime::{Error, Observability, traced};
use obs_tests::cases::text_of;
use obs_tests::own_process;

/// Longer than any machine needs.
const LONG: Duration = Duration::from_secs(60);

/// Panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the second panic");
    }
}

#[traced(root, fields(text))]
fn work(text: &str) -> usize {
    text.len()
}

#[traced]
fn helper() {}

/// A masking function that records, and panics.
fn mask(text: &str) -> Option<String> {
    helper();
    if text.contains("boom") {
        std::panic::panic_any(Bomb);
    }
    None
}

struct Send(Sender<SpanRecord>);

impl RecordExporter for Send {
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        for span in batch {
            self.0.send(span).unwrap();
        }
        Ok(())
    }
}

#[track_caller]
fn next(spans: &Receiver<SpanRecord>) -> String {
    let span = spans.recv_timeout(LONG).expect("a span arrives");
    assert_eq!(span.name, "work");
    text_of(span.attribute("text")).to_owned()
}

// bug: the thread of the drain ended, and a flush panicked in the program; what masks was recorded
#[test]
fn a_masking_function_that_panics_ends_no_pass() {
    own_process!();
    let (to, spans) = channel();
    let obs = Observability::builder()
        .redact_with(mask)
        .record_exporter(Send(to))
        .flush_on_panic(true)
        .install()
        .unwrap();
    let masked = "<panicked while redacting>";
    // By the drain's own thread.
    for (text, shown) in [("a boom of it", masked), ("the next text", "the next text")] {
        work(text);
        assert_eq!(next(&spans), shown);
    }
    // By the thread of the flush.
    work("another boom");
    work("the last text");
    obs.force_flush().unwrap();
    let mut both = [next(&spans), next(&spans)];
    both.sort();
    assert_eq!(both, [masked, "the last text"]);
    let stats = obs.stats();
    assert_eq!(stats.spans.recorded, 4, "{stats}");
    assert_eq!(stats.spans.exporters[0].exported, 4, "{stats}");
    obs.shutdown().unwrap();
}
