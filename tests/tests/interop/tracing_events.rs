//! What spans and events of `tracing` say, as attributes, events and log records of obs.

use obs_runtime::interop::tracing::{Events, layer};
use obs_runtime::metrics::MetricData;
use obs_runtime::testing::{self, Captured};
use obs_runtime::{
    AttributeValue, Level, Observability, Sampler, SpanContext, SpanKind, current,
    logs::LogRecord,
    propagation,
    trace::{SpanRecord, TraceFlags, TraceId},
    traced,
};
use obs_tests::cases::text_of;
use obs_tests::tracing_capture::{assert_parents, capture, subscriber};
use tracing::field::Empty;
use tracing::{debug_span, error, info, info_span, instrument, trace, warn};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

#[traced]
fn ours<R>(inside: impl FnOnce() -> R) -> R {
    inside()
}

fn with_events<R>(events: Events, f: impl FnOnce() -> R) -> Captured<R> {
    testing::capture(|| tracing::dispatcher::with_default(&subscriber(events), f))
}

fn is_in(record: &LogRecord, span: &SpanRecord) -> bool {
    let context = record.context.expect("a span");
    context.trace_id() == span.trace_id && context.span_id() == span.span_id
}

#[test]
fn fields_are_attributes() {
    let captured = capture(|| {
        let span = info_span!(
            "chat gpt",
            gen_ai.operation.name = "chat",
            gen_ai.usage.input_tokens = 12_u64,
            ratio = 0.5,
            negative = -1,
            large = u64::MAX,
            yes = true,
            shown = %"display",
            debugged = ?Some(1),
            long = "a text that is longer than any inline buffer",
            late = Empty,
            never = Empty,
            password = "hunter2",
            url = "https://me:pw@db/",
        );
        span.record("late", 7);
        span.record("late", 8);
        span.record("password", 12_345);
        span.in_scope(|| current::set_attribute("said", "inside"));
        drop(span);
    });
    let span = captured.span("chat gpt");
    let mut expected: Vec<(&str, AttributeValue)> = vec![
        ("gen_ai.operation.name", "chat".into()),
        ("gen_ai.usage.input_tokens", 12.into()),
        ("ratio", 0.5.into()),
        ("negative", (-1).into()),
        ("large", u64::MAX.to_string().into()),
        ("yes", true.into()),
        ("shown", "display".into()),
        ("debugged", "Some(1)".into()),
        (
            "long",
            "a text that is longer than any inline buffer".into(),
        ),
        ("late", 8.into()),
        ("password", "***".into()),
        ("url", "https://me:***@db/".into()),
        ("said", "inside".into()),
        ("code.file.path", file!().into()),
    ];
    for (key, value) in expected.drain(..) {
        assert_eq!(span.attribute(key), Some(&value), "{key}");
    }
    assert_eq!(span.attribute("never"), None);
    assert_eq!(span.module, module_path!());
    assert_eq!(span.kind, SpanKind::Internal);
    // Spans of `tracing` are no functions of obs.
    for metric in captured
        .metrics
        .iter()
        .filter(|m| m.name == "function.calls")
    {
        let MetricData::Counter(points) = &metric.data else {
            panic!("{metric:?}")
        };
        for labels in points.iter().map(|p| &p.labels) {
            let function = labels.get("function");
            assert_ne!(function, Some("chat gpt"));
            if labels.get("module") == Some(module_path!()) {
                assert_eq!(function, Some("ours"));
            }
        }
    }
}

#[test]
fn the_fields_of_opentelemetry_say_name_kind_and_status() {
    let captured = capture(|| {
        for kind in ["server", "CLIENT"] {
            info_span!("s", otel.name = kind, otel.kind = kind).in_scope(|| ());
        }
        let failed = info_span!(
            "failed",
            otel.status_code = Empty,
            otel.status_message = Empty
        );
        failed.record("otel.status_message", "no answer, token=abcdef");
        failed.record("otel.status_code", "ERROR");
        let _fine = info_span!("fine", otel.status_code = "OK", otel.kind = ?SpanKind::Producer);
    });
    assert_eq!(captured.span("server").kind, SpanKind::Server);
    assert_eq!(captured.span("CLIENT").kind, SpanKind::Client);
    assert_eq!(captured.span("fine").kind, SpanKind::Producer);
    assert_eq!(captured.span("fine").outcome.as_str(), "ok");
    let failed = captured.span("failed");
    assert_eq!(failed.outcome.as_str(), "error");
    assert_eq!(captured.span("server").attribute("otel.name"), None);
    assert_eq!(failed.attribute("otel.status_code"), None);
}

#[test]
fn follows_from_is_a_link() {
    let captured = capture(|| {
        let (first, second) = (info_span!("first"), info_span!("second"));
        second.follows_from(&first);
    });
    let link = &captured.span("second").links[0].context;
    assert_eq!(link.span_id(), captured.span("first").span_id);
}

#[test]
fn parents_that_are_named() {
    let captured = capture(|| {
        let first = info_span!("first");
        info_span!("second").in_scope(|| {
            info_span!(parent: &first, "third").in_scope(|| ours(|| ()));
            info_span!(parent: None, "fourth");
        });
    });
    assert_parents(
        &captured,
        &[
            ("first", ""),
            ("second", ""),
            ("third", "first"),
            ("ours", "third"),
            ("fourth", ""),
        ],
    );
}

#[instrument(err, fields(order = 7))]
fn order() -> Result<(), String> {
    info!(stock = 0, "looking");
    Err("out of stock, token=abcdef".to_owned())
}

#[test]
fn an_error_event_fails_its_span_of_tracing_and_no_other() {
    for events in [Events::Auto, Events::Spans, Events::Both, Events::Off] {
        let captured = with_events(events, || {
            ours(|| {
                error!("said in a function of obs");
                // It is handled here.
                order().is_err()
            })
        });
        assert_eq!(captured.span("ours").outcome.as_str(), "ok");
        let order = captured.span("order");
        let error = order.error.as_ref().expect("failed");
        assert_eq!(error.message.as_deref(), Some("out of stock, token=***"));
        let said = |r: &&LogRecord| text_of(r.attribute("error")).contains("token=***");
        let count = |records: &[LogRecord]| {
            let in_order = records.iter().filter(|r| is_in(r, order));
            in_order
                .filter(|r| r.level == Level::Error)
                .filter(said)
                .count()
        };
        let logs = matches!(events, Events::Auto | Events::Both);
        // Once, by the event: not again as an exception of the span.
        assert_eq!(count(&captured.logs), usize::from(logs), "{events:?}");
        let on_span = matches!(events, Events::Spans | Events::Both);
        assert_eq!(
            order.events.len(),
            if on_span { 2 } else { 0 },
            "{events:?}"
        );
    }
}

#[test]
fn an_event_is_a_log_record_of_its_span() {
    let captured = capture(|| {
        trace!("outside");
        ours(|| warn!(target: "shop::stock", item = 7, api_key = "k", "low: {}", "password=x1y2"));
        let elsewhere = info_span!("elsewhere");
        ours(|| info!(parent: &elsewhere, "for another"));
        info!(name: "order.placed", "");
    });
    let [outside, low, another, named] = &captured.logs[..] else {
        panic!("{:?}", captured.logs)
    };
    assert_eq!((outside.level, outside.context), (Level::Trace, None));
    assert_eq!(low.level, Level::Warn);
    assert_eq!(low.target, "shop::stock");
    assert_eq!(low.body.as_deref(), Some("low: password=***"));
    assert_eq!(low.attribute("item"), Some(&7.into()));
    assert_eq!(low.attribute("api_key"), Some(&"***".into()));
    assert_eq!(text_of(low.attribute("code.file.path")), file!());
    assert!(low.attribute("code.line.number").is_some());
    assert_eq!(low.event_name, None);
    let spans: Vec<_> = captured.spans_named("ours").collect();
    assert!(is_in(low, spans[0]));
    assert!(is_in(another, captured.span("elsewhere")));
    assert_eq!(named.event_name.as_deref(), Some("order.placed"));
    assert!(low.unix_nanos >= spans[0].start_unix_nanos);
}

#[test]
fn an_event_is_an_event_of_its_span() {
    let captured = with_events(Events::Spans, || {
        info!("outside");
        let elsewhere = info_span!("elsewhere");
        ours(|| {
            info!(item = 7, "in obs, password=abc");
            info_span!("inner").in_scope(|| info!("in tracing"));
            info!(parent: &elsewhere, "for another");
        });
        let busy = info_span!("busy");
        busy.in_scope(|| (0..200).for_each(|n| info!(n)));
    });
    assert!(captured.logs.is_empty());
    let names = |span: &str| {
        let events = captured.span(span).events.iter();
        events.map(|e| e.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("ours"), ["in obs, password=***"]);
    assert_eq!(names("inner"), ["in tracing"]);
    assert_eq!(names("elsewhere"), ["for another"]);
    let event = &captured.span("ours").events[0];
    let attribute = |key: &str| {
        event
            .attributes
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v)
    };
    assert_eq!(attribute("item"), Some(&7.into()));
    assert_eq!(text_of(attribute("level")), "INFO");
    assert_eq!(text_of(attribute("target")), module_path!());
    // OpenTelemetry's limit.
    assert_eq!(names("busy").len(), 128);
}

#[test]
fn records_of_the_crate_log_come_by_way_of_tracing_log() {
    // The fields that `tracing_log::format_trace` gives its events.
    let captured = capture(|| {
        ours(|| {
            tracing::event!(
                name: "log event",
                target: "log",
                tracing::Level::WARN,
                message = "from the crate log",
                log.target = "sqlx::query",
                log.module_path = "sqlx",
                log.file = "src/query.rs",
                log.line = 12_u64,
            );
        });
    });
    let record = &captured.logs[0];
    assert_eq!(record.target, "sqlx::query");
    assert_eq!(record.body.as_deref(), Some("from the crate log"));
    assert_eq!(record.event_name, None);
    assert_eq!(text_of(record.attribute("code.file.path")), "src/query.rs");
    assert_eq!(record.attribute("code.line.number"), Some(&12.into()));
    assert!(is_in(record, captured.span("ours")));
}

/// (c), levels: a span that is not built is passed through, where it is made and elsewhere.
#[test]
fn a_span_that_another_filter_or_a_level_takes_away_is_passed_through() {
    let filtered = layer().with_filter(LevelFilter::INFO);
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(filtered));
    let captured = testing::capture(|| {
        tracing::dispatcher::with_default(&dispatch, || {
            let debug = ours(|| debug_span!("debug"));
            let outer = info_span!("outer");
            outer.in_scope(|| debug.in_scope(|| info_span!("inner").in_scope(|| ())));
        });
    });
    assert_parents(
        &captured,
        &[("ours", ""), ("outer", ""), ("inner", "outer")],
    );
}

#[test]
fn a_trace_that_is_not_sampled_stays_so_wherever_its_spans_are_entered() {
    let builder = Observability::builder().sampler(Sampler::always_off());
    let captured = testing::capture_with(builder, || {
        tracing::dispatcher::with_default(&subscriber(Events::Auto), || {
            let (made, id) = ours(|| {
                info!("in it");
                (
                    info_span!("made"),
                    SpanContext::current().map(|c| c.trace_id()),
                )
            });
            // A root here would ask the sampler again.
            made.in_scope(|| {
                ours(|| ());
                info_span!("below").in_scope(|| ());
                let inside = SpanContext::current().expect("the trace goes on");
                assert_eq!((Some(inside.trace_id()), inside.is_sampled()), (id, false));
            });
            assert_eq!(SpanContext::current(), None);
        });
    })
    .expect("the capture starts");
    assert!(captured.spans.is_empty());
    let said = captured.logs[0].context.expect("the trace has an id");
    assert!(!said.is_sampled());
}

/// (g): headers are written for the innermost span, whichever made it.
#[test]
fn headers_name_the_span_of_tracing_that_is_entered() {
    let captured = capture(|| {
        ours(|| {
            info_span!("request").in_scope(|| {
                let mut headers = std::collections::HashMap::<String, String>::new();
                propagation::inject_current(&mut headers);
                headers
            })
        })
    });
    let header = &captured.value["traceparent"];
    let request = captured.span("request");
    assert!(header.contains(&format!("-{}-{}-", request.trace_id, request.span_id)));
}

/// (g): a caller's context that is attached around a span of `tracing`, where it is made or first entered.
#[test]
fn a_remote_parent_is_found() {
    let caller = || {
        let trace_id: TraceId = "0af7651916cd43dd8448eb211c80319c".parse().expect("an id");
        let span_id = "b7ad6b7169203331".parse().expect("an id");
        SpanContext::remote(trace_id, span_id, TraceFlags::SAMPLED).expect("valid ids")
    };
    let captured = capture(|| {
        let remote = caller();
        {
            let _attached = remote.attach();
            info_span!("made inside").in_scope(|| ours(|| ()));
        }
        let early = info_span!("made before", n = 7);
        let _attached = remote.attach();
        early.in_scope(|| info_span!("below").in_scope(|| ()));
        let later = info_span!(parent: None, "root by name");
        later.in_scope(|| ());
    });
    for name in ["made inside", "made before"] {
        let span = captured.span(name);
        assert_eq!(span.parent_id, Some(caller().span_id()), "{name}");
        assert_eq!(span.trace_id, caller().trace_id(), "{name}");
        assert!(span.parent_is_remote, "{name}");
    }
    let before = captured.span("made before");
    assert_eq!(before.attribute("n"), Some(&7.into()));
    assert_eq!(captured.span("below").parent_id, Some(before.span_id));
    assert_eq!(captured.span("root by name").parent_id, None);
}

struct Panics;

impl std::fmt::Debug for Panics {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("in a formatter")
    }
}

/// Says something itself while it is formatted; `tracing` does not pass everything on then.
struct Talks;

impl std::fmt::Display for Talks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        info_span!("inner").in_scope(|| info!("talking"));
        f.write_str("talked")
    }
}

#[test]
fn formatters_may_panic_and_talk() {
    let captured = capture(|| {
        let span = info_span!("outer", bad = ?Panics, good = %Talks, late = Empty);
        span.record("late", tracing::field::display(&Talks));
        span.in_scope(|| info!(bad = ?Panics, good = %Talks, "said"));
    });
    let panicked = "<panicked while formatting>";
    let outer = captured.span("outer");
    assert_eq!(text_of(outer.attribute("bad")), panicked);
    assert_eq!(text_of(outer.attribute("late")), "talked");
    let said = |r: &&LogRecord| r.body.as_deref() == Some("said");
    let record = captured.logs.iter().find(said).expect("the record");
    assert_eq!(text_of(record.attribute("bad")), panicked);
    assert_eq!(text_of(record.attribute("good")), "talked");
}

#[test]
fn without_an_observability_nothing_happens() {
    tracing::dispatcher::with_default(&subscriber(Events::Both), || {
        info_span!("span").in_scope(|| info!("event"));
        assert_eq!(SpanContext::current(), None);
    });
}

#[test]
fn many_threads_in_one_span() {
    let captured = capture(|| {
        let span = info_span!("shared", n = 0);
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    tracing::dispatcher::with_default(&dispatch, || {
                        for _ in 0..30 {
                            span.in_scope(|| {
                                current::add_link(SpanContext::current().expect("entered"));
                                ours(|| info!("said"));
                            });
                        }
                    });
                });
            }
        });
    });
    let shared = captured.span("shared");
    assert_eq!(shared.links.len(), 120);
    assert_eq!(captured.children(shared).len(), 120);
    assert_eq!(captured.logs.len(), 120);
}
