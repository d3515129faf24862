//! The programs of `examples/migrated`: what they record before and after the migration from `tracing`.
//!
//! A line that begins with `-` is recorded only before, one with `+` only after, all others by both.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use obs_runtime::interop::tracing::{WithIds, around, layer};
use obs_runtime::testing::{self, Captured};
use obs_runtime::trace::{Outcome, SpanId};
use obs_runtime::{AttributeValue, SpanKind};
use obs_tests::tracing_capture::Lines;
use tracing::{Dispatch, Level};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

#[allow(
    unreachable_pub,
    clippy::needless_pass_by_value,
    clippy::must_use_candidate,
    reason = "files of a program, as people write them"
)]
#[path = "../../../examples/migrated"]
mod examples {
    pub mod entered {
        pub mod after;
        pub mod before;
    }
    pub mod fields {
        pub mod after;
        pub mod before;
    }
    pub mod futures {
        pub mod after;
        pub mod before;
    }
    pub mod late {
        pub mod after;
        pub mod before;
    }
    pub mod parameters {
        pub mod after;
        pub mod before;
    }
}

const EXAMPLES: &str = concat!(module_path!(), "::examples::");

/// Captures a program under a subscriber as `docs/migrating.md` recommends it, with a formatter that writes `lines`.
fn capture_with<F: Future>(level: Level, lines: Lines, program: F) -> Captured<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let formatter = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .map_event_format(WithIds::text)
        .with_writer(move || lines.clone());
    let subscriber = tracing_subscriber::registry()
        .with(LevelFilter::from_level(level))
        .with(formatter)
        .with(layer());
    testing::capture(|| {
        tracing::dispatcher::with_default(&Dispatch::new(around(subscriber)), || {
            runtime.block_on(program);
        });
    })
}

fn capture<F: Future>(level: Level, program: F) -> Captured<()> {
    capture_with(level, Lines::default(), program)
}

/// A line for each span, with the names of those above it, and for each log record, with those it was reported in.
fn lines(captured: &Captured<()>) -> Vec<String> {
    let spans = captured.spans.iter().map(|span| {
        assert_eq!((span.kind, &span.links[..]), (SpanKind::Internal, &[][..]));
        assert!(span.module.starts_with(EXAMPLES));
        let mut line = path(captured, Some(span.span_id)) + &pairs(&span.attributes);
        if span.outcome != Outcome::Ok {
            let error = span.error.as_ref().unwrap();
            let message = error.message.as_deref().unwrap_or_default();
            let _ = write!(
                line,
                ", {} {}: {message}",
                span.outcome.as_str(),
                error.kind
            );
        }
        for event in &span.events {
            let _ = write!(line, ", event {}{}", event.name, pairs(&event.attributes));
        }
        line
    });
    let logs = captured.logs.iter().map(|log| {
        assert!(log.target.starts_with(EXAMPLES));
        format!(
            "{}: {} {}{}",
            path(captured, log.context.map(|context| context.span_id())),
            log.level.as_str(),
            log.body.as_deref().unwrap_or("-"),
            pairs(&log.attributes),
        )
    });
    spans.chain(logs).collect()
}

fn path(captured: &Captured<()>, id: Option<SpanId>) -> String {
    let Some(span) = captured.spans.iter().find(|span| Some(span.span_id) == id) else {
        return String::new();
    };
    format!("{}/{}", path(captured, span.parent_id), span.name)
}

/// Attributes in their order, but for the place in the source, which differs.
fn pairs<K: AsRef<str>>(pairs: &[(K, AttributeValue)]) -> String {
    let pairs = pairs.iter().map(|(key, value)| (key.as_ref(), value));
    let pairs = pairs.filter(|(key, _)| !key.starts_with("code."));
    let shown = pairs.map(|(key, value)| match value {
        AttributeValue::Bool(value) => format!(" {key}={value}"),
        AttributeValue::I64(value) => format!(" {key}={value}"),
        AttributeValue::F64(value) => format!(" {key}={value}"),
        AttributeValue::String(value) => format!(" {key}={value:?}"),
        list => format!(" {key}={list:?}"),
    });
    shown.collect()
}

/// Compares what two programs recorded with the lines that are expected of both, of the first, and of the second.
#[track_caller]
fn assert_recorded(before: &Captured<()>, after: &Captured<()>, expected: &str) {
    let mut counts = BTreeMap::<String, [usize; 2]>::new();
    for (which, captured) in [before, after].into_iter().enumerate() {
        for line in lines(captured) {
            counts.entry(line).or_default()[which] += 1;
        }
    }
    let mut found = Vec::new();
    for (line, [before, after]) in counts {
        let (only_before, only_after) =
            (before.saturating_sub(after), after.saturating_sub(before));
        let marked = [
            ("", before.min(after)),
            ("- ", only_before),
            ("+ ", only_after),
        ];
        for (mark, times) in marked {
            found.extend(std::iter::repeat_n(format!("{mark}{line}"), times));
        }
    }
    let expected: Vec<&str> = expected.lines().map(str::trim).collect();
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

/// The lines that the header of a file promises.
fn promised(source: &str) -> String {
    let header = source.lines().map_while(|line| line.strip_prefix("//!"));
    let promised = header.map(str::trim).skip_while(|line| *line != "```text");
    let lines: Vec<&str> = promised.skip(1).take_while(|line| *line != "```").collect();
    lines.join("\n")
}

/// Compares what both programs record with the header of the second.
macro_rules! assert_same {
    ($pattern:ident, $program:expr) => {{
        let header = include_str!(concat!(
            "../../../examples/migrated/",
            stringify!($pattern),
            "/after.rs"
        ));
        assert_same!(Level::TRACE, $pattern, $program, &promised(header));
    }};
    ($level:expr, $pattern:ident, $program:expr, $expected:expr) => {{
        let before = capture($level, {
            use examples::$pattern::before::*;
            $program
        });
        let after = capture($level, {
            use examples::$pattern::after::*;
            $program
        });
        assert_recorded(&before, &after, $expected);
    }};
}

/// One order that is placed, and one that is not.
macro_rules! place_two {
    () => {
        async {
            for item in ["kettle", "lamp"] {
                let (id, customer) = (7, "Ada");
                let _ = place(&Order { id, customer, item }, &["kettle"]).await;
            }
        }
    };
}

#[test]
fn fields_that_are_named() {
    assert_same!(fields, place_two!());
}

#[test]
fn parameters_that_are_recorded() {
    assert_same!(parameters, async {
        let rows = vec![(1, "blue lamp"), (1, "lamp"), (2, "lamp")];
        Store { rows }.search(1, "lamp", Page { size: 2 })
    });
}

#[test]
fn futures_with_spans() {
    assert_same!(futures, crawl(&["/a", "/bc"]));
}

#[test]
fn values_that_come_later() {
    assert_same!(late, load("t-12"));
}

#[test]
fn spans_that_are_entered() {
    assert_same!(entered, async { import("a.csv", "one\n\ntwo") });
}

/// Lines without the ids that `WithIds` puts at the end.
fn without_ids(lines: &str) -> String {
    let lines = lines.lines().map(|line| {
        let (line, ids) = line.split_once(" trace_id=").unwrap();
        assert!(ids.contains(" span_id="), "{ids}");
        format!("{line}\n")
    });
    lines.collect()
}

// What a subscriber filters and formats is what goes through it: neither functions nor their errors do.
#[test]
fn filters_and_lines_of_the_subscriber() {
    let (before, after) = (Lines::default(), Lines::default());
    let captured = capture_with(Level::INFO, before.clone(), {
        use examples::fields::before::*;
        place_two!()
    });
    assert_eq!(captured.spans_named("stock.reserve").count(), 0);
    let captured = capture_with(Level::INFO, after.clone(), {
        use examples::fields::after::*;
        place_two!()
    });
    assert_eq!(captured.spans_named("stock.reserve").count(), 2);
    let inside = "place{order.id=7 customer=Ada}:";
    let error = format!("ERROR {inside} error=no lamp in stock\n");
    let expected = format!(" INFO {inside} placed shelf=0\n{error}{error}");
    assert_eq!(without_ids(&before.text()), expected);
    let expected = " INFO placed shelf=0 place{order.id=7 customer=Ada}\n";
    assert_eq!(without_ids(&after.text()), expected);
}
