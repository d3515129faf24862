//! Lines, read back.

use std::io::Write;
use std::sync::{Arc, Mutex};

use ::tracing::{error, info, info_span};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;

use super::*;
use crate::interop::tracing::layer;
use crate::testing::{self, Captured};

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Memory {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

type Below = tracing_subscriber::layer::Layered<crate::interop::tracing::ObsLayer, Registry>;

/// What is captured, and the lines.
fn run<E, N>(event: E, fields: N, f: impl FnOnce()) -> (Captured<()>, Vec<String>)
where
    E: FormatEvent<Below, N> + Send + Sync + 'static,
    N: for<'a> FormatFields<'a> + Send + Sync + 'static,
{
    let (captured, text) = text(event, fields, false, f);
    (captured, text.lines().map(str::to_owned).collect())
}

/// What is captured, and the text of all lines.
fn text<E, N>(event: E, fields: N, colours: bool, f: impl FnOnce()) -> (Captured<()>, String)
where
    E: FormatEvent<Below, N> + Send + Sync + 'static,
    N: for<'a> FormatFields<'a> + Send + Sync + 'static,
{
    let memory = Memory::default();
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(fields)
        .event_format(event)
        .with_ansi(colours)
        .with_writer(memory.clone());
    let subscriber = Registry::default().with(layer()).with(lines);
    let captured = testing::capture(|| ::tracing::subscriber::with_default(subscriber, f));
    let text = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    (captured, text)
}

#[crate::traced]
fn load(id: u32) {
    info!(
        id,
        ratio = 0.5,
        name = "a \"b\"",
        api_key = "12345678",
        "loaded\n{}",
        "{x}"
    );
}

fn inside_a_span() {
    let request = info_span!("request", user = "ada", late = ::tracing::field::Empty);
    request.record("late", "password=hunter2");
    request.in_scope(|| load(7));
}

#[test]
fn json_lines_hold_everything() {
    let (captured, lines) = run(Json::new(), JsonFields, || {
        info!("outside");
        inside_a_span();
        error!(error = %"broken", nan = f64::NAN, big = u64::MAX, yes = true);
    });
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let [outside, loaded, failed] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(outside["message"], "outside");
    assert_eq!(outside["level"], "INFO");
    assert_eq!(outside["target"], module_path!());
    assert!(outside.get("trace_id").is_none() && outside.get("fields").is_none());
    assert!(outside["timestamp"].as_str().unwrap().ends_with('Z'));

    assert_eq!(loaded["message"], "loaded\n{x}");
    let fields = serde_json::json!({"id": 7, "ratio": 0.5, "name": "a \"b\"", "api_key": "***"});
    assert_eq!(loaded["fields"], fields);
    let spans =
        serde_json::json!([{"name": "request", "fields": {"user": "ada", "late": "password=***"}}]);
    assert_eq!(loaded["spans"], spans);
    let span = captured.span("load");
    assert_eq!(loaded["trace_id"], span.trace_id.to_string());
    assert_eq!(loaded["span_id"], span.span_id.to_string());
    assert_eq!(loaded["trace_flags"], "03");
    assert!(
        loaded["file"]
            .as_str()
            .unwrap()
            .ends_with("format_tests.rs")
    );
    assert!(loaded["line"].as_u64().unwrap() > 1);

    let fields = serde_json::json!({"error": "broken", "nan": "NaN", "big": u64::MAX, "yes": true});
    assert_eq!(failed["fields"], fields);
    assert!(failed.get("message").is_none());
}

#[test]
fn text_lines_are_lines() {
    let (captured, lines) = run(Text::new(), TextFields, || {
        inside_a_span();
        info!(note = %"two\nlines \x1b[31mred", "and\r\nthree");
    });
    let span = captured.span("load");
    let target = module_path!();
    let ids = format!("trace_id={} span_id={}", span.trace_id, span.span_id);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].ends_with(&format!(
            " INFO {target}: loaded\\n{{x}} id=7 ratio=0.5 name=\"a \\\"b\\\"\" api_key=*** \
             request{{user=\"ada\" late=\"password=***\"}} {ids}"
        )),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].ends_with("and\\r\\nthree note=two\\nlines \\u{1b}[31mred"),
        "{}",
        lines[1]
    );
}

// bug: without a feature that obs did not ask for, this panicked in debug builds, as `lines` did on a terminal.
#[test]
fn a_terminal_gets_colours() {
    let layer = tracing_subscriber::fmt::layer().event_format(Text::new());
    let memory = Memory::default();
    let writer = memory.clone();
    let lines = layer.with_ansi(true).with_writer(writer);
    let subscriber = Registry::default().with(lines);
    ::tracing::subscriber::with_default(subscriber, || info!("green"));
    let text = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("\x1b[32m INFO\x1b[0m"), "{text:?}");
}

// bug: U+202E and U+2028 went into lines for people, U+009B into lines of JSON.
#[test]
fn no_character_turns_a_line_around() {
    let odd = "a\u{202e}b\u{2028}c\u{9b}0m";
    let write = || info!(note = odd, shown = %odd, "{odd}");
    let (_, lines) = run(Text::new(), TextFields, write);
    let escaped = r"a\u{202e}b\u{2028}c\u{9b}0m";
    let ends = format!(": {escaped} note=\"{escaped}\" shown={escaped}");
    assert!(lines[0].ends_with(&ends), "{}", lines[0]);
    let (_, lines) = run(Json::new(), JsonFields, write);
    assert!(!lines[0].contains(crate::printable::is_unprintable));
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        (&line["message"], &line["fields"]["note"]),
        (&odd.into(), &odd.into())
    );
}

// bug: a key was in one object of JSON twice: a field called `name` and the span's name, one that was recorded again,
// and one that was given twice.
#[test]
fn a_key_stands_in_an_object_once() {
    let (_, lines) = run(Json::new(), JsonFields, || {
        let empty = ::tracing::field::Empty;
        let span = info_span!("request", name = "bo,\"b\\", state = empty, n = 1);
        span.record("state", "a,b\":");
        span.record("state", "last");
        span.record("n", 2);
        span.in_scope(|| info!(a = 1, b = "x", a = 2, "text"));
    });
    let spans = r#""spans":[{"name":"request","fields":{"name":"bo,\"b\\","state":"last","n":2}}]"#;
    assert!(lines[0].contains(spans), "{}", lines[0]);
    assert!(
        lines[0].contains(r#""fields":{"b":"x","a":2},"#),
        "{}",
        lines[0]
    );
}

// bug: values were formatted while the registry's lock on the span was held: one that looks at the span hung the thread.
#[test]
fn a_value_may_look_at_its_span() {
    use tracing_subscriber::registry::LookupSpan as _;

    struct Looks;
    impl std::fmt::Debug for Looks {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let seen = ::tracing::dispatcher::get_default(|dispatch| {
                let registry = dispatch.downcast_ref::<Registry>().unwrap();
                let span = dispatch.current_span();
                let span = registry.span(span.id().unwrap()).unwrap();
                span.extensions().get::<u8>().is_none()
            });
            write!(f, "{seen}")
        }
    }
    for format in [Format::Pretty, Format::Json] {
        let subscriber = Registry::default().with(lines(format));
        ::tracing::subscriber::with_default(subscriber, || {
            let span = info_span!("work", x = ::tracing::field::Empty);
            span.in_scope(|| {
                span.record("x", ::tracing::field::debug(Looks));
                let _inner = info_span!("inner", x = ?Looks);
            });
        });
    }
}

// bug: a span that was left while the layer was exchanged stayed the parent of whatever its thread began later.
#[test]
fn a_span_that_has_ended_is_no_parent() {
    use tracing_subscriber::reload;

    #[crate::traced]
    fn later() {}

    for is_back_before_the_end in [true, false] {
        let captured = testing::capture(|| {
            let (exchanged, handle) = reload::Layer::new(Some(layer()));
            let subscriber = Registry::default().with(exchanged);
            ::tracing::subscriber::with_default(subscriber, || {
                let span = info_span!("exchanged");
                let entered = span.enter();
                handle.reload(None).unwrap();
                drop(entered);
                if is_back_before_the_end {
                    handle.reload(Some(layer())).unwrap();
                }
                drop(span);
                later();
                handle.reload(Some(layer())).unwrap();
                later();
            });
        });
        let parents: Vec<_> = captured.spans_named("later").map(|s| s.parent_id).collect();
        assert_eq!(parents, [None, None], "{is_back_before_the_end}");
    }
}

#[test]
fn other_formatters_get_the_ids() {
    use tracing_subscriber::fmt::format::DefaultFields;

    let inner = WithIds::text(
        tracing_subscriber::fmt::format()
            .without_time()
            .with_target(false),
    );
    let (captured, lines) = run(inner, DefaultFields::new(), || {
        info!("outside");
        let span = info_span!("work");
        // Of a span that is not entered.
        info!(parent: &span, "by name");
    });
    let span = captured.span("work");
    assert_eq!(lines[0], " INFO outside");
    let ids = format!("trace_id={} span_id={}", span.trace_id, span.span_id);
    assert_eq!(lines[1], format!(" INFO work: by name {ids}"));

    // Any formatter of JSON.
    let inner = WithIds::json(Json::new());
    let (captured, lines) = run(inner, JsonFields, || {
        let work = info_span!("work");
        work.in_scope(|| info!("x"));
    });
    let id = captured.span("work").trace_id;
    assert!(lines[0].starts_with(&format!("{{\"trace_id\":\"{id}\",\"span_id\":")));
    assert!(lines[0].contains(",\"trace_flags\":\"03\",\"timestamp\":"));
}

// bug: the ids stood before the time, where parsers of lines look for it.
#[test]
fn lines_of_other_formatters_begin_as_they_do_alone() {
    use tracing_subscriber::fmt::format::{DefaultFields, format};

    #[crate::traced(fields(id))]
    fn load(id: u32) {
        info!(rows = 3, "loaded");
        info!("again");
    }
    let plain = || format().without_time();
    for colours in [false, true] {
        let [dim, reset] = if colours {
            ["\x1b[2m", "\x1b[0m"]
        } else {
            [""; 2]
        };
        let alone = |form: &str, text: &str| {
            let (first, second) = text.split_once("again").unwrap();
            assert!(first.contains("loaded"), "{form}: {text:?}");
            assert_eq!(text.contains('\x1b'), colours, "{form}: {text:?}");
            (first.to_owned(), second.to_owned())
        };
        macro_rules! assert_same {
            ($form:expr) => {{
                let fields = DefaultFields::new;
                let (_, expected) = text($form, fields(), colours, || load(7));
                let (captured, text) = text(WithIds::text($form), fields(), colours, || load(7));
                let span = captured.span("load");
                let ids = format!(
                    " {dim}load{reset}{{id=7}} {dim}trace_id={} span_id={}{reset}",
                    span.trace_id, span.span_id
                );
                assert_eq!(text.matches(&ids).count(), 2, "{text:?}");
                assert!(
                    text.ends_with('\n') && text.contains(&format!("{ids}\n")),
                    "{text:?}"
                );
                let form = stringify!($form);
                assert_eq!(alone(form, &text.replace(&ids, "")), alone(form, &expected));
            }};
        }
        assert_same!(plain());
        assert_same!(plain().compact());
        assert_same!(plain().pretty().with_source_location(false));
    }
}
