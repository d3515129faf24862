use core::time::Duration;

use super::*;

struct Nothing;

impl RecordExporter for Nothing {
    fn export(&mut self, _: Vec<SpanRecord>) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn a_batch_that_a_panic_lost_is_counted() {
    let mut sink = custom("custom", Box::new(Nothing)).unwrap();
    // A panic in the midst of a span.
    sink.delivery.take(1);
    sink.unsettled += 1;
    sink.abandon();
    sink.abandon();
    let soon = Instant::now() + Duration::from_secs(60);
    let told = sink.flush()(soon).unwrap_err().to_string();
    assert!(told.contains("custom lost items"), "{told}");
    sink.shutdown(soon).unwrap();
    let stats = sink.stats().snapshot();
    assert_eq!((stats.taken, stats.in_flight), (1, 0));
    assert_eq!(stats.dropped, [(DropReason::ExporterFailed, 1)]);
}
