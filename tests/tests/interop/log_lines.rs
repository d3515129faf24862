//! Log lines inside annotated functions: they hold the fields of those functions, as they hold those of
//! spans of `tracing`.

use std::future::poll_fn;
use std::pin::pin;
use std::process::Command;
use std::thread;

use obs_runtime::interop::tracing::{
    Format, Json, JsonFields, Text, TextFields, WithIds, around, layer, lines,
};
use obs_runtime::{Observability, Sampler, current, span, testing, traced};
use obs_tests::tracing_capture::Lines;
use tokio::task::yield_now;
use tracing::{Dispatch, Span, info, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::fmt::format::{
    DefaultFields, FormatEvent, FormatFields, JsonFields as FmtJsonFields,
};
use tracing_subscriber::prelude::*;

/// Runs a program whose lines are written as [`Text`], and returns them without time and ids.
fn lines_of(sampler: Sampler, program: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let formatter = tracing_subscriber::fmt::layer()
        .event_format(Text::new())
        .fmt_fields(TextFields)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let subscriber = around(tracing_subscriber::registry().with(layer()).with(formatter));
    let builder = Observability::builder().sampler(sampler);
    testing::capture_with(builder, || {
        tracing::dispatcher::with_default(&Dispatch::new(subscriber), program);
    })
    .unwrap();
    let text = lines.text();
    let lines = text.lines().map(|line| {
        let (_, said) = line.split_once(": ").unwrap();
        let said = said.split(" trace_id=").next().unwrap();
        said.to_owned()
    });
    lines.collect()
}

/// Functions keep their fields once a formatter was made, and tests run in any order.
fn keep() {
    drop(lines::<Registry>(Format::Pretty));
}

/// What a program logs must not depend on the sampler.
#[track_caller]
pub(crate) fn assert_lines(program: impl Fn(), expected: &[&str]) {
    assert_eq!(lines_of(Sampler::always_on(), &program), expected);
    assert_eq!(
        lines_of(Sampler::always_off(), &program),
        expected,
        "not sampled"
    );
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future)
}

#[traced]
fn plain() {
    info!("plain");
}

#[traced(fields(id, kind = "part", rows, token, redact api_key = "hunter2", why = %"no lamp"))]
fn load(id: u32) {
    info!(a = 1, "before");
    current::record("rows", 3);
    current::record("token", "hunter2");
    current::set_attribute("not.declared", true);
    plain();
    info!("after");
}

#[test]
fn lines_hold_the_fields_of_the_functions_around_them() {
    let inside = r#"load{id=7 kind=part api_key=*** why="no lamp"}"#;
    let later = r#"load{id=7 kind=part api_key=*** why="no lamp" rows=3 token=***}"#;
    assert_lines(
        || load(7),
        &[
            &format!("before a=1 {inside}"),
            &format!("plain {later}"),
            &format!("after {later}"),
        ],
    );
}

// bug: the quotes of a `Debug` were quoted once more.
#[test]
fn what_a_debug_has_quoted_stays_as_it_is() {
    #[traced(args)]
    fn read(path: &std::path::Path, words: Option<&str>, text: &str) {
        info!("read");
    }
    let program = || read("/tmp/x y".as_ref(), Some("a b"), "\"a\" b=\"c\"");
    let expected = r#"read{path="/tmp/x y" words="Some(\"a b\")" text="\"a\" b=\"c\""}"#;
    assert_lines(program, &[&format!("read {expected}")]);
}

#[traced(fields(n))]
fn nested(n: u32) {
    if n > 0 {
        nested(n - 1);
    } else {
        info!("innermost");
    }
}

/// The lines that a call writes whose formatter was made before it began.
fn lines_by<E, N>(fields: N, formatter: E) -> String
where
    E: FormatEvent<Registry, N> + Send + Sync + 'static,
    N: for<'a> FormatFields<'a> + Send + Sync + 'static,
{
    let lines = Lines::default();
    let writer = lines.clone();
    let formatter = tracing_subscriber::fmt::layer()
        .fmt_fields(fields)
        .event_format(formatter)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(formatter);
    tracing::dispatcher::with_default(&Dispatch::new(subscriber), || {
        testing::capture(|| nested(1));
    });
    lines.text()
}

// bug: what a function had recorded was missing on the lines inside of it if it was called before the first line.
#[test]
#[expect(clippy::print_stdout, reason = "what the fresh process found")]
fn the_first_line_of_a_process_has_them() {
    const FORM: &str = "OBS_TESTS_FORM";
    if let Ok(form) = std::env::var(FORM) {
        let other = tracing_subscriber::fmt::format;
        let text = match form.as_str() {
            "Text" => lines_by(TextFields, Text::new()),
            "Json" => lines_by(JsonFields, Json::default()),
            "WithIds::text" => lines_by(DefaultFields::new(), WithIds::text(other())),
            _ => lines_by(FmtJsonFields::new(), WithIds::json(other().json())),
        };
        println!("{text}");
        return;
    }
    let text = "nested{n=1} nested{n=0}";
    let json = r#"{"name":"nested","fields":{"n":1}},{"name":"nested","fields":{"n":0}}"#;
    let forms = [
        ("Text", text),
        ("Json", json),
        ("WithIds::text", text),
        ("WithIds::json", json),
    ];
    for (form, expected) in forms {
        // Whatever has made a formatter in this process, nothing has in that one.
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("log_lines::the_first_line_of_a_process_has_them")
            .env(FORM, form)
            .output()
            .unwrap();
        let lines = String::from_utf8_lossy(&output.stdout);
        assert!(lines.contains(expected), "{form}: {lines}");
    }
}

#[test]
fn each_call_has_its_own() {
    assert_lines(
        || nested(2),
        &["innermost nested{n=2} nested{n=1} nested{n=0}"],
    );
}

#[test]
fn spans_held_by_hand_have_them_too() {
    assert_lines(
        || {
            let order = span!("order", id = 7);
            order.in_scope(|_| info!("inside"));
            info!("outside");
            block_on(order.instrument(async { info!("future") }));
        },
        &["inside order{id=7}", "outside", "future order{id=7}"],
    );
}

#[test]
fn spans_of_tracing_between_functions_hide_nothing() {
    #[traced(fields(outer = 1))]
    fn outer() {
        let span = info_span!("middle", m = 2);
        span.in_scope(|| {
            nested(0);
            info!("middle");
        });
    }
    assert_lines(
        outer,
        &[
            "innermost middle{m=2} outer{outer=1} nested{n=0}",
            "middle middle{m=2} outer{outer=1}",
        ],
    );
}

#[traced(fields(id))]
async fn step(id: u32) {
    info!("first");
    yield_now().await;
    current::record("id", id + 1);
    info!("second");
}

#[test]
fn futures_have_them_at_each_poll_and_only_then() {
    assert_lines(
        || {
            block_on(async {
                let (mut one, mut ten) = (pin!(step(1)), pin!(step(10)));
                // Both are polled in turn: each first line comes before each second one.
                poll_fn(|cx| {
                    let first = one.as_mut().poll(cx);
                    let polled = ten.as_mut().poll(cx);
                    assert_eq!(first.is_ready(), polled.is_ready());
                    polled
                })
                .await;
                info!("outside");
            });
        },
        &[
            "first step{id=1}",
            "first step{id=10}",
            "second step{id=2}",
            "second step{id=11}",
            "outside",
        ],
    );
}

#[test]
fn they_go_with_the_context_to_tasks() {
    #[traced(fields(request))]
    async fn serve(request: u32) {
        let ours = tokio::spawn(obs_runtime::Instrument::in_current_span(async {
            yield_now().await;
            plain();
        }));
        ours.await.unwrap();
        let theirs = tokio::spawn(tracing::Instrument::in_current_span(async {
            yield_now().await;
            plain();
        }));
        theirs.await.unwrap();
        let span = info_span!("task");
        tokio::spawn(tracing::Instrument::instrument(async { plain() }, span))
            .await
            .unwrap();
        tokio::spawn(async { plain() }).await.unwrap();
    }
    // The task has its dispatcher from the thread: `block_on` runs both on this one.
    assert_lines(
        || block_on(serve(5)),
        &[
            "plain serve{request=5}",
            "plain serve{request=5}",
            "plain task serve{request=5}",
            "plain",
        ],
    );
}

#[test]
fn what_the_current_span_of_tracing_records_is_there_at_once() {
    #[traced(fields(rows))]
    async fn load() {
        let here = Span::current();
        here.record("rows", 1);
        plain();
        let task = async move {
            here.record("rows", 2);
            info!("task");
        };
        tokio::spawn(tracing::Instrument::in_current_span(task))
            .await
            .unwrap();
        plain();
    }
    assert_lines(
        || block_on(load()),
        &[
            "plain load{rows=1}",
            "task load{rows=2}",
            "plain load{rows=2}",
        ],
    );
}

#[test]
fn an_event_that_names_its_parent_has_those_of_the_parent() {
    #[traced(fields(id))]
    fn make(id: u32) -> Span {
        info_span!("made")
    }
    assert_lines(
        || {
            let span = make(3);
            nested(0);
            info!(parent: &span, "by name");
            info!(parent: None, "nowhere");
        },
        &[
            "innermost nested{n=0}",
            "by name made make{id=3}",
            "nowhere",
        ],
    );
}

#[test]
fn a_span_that_ends_elsewhere_leaves_nothing_behind() {
    assert_lines(
        || {
            thread::scope(|scope| {
                let entered = span!("here", id = 1);
                entered.in_scope(|_| info!("one"));
                scope.spawn(move || drop(entered));
            });
            info!("two");
        },
        &["one here{id=1}", "two"],
    );
}

#[traced(fields(n = { assert!(n != 1, "no such number"); n }))]
fn picky(n: u32) {
    info!("picked");
}

#[test]
fn a_field_that_panics_takes_nothing_else_along() {
    keep();
    let captured = testing::capture(|| {
        let _ = std::panic::catch_unwind(|| picky(1));
        picky(2);
    });
    let [failed, fine] = &captured.spans[..] else {
        panic!("{:?}", captured.spans)
    };
    assert_eq!(failed.outcome, obs_runtime::trace::Outcome::Panicked);
    assert_eq!(
        failed.error.as_ref().unwrap().message.as_deref(),
        Some("no such number")
    );
    assert_eq!(fine.attribute("n"), Some(&2.into()));
}

#[test]
fn what_is_recorded_is_the_same() {
    keep();
    let captured = testing::capture(|| {
        block_on(async {
            load(7);
            step(1).await;
            drop(step(3));
        });
    });
    captured.assert_tree(
        "load kind=part id=7 rows=3 token=*** api_key=*** why=\"no lamp\" not.declared=true\n  plain\nstep id=2",
    );
}

#[test]
fn other_formatters_get_them_with_the_ids() {
    let lines = Lines::default();
    let writer = lines.clone();
    let formatter = tracing_subscriber::fmt::layer()
        .event_format(WithIds::text(
            tracing_subscriber::fmt::format()
                .without_time()
                .with_target(false),
        ))
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let json = Lines::default();
    let writer = json.clone();
    let members = tracing_subscriber::fmt::layer()
        .json()
        .event_format(WithIds::json(tracing_subscriber::fmt::format().json()))
        .with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(formatter).with(members);
    let captured = testing::capture(|| {
        tracing::dispatcher::with_default(&Dispatch::new(subscriber), || nested(1));
    });
    let span = captured
        .spans
        .iter()
        .find(|s| s.attribute("n") == Some(&0.into()))
        .unwrap();
    let (trace, id) = (span.trace_id, span.span_id);
    let expected =
        format!(" INFO innermost nested{{n=1}} nested{{n=0}} trace_id={trace} span_id={id}\n");
    assert_eq!(lines.text(), expected);
    let line: serde_json::Value = serde_json::from_str(&json.text()).unwrap();
    let functions = serde_json::json!([
        {"name": "nested", "fields": {"n": 1}}, {"name": "nested", "fields": {"n": 0}},
    ]);
    assert_eq!(line["functions"], functions);
    assert_eq!(line["trace_id"], trace.to_string());
}

#[test]
fn lines_of_json_list_them_after_the_spans() {
    let lines = Lines::default();
    let writer = lines.clone();
    let formatter = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields)
        .event_format(Json::new())
        .with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(formatter);
    testing::capture(|| {
        tracing::dispatcher::with_default(&Dispatch::new(subscriber), || {
            info_span!("request", user = "ada").in_scope(|| load(7));
        });
    });
    let text = lines.text();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let spans = serde_json::json!([
        {"name": "request", "fields": {"user": "ada"}},
        {"name": "load", "fields": {"kind": "part", "api_key": "***", "id": 7, "why": "no lamp"}},
    ]);
    assert_eq!(first["spans"], spans);
}

#[test]
fn a_future_that_was_made_where_nothing_records_is_recorded_where_something_does() {
    type Boxed = std::pin::Pin<Box<dyn Future<Output = ()>>>;

    #[traced(fields(n))]
    fn make(n: u32) -> Boxed {
        Box::pin(async { plain() })
    }
    keep();
    let future = {
        let _nothing = current::suppress();
        make(1)
    };
    let captured = testing::capture(|| block_on(future));
    captured.assert_tree("make\n  plain");
}

// bug: a future that an expression of fields polled took the answer of the call around it.
#[test]
fn an_expression_of_fields_may_poll_another_future() {
    #[traced(fields(id, text = "a text that is longer than fourteen bytes".to_owned()))]
    async fn inner(id: u32) -> u32 {
        info!("inner");
        id
    }
    #[traced(fields(n = futures_util::FutureExt::now_or_never(inner(1)).unwrap()))]
    async fn outer() {
        info!("outer");
    }
    keep();
    let captured = testing::capture(|| block_on(outer()));
    captured.assert_span("outer").attribute("n", 1);
    captured.assert_span("inner").attribute("id", 1);
}
