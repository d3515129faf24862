//! The same functions in a library that is loaded at run time.

use obs_tests_registry::{registered, EXPECTED};

/// Whether the library's own registry is complete.
#[no_mangle]
pub extern "C" fn is_complete() -> bool {
    registered() == EXPECTED
}

/// What a plugin does between its load and its end: its own obs records, and is shut down.
#[no_mangle]
pub extern "C" fn record_and_end() -> bool {
    let Ok(obs) = obs_runtime::Observability::builder()
        .record_exporter(Count)
        .install()
    else {
        return false;
    };
    obs_tests_registry::plain();
    std::thread::spawn(obs_tests_registry::plain).join().is_ok() && obs.shutdown().is_ok()
}

/// Has a thread of its own, which must have ended too.
struct Count;

impl obs_runtime::exporter::RecordExporter for Count {
    fn export(
        &mut self,
        spans: Vec<obs_runtime::trace::SpanRecord>,
    ) -> Result<(), obs_runtime::Error> {
        assert_eq!(spans.len(), 2);
        Ok(())
    }
}
