//! Arguments as `#[tracing::instrument]` takes them, with its meaning: what migrates by an import.

use obs_runtime::testing::capture;
use obs_runtime::traced as instrument;
use obs_runtime::{Level, registry};

mod levels {
    use super::{Level, instrument, registry};
    use tracing::Level as Theirs;

    #[instrument(level = 1)]
    fn number_1() {}

    #[instrument(level = 2)]
    fn number_2() {}

    #[instrument(level = 3)]
    fn number_3() {}

    #[instrument(level = 4)]
    fn number_4() {}

    #[instrument(level = 5)]
    fn number_5() {}

    #[instrument(level = "eRRor")]
    fn word() {}

    #[instrument(level = Theirs::DEBUG)]
    fn imported() {}

    #[instrument(level = ::tracing::Level::WARN)]
    fn qualified() {}

    #[instrument(level = Level::TRACE)]
    fn level_of_ours() {}

    // A level of `tracing`'s in every place that takes one.
    #[instrument(level = Level::Debug, err(level = Theirs::INFO), ret(level = Theirs::TRACE))]
    fn both(n: u8) -> Result<u8, String> {
        Ok(n)
    }

    fn level_of(function: &str) -> Level {
        let mut sites = registry::callsites().filter(|site| site.file() == file!());
        sites
            .find(|site| site.function() == function)
            .unwrap()
            .level()
    }

    #[test]
    fn every_spelling_of_a_level_is_taken() {
        let expected = [
            ("number_1", Level::Trace),
            ("number_2", Level::Debug),
            ("number_3", Level::Info),
            ("number_4", Level::Warn),
            ("number_5", Level::Error),
            ("word", Level::Error),
            ("imported", Level::Debug),
            ("qualified", Level::Warn),
            ("level_of_ours", Level::Trace),
            ("both", Level::Debug),
        ];
        let found = expected.map(|(function, _)| (function, level_of(function)));
        assert_eq!(found, expected);
        let all = [number_1, number_2, number_3, number_4, number_5];
        for call in all
            .into_iter()
            .chain([word, imported, qualified, level_of_ours])
        {
            call();
        }
        both(1).unwrap();
    }
}

#[test]
fn a_text_alone_is_the_name() {
    #[instrument("load user", level = "debug")]
    fn load() {}
    #[instrument(level = "debug", "store user")]
    fn store() {}
    let captured = capture(|| {
        load();
        store();
    });
    captured.assert_tree("\"load user\"\n\"store user\"");
}

#[test]
fn the_returned_value_takes_a_level_and_a_form() {
    #[instrument(ret(level = "warn"))]
    fn by_level() -> &'static str {
        "text"
    }
    #[instrument(ret(Display, level = Level::WARN), err(Display, level = 4))]
    fn by_both(n: u8) -> Result<&'static str, String> {
        (n > 0).then_some("text").ok_or_else(|| "none".to_owned())
    }
    let captured = capture(|| {
        by_level();
        by_both(1).unwrap();
        by_both(0).unwrap_err();
    });
    captured
        .assert_span("by_level")
        .attribute("return", "\"text\"");
    let both: Vec<_> = captured.spans_named("by_both").collect();
    assert_eq!(both[0].attribute("return"), Some(&"text".into()));
    let error = both[1].error.as_ref().unwrap();
    assert_eq!(error.level, Some(Level::Warn));
    assert_eq!(error.message.as_deref(), Some("none"));
}

mod fields {
    use super::{capture, instrument};
    use obs_runtime::testing::capture_async;
    use obs_runtime::{AttributeValue, current, span};
    use tracing::field::{self, Empty};

    const LIMIT: u32 = 5;
    const KEY: &str = "the.key";

    #[instrument(skip_all, fields(
        id, rows, http.status_code, LIMIT, type, empty = Empty, other = field::Empty,
        third = ::tracing::field::Empty, {KEY} = Empty, token,
    ))]
    fn load(id: u64) {
        current::record("rows", 3_usize);
        current::record("http.status_code", 200_u16);
        current::record("type", String::from("text"));
        current::record("empty", Some(id));
        current::record("other", None::<u8>);
        current::record(KEY, true);
        current::record("token", "hunter2");
    }

    #[instrument(fields(late, user.name))]
    async fn load_later(user: User) {
        tokio::task::yield_now().await;
        current::record("late", user.name.len());
    }

    struct User {
        name: &'static str,
    }

    #[tokio::test]
    async fn a_field_is_declared_and_recorded_later() {
        capture(|| load(7)).assert_tree(
            "load id=7 LIMIT=5 rows=3 http.status_code=200 type=text empty=7 the.key=true token=***",
        );
        let captured = capture_async(load_later(User { name: "ada" })).await;
        captured.assert_tree("load_later user.name=ada late=3");
    }

    #[test]
    fn a_span_by_hand_takes_empty_fields_too() {
        let captured = capture(|| {
            let work = span!("work", rows = field::Empty, n = 1);
            work.set_attribute("rows", 2);
        });
        captured.assert_tree("work n=1 rows=2");
    }

    #[test]
    fn what_record_takes_is_what_fields_take() {
        let captured = capture(|| {
            span!("work").in_scope(|_| {
                current::record("number", u128::MAX);
                current::record("long", "a text that is longer than a word or two");
                current::record("number", 2);
            });
            // Outside of a span it does nothing.
            current::record("nowhere", 1);
        });
        let work = captured.span("work");
        assert_eq!(work.attribute("number"), Some(&AttributeValue::I64(2)));
        captured
            .assert_span("work")
            .attribute("long", "a text that is longer than a word or two");
    }
}

mod causes {
    use super::instrument;
    use obs_runtime::SpanContext;
    use obs_runtime::propagation::IntoParent;
    use obs_runtime::testing::Captured;
    use obs_runtime::trace::{Link, SpanId};
    use obs_tests::tracing_capture::{assert_parents, capture, capture_async};
    use tracing::{Id, Span, info_span};

    #[instrument(parent = caller)]
    fn below(caller: &Span) {}

    #[instrument(parent = caller.id())]
    async fn below_id(caller: Span) {
        drop(caller);
    }

    #[instrument(parent = &self.span, skip(self))]
    impl Job {
        fn run(&self) {}

        async fn wait(&self, _n: u8) -> Result<(), String> {
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    struct Job {
        span: Span,
    }

    impl IntoParent for Job {
        fn parent(&self) -> Option<SpanContext> {
            self.span.parent()
        }
    }

    impl Job {
        #[instrument(parent = self)]
        fn finish(self) -> Result<(), String> {
            Ok(())
        }
    }

    #[test]
    fn a_span_of_tracing_is_a_parent() {
        let captured = capture_async(async {
            let caller = info_span!("caller");
            let _other = info_span!("other").entered();
            below(&caller);
            below_id(caller.clone()).await;
            let job = Job { span: caller };
            job.run();
            job.wait(1).await.unwrap();
            job.finish().unwrap();
            // A span that nobody takes in is none.
            below(&Span::none());
        });
        let mut under: Vec<_> = captured.children(captured.span("caller"));
        under.retain(|span| span.trace_id == captured.span("caller").trace_id);
        let names: Vec<_> = under.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["below", "below_id", "run", "wait", "finish"]);
        assert!(
            captured
                .spans_named("below")
                .last()
                .unwrap()
                .parent_id
                .is_none()
        );
    }

    #[test]
    fn an_entered_span_and_an_id_are_parents() {
        #[instrument(parent = entered)]
        fn entered_parent(entered: &tracing::span::EnteredSpan) {}
        #[instrument(parent = id)]
        fn id_parent(id: Option<Id>) {}
        let captured = capture(|| {
            let caller = info_span!("caller").entered();
            let _other = info_span!("other").entered();
            entered_parent(&caller);
            id_parent(caller.id());
        });
        assert_parents(
            &captured,
            &[
                ("caller", ""),
                ("other", "caller"),
                ("entered_parent", "caller"),
                ("id_parent", "caller"),
            ],
        );
    }

    #[instrument(parent = cause, skip(cause))]
    fn any_parent<P>(cause: P)
    where
        P: Into<Option<Id>>,
    {
    }

    #[instrument(parent = cause)]
    async fn any_parent_async(cause: impl Into<Option<Id>>, n: u8) -> u8 {
        tokio::task::yield_now().await;
        n
    }

    #[test]
    fn what_gives_an_id_once_is_a_parent() {
        let captured = capture_async(async {
            let caller = info_span!("caller");
            let _other = info_span!("other").entered();
            any_parent(&caller);
            any_parent_async(caller.clone(), 1).await;
        });
        assert_parents(
            &captured,
            &[
                ("caller", ""),
                ("other", ""),
                ("any_parent", "caller"),
                ("any_parent_async", "caller"),
            ],
        );
    }

    #[instrument(follows_from = causes, skip(causes))]
    fn once(causes: impl IntoIterator<Item = impl Into<Option<Id>>>) {}

    #[instrument(follows_from = causes, skip(causes))]
    async fn once_async(causes: impl IntoIterator<Item = impl Into<Option<Id>>>) -> u8 {
        tokio::task::yield_now().await;
        1
    }

    #[instrument(follows_from = causes)]
    fn many(causes: &[Id]) -> usize {
        causes.len()
    }

    #[instrument(follows_from = causes)]
    fn kept(causes: Vec<Span>) -> usize {
        causes.len()
    }

    #[instrument(follows_from = [&Span::current()], links = cause.as_ref().map(Span::id))]
    fn current(cause: Option<Span>) -> String {
        format!("{cause:?}")
    }

    #[instrument(links = contexts.iter().copied().filter(SpanContext::is_sampled))]
    fn ours(contexts: &[SpanContext]) {}

    fn links<R>(captured: &Captured<R>, name: &str) -> Vec<SpanId> {
        let id = |link: &Link| link.context.span_id();
        captured.span(name).links.iter().map(id).collect()
    }

    #[test]
    fn spans_of_tracing_are_causes() {
        let captured = capture_async(async {
            let (a, b) = (info_span!("a"), info_span!("b"));
            once(&[a.clone(), b.clone()]);
            once_async([b.id(), None]).await;
            let ids: Vec<Id> = [&a, &b].into_iter().filter_map(Span::id).collect();
            assert_eq!(many(&ids), 2);
            assert_eq!(kept(vec![a.clone(), b.clone()]), 2);
            a.in_scope(|| {
                current(Some(b));
                let context = SpanContext::current().unwrap();
                ours(&[context]);
            });
        });
        let [a, b] = ["a", "b"].map(|name| captured.span(name).span_id);
        for (name, expected) in [
            ("once", vec![a, b]),
            ("once_async", vec![b]),
            ("many", vec![a, b]),
            ("kept", vec![a, b]),
            ("current", vec![b, a]),
            ("ours", vec![a]),
        ] {
            assert_eq!(links(&captured, name), expected, "{name}");
        }
    }
}
