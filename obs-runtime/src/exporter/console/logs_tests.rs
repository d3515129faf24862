use super::*;
use crate::self_obs::DropReason;
use crate::{SpanContext, testing, traced};

fn record(level: Level, body: Option<&str>) -> LogRecord {
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    LogRecord {
        unix_nanos: 1_709_251_199_007_000_000,
        level,
        event_name: Some("db.client.operation.exception".into()),
        target: "shop::stock".into(),
        body: body.map(|body| body.to_owned().into()),
        attributes: vec![
            ("shelf".into(), 4.into()),
            ("code.line.number".into(), 12.into()),
            ("said".into(), "no \x1b[2J more".into()),
        ],
        context: SpanContext::from_traceparent(caller).ok(),
    }
}

fn shown(record: &LogRecord, colour: bool) -> String {
    let mut out = String::new();
    line(record, colour, &mut out);
    out
}

#[test]
fn a_record_is_one_line_with_its_ids() {
    let ids = "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7";
    assert_eq!(
        shown(&record(Level::Warn, Some("two\nlines")), false),
        format!(
            "2024-02-29T23:59:59.007Z  WARN shop::stock: two\\nlines shelf=4 said=\"no \\u{{1b}}[2J more\" {ids}\n"
        )
    );
    let nameless = shown(&record(Level::Error, None), true);
    assert!(nameless.contains("\x1b[31mERROR\x1b[0m"), "{nameless}");
    assert!(
        nameless.contains(" db.client.operation.exception "),
        "{nameless}"
    );
    let mut outside = record(Level::Info, Some("ready"));
    outside.context = None;
    outside.attributes.clear();
    assert_eq!(
        shown(&outside, false),
        "2024-02-29T23:59:59.007Z  INFO shop::stock: ready\n"
    );
}

#[test]
fn the_records_of_a_pass_are_printed_together_and_counted() {
    #[traced]
    fn fails() -> Result<(), String> {
        Err("the shelf is empty".to_owned())
    }
    let captured = testing::capture(fails);
    let mut sink = ConsoleLogs::new(Box::new(std::io::sink()), false);
    for record in &captured.logs {
        sink.log(record);
    }
    assert_eq!(sink.lines.lines().count(), 1);
    assert!(
        sink.lines
            .contains("exception.message=\"the shelf is empty\""),
        "{}",
        sink.lines
    );
    sink.pass_end(true);
    assert!(sink.lines.is_empty());
    sink.shutdown(Instant::now() + Duration::from_secs(60))
        .unwrap();
    let stats = sink.stats().snapshot();
    assert_eq!((stats.taken, stats.exported, stats.in_flight), (1, 1, 0));
}

#[test]
fn half_a_line_that_a_panic_left_is_not_printed() {
    let mut logs = ConsoleLogs::new(Box::new(std::io::sink()), false);
    logs.log(&record(Level::Info, Some("whole")));
    // A panic in the midst of the second record.
    logs.writer.take(1);
    logs.unsettled += 1;
    logs.lines.push_str("half a li");
    logs.abandon();
    assert!(logs.lines.ends_with('\n') && !logs.lines.contains("half"));
    logs.log(&record(Level::Info, Some("whole too")));
    let soon = Instant::now() + Duration::from_secs(60);
    assert!(logs.flush()(soon).is_err(), "something was lost");
    logs.shutdown(soon).unwrap();
    let stats = logs.stats().snapshot();
    assert_eq!((stats.taken, stats.exported), (3, 2));
    assert_eq!(stats.dropped, [(DropReason::ExporterFailed, 1)]);
}
