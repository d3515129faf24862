//! What is below the level; the level is one for the whole process.

use std::sync::{Arc, Mutex};

use obs_runtime::{
    Error, Level, Observability, exporter::RecordExporter, trace::SpanRecord, traced,
};
use obs_tests::cases::{block_on, note, notes, yield_now};
use obs_tests::own_process;

#[traced(fields(n = { note("outer"); 1 }))]
fn outer() -> Result<u8, String> {
    below().map(|n| n + block_on(below_async()))
}

#[traced(level = "debug", fields(n = { note("below"); 1 }))]
fn below() -> Result<u8, String> {
    leaf(1)
}

#[traced(level = "debug", fields(n = { note("below"); 1 }))]
async fn below_async() -> u8 {
    yield_now().await;
    leaf(2).unwrap_or(0)
}

#[traced(level = "warn", fields(n))]
fn leaf(n: u8) -> Result<u8, String> {
    #[traced(name = "exported")]
    fn helper() {}
    helper();
    Ok(n)
}

struct Keep(Arc<Mutex<Vec<SpanRecord>>>);

impl RecordExporter for Keep {
    /// Annotated itself: what the exporter calls is not recorded again without end.
    #[traced(name = "export")]
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

// case: 96, 103
#[test]
fn below_the_level_nothing_is_built_and_children_attach_higher() {
    own_process!();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let obs = Observability::builder()
        .max_level(Level::Info)
        .record_exporter(Keep(Arc::clone(&kept)))
        .install()
        .unwrap();
    notes();
    assert_eq!(outer(), Ok(3));
    assert_eq!(notes(), ["outer"]);
    obs.force_flush().unwrap();
    obs.shutdown().unwrap();
    let spans = kept.lock().unwrap();
    let spans: Vec<_> = spans.iter().filter(|span| span.name != "export").collect();
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["exported", "leaf", "exported", "leaf", "outer"]);
    let outer = spans[4].span_id;
    assert_eq!(
        (spans[1].parent_id, spans[3].parent_id),
        (Some(outer), Some(outer))
    );
    assert_eq!(spans[0].parent_id, Some(spans[1].span_id));
}

#[traced(ret(level = "debug"))]
fn quiet_value() -> u8 {
    note("called");
    1
}

#[traced(level = "warn", ret(level = "info"))]
async fn told_value() -> Result<u8, String> {
    yield_now().await;
    Ok(2)
}

#[test]
fn a_returned_value_below_the_level_is_not_recorded() {
    own_process!();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let obs = Observability::builder()
        .max_level(Level::Info)
        .record_exporter(Keep(Arc::clone(&kept)))
        .install()
        .unwrap();
    assert_eq!(quiet_value(), 1);
    block_on(told_value()).unwrap();
    obs.shutdown().unwrap();
    let spans = kept.lock().unwrap();
    let value = |name: &str| {
        let span = spans.iter().find(|span| span.name == name).unwrap();
        span.attribute("return").cloned()
    };
    assert_eq!(value("quiet_value"), None);
    assert_eq!(value("told_value"), Some("2".into()));
}
