//! `args`: parameters as `#[tracing::instrument]` records them.

#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    clippy::unused_async,
    unused_mut,
    unused_variables,
    reason = "functions that exist to be traced"
)]

use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::num::{NonZeroU32, Wrapping};
use std::pin::Pin;
use std::rc::Rc;

use obs_runtime::pipeline::{Pipeline, Resource, TaskContext};
use obs_runtime::testing::{Captured, capture, capture_async};
use obs_runtime::trace::SpanRecord;
use obs_runtime::traced as instrument;
use obs_runtime::{AttributeValue, current};

/// The attributes of the only span, in their order.
fn recorded<R>(captured: &Captured<R>) -> Vec<(&str, AttributeValue)> {
    let [span] = &captured.spans[..] else {
        panic!("{}", captured.tree());
    };
    let pairs = span.attributes.iter();
    pairs.map(|(key, value)| (&**key, value.clone())).collect()
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    x: u8,
    y: u8,
}

struct NoDebug;

type UserId = u64;

#[test]
fn primitives_are_values_and_the_rest_is_debug() {
    #[instrument(args)]
    fn all<'a, T: Debug>(
        flag: bool,
        number: UserId,
        wide: u128,
        float: &f32,
        text: &'a str,
        owned: String,
        by_mut: &mut i16,
        non_zero: NonZeroU32,
        wrapped: Wrapping<u8>,
        letter: char,
        maybe: Option<u8>,
        list: &[&str],
        pair: &'a Pair,
        generic: T,
        hidden: impl Debug,
        dynamic: &dyn Debug,
        shared: Rc<Pair>,
        _unused: (),
    ) -> &'a str {
        drop((owned, generic));
        text
    }
    let captured = capture(|| {
        all(
            true,
            7,
            u128::MAX,
            &1.5,
            "text",
            "owned".to_owned(),
            &mut -3,
            NonZeroU32::MIN,
            Wrapping(9),
            'c',
            Some(1),
            &["a", "b"],
            &Pair { x: 1, y: 2 },
            "generic",
            vec![1],
            &(1, 2),
            Rc::new(Pair { x: 3, y: 4 }),
            (),
        );
    });
    assert_eq!(
        recorded(&captured),
        [
            ("flag", true.into()),
            ("number", 7.into()),
            ("wide", u128::MAX.to_string().into()),
            ("float", 1.5.into()),
            ("text", "text".into()),
            ("owned", "owned".into()),
            ("by_mut", (-3).into()),
            ("non_zero", 1.into()),
            ("wrapped", 9.into()),
            ("letter", "'c'".into()),
            ("maybe", "Some(1)".into()),
            ("list", "[\"a\", \"b\"]".into()),
            ("pair", "Pair { x: 1, y: 2 }".into()),
            // What a generic is, is not known where the function is written.
            ("generic", "\"generic\"".into()),
            ("hidden", "[1]".into()),
            ("dynamic", "(1, 2)".into()),
            ("shared", "Pair { x: 3, y: 4 }".into()),
            ("_unused", "()".into()),
        ]
    );
}

#[test]
fn parts_of_patterns_are_recorded_by_their_names() {
    #[instrument(args)]
    fn parts(
        mut count: u8,
        (a, (b, _)): (u8, (&str, NoDebug)),
        Pair { x, y: second }: Pair,
        &ref_part: &u8,
        [first, ..]: [u8; 2],
        whole @ Pair { .. }: Pair,
    ) {
    }
    let pair = Pair { x: 1, y: 2 };
    let captured = capture(|| parts(0, (1, ("b", NoDebug)), pair, &4, [5, 6], pair));
    let found = recorded(&captured);
    let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "count", "a", "b", "x", "second", "ref_part", "first", "whole"
        ]
    );
    assert_eq!(found[1].1, 1.into());
    assert_eq!(found[2].1, "b".into());
}

#[test]
fn skip_and_fields_come_before_args() {
    #[instrument(args, skip(conn, r#type), fields(name = "other", %shown, len = list.len(), late))]
    fn some(
        conn: NoDebug,
        r#type: u8,
        name: &str,
        shown: &Shown,
        list: &[u8],
        late: u8,
        r#fn: u8,
        n: u8,
    ) {
        current::record("n", 4);
    }
    #[instrument(args, skip_all, fields(n))]
    fn none(conn: NoDebug, n: u8) {}
    #[instrument(skip(conn))]
    fn others(conn: NoDebug, n: u8, list: &[u8]) {}
    #[instrument(skip(conn), skip_all)]
    fn nothing(conn: NoDebug, n: u8) {}
    #[instrument(args = false, skip(conn))]
    fn off(conn: NoDebug, n: u8) {}
    #[instrument(args, fields(n = tracing::field::Empty))]
    fn later(n: u8) {}
    let captured = capture(|| some(NoDebug, 1, "name", &Shown, &[1, 2], 5, 6, 3));
    captured.assert_tree("some name=other list=\"[1, 2]\" fn=6 n=4 shown=shown len=2 late=5");
    capture(|| none(NoDebug, 1)).assert_tree("none n=1");
    capture(|| others(NoDebug, 1, &[2])).assert_tree("others n=1 list=\"[2]\"");
    capture(|| nothing(NoDebug, 1)).assert_tree("nothing");
    capture(|| off(NoDebug, 1)).assert_tree("off");
    capture(|| later(1)).assert_tree("later");
}

struct Shown;

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shown")
    }
}

impl Debug for Shown {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("nobody asked for it")
    }
}

#[test]
fn what_is_called_like_a_secret_is_masked() {
    #[derive(Debug)]
    struct Login {
        user: String,
        password: String,
    }
    #[instrument(args)]
    fn login(
        password: &str,
        api_key: Option<String>,
        auth_token: u64,
        shown_secret: Shown,
        login: &Login,
    ) {
        let _ = (&login.user, &login.password);
    }
    let secrets = Login {
        user: "ada".to_owned(),
        password: "hunter2".to_owned(),
    };
    let captured = capture(|| login("hunter2", Some("k".to_owned()), 7, Shown, &secrets));
    assert_eq!(
        recorded(&captured),
        [
            ("password", "***".into()),
            ("api_key", "***".into()),
            ("auth_token", "***".into()),
            ("shown_secret", "***".into()),
            ("login", "Login { user: \"ada\", password: \"***\" }".into()),
        ]
    );
}

#[derive(Debug)]
struct Service {
    name: &'static str,
}

#[instrument(args)]
impl Service {
    fn open(name: &'static str) -> Self {
        Self { name }
    }

    fn serve(&self, n: u8) -> Result<u8, String> {
        Ok(n)
    }

    async fn close(self, wait: bool) {
        tokio::task::yield_now().await;
        let _ = (self.name, wait);
    }
}

struct Quiet;

#[instrument(args, skip(self))]
impl Quiet {
    fn open(n: u8) -> Self {
        let _ = n;
        Self
    }

    fn serve(&mut self, n: u8) -> u8 {
        n
    }
}

#[tokio::test]
async fn methods_record_themselves_unless_they_are_skipped() {
    let captured = capture_async(async {
        let service = Service::open("s");
        service.serve(1).unwrap();
        service.close(true).await;
        Quiet::open(2).serve(3);
    })
    .await;
    captured.assert_tree(
        "open name=s\n\
         serve self=\"Service { name: \\\"s\\\" }\" n=1\n\
         close self=\"Service { name: \\\"s\\\" }\" wait=true\n\
         open n=2\n\
         serve n=3",
    );
}

#[async_trait::async_trait]
trait Load {
    async fn load(&self, id: u64, name: &str) -> Result<usize, String>;
}

#[async_trait::async_trait]
impl Load for Service {
    #[instrument(args, skip(self))]
    async fn load(&self, id: u64, name: &str) -> Result<usize, String> {
        tokio::task::yield_now().await;
        Ok(id as usize + name.len())
    }
}

#[instrument(args)]
#[async_trait::async_trait]
impl Load for Quiet2 {
    async fn load(&self, id: u64, name: &str) -> Result<usize, String> {
        Ok(id as usize + name.len())
    }
}

#[derive(Debug)]
struct Quiet2;

#[tokio::test]
async fn every_shape_of_a_function_records_its_arguments() {
    #[instrument(args)]
    async fn plain(n: u8, pair: Pair) -> u8 {
        tokio::task::yield_now().await;
        n + pair.x + pair.y
    }
    #[instrument(args)]
    fn boxed(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
        Box::pin(async move { n })
    }
    #[instrument(args)]
    fn hidden(n: u8, text: String) -> impl Future<Output = usize> {
        async move { usize::from(n) + text.len() }
    }
    #[instrument(args, ret)]
    fn value(n: &mut u8, text: String) -> Result<usize, String> {
        *n += 1;
        Ok(usize::from(*n) + text.len())
    }
    #[instrument(args)]
    #[track_caller]
    fn tracked(n: u8) -> Result<u8, String> {
        Ok(n)
    }
    #[instrument(args)]
    fn conditional(#[cfg(test)] n: u8, #[cfg(not(test))] m: u8) {}
    let captured = capture_async(async {
        plain(1, Pair { x: 2, y: 3 }).await;
        boxed(2).await;
        hidden(3, "x".to_owned()).await;
        value(&mut 4, "y".to_owned()).unwrap();
        tracked(5).unwrap();
        conditional(6);
        Service { name: "s" }.load(7, "z").await.unwrap();
        Quiet2.load(8, "z").await.unwrap();
    })
    .await;
    captured.assert_tree(
        "plain n=1 pair=\"Pair { x: 2, y: 3 }\"\n\
         boxed n=2\n\
         hidden n=3 text=x\n\
         value n=4 text=y return=6\n\
         tracked n=5\n\
         conditional n=6\n\
         load id=7 name=z\n\
         load self=Quiet2 id=8 name=z",
    );
}

#[tokio::test]
async fn the_other_macros_take_args_too() {
    #[obs_runtime::llm_call(provider = "p", model = "m", args, skip(prompt))]
    fn ask(prompt: &str, top: u8) -> String {
        prompt.repeat(top.into())
    }
    #[obs_runtime::pipeline_task(pipeline = "recorded arguments", args)]
    async fn load(context: &TaskContext, resource: Resource<Pair>) -> Result<u8, String> {
        Ok(resource.x + u8::from(context.attempt() > 9))
    }
    let captured = capture_async(async {
        ask("secret", 2);
        let run = Pipeline::named("recorded arguments").unwrap();
        let pair = Pair { x: 1, y: 2 };
        assert!(run.resource(pair).run().await.unwrap().succeeded());
    })
    .await;
    captured
        .assert_span("chat m")
        .attribute("top", 2)
        .without("prompt");
    captured
        .assert_span("load")
        .attribute("resource", "Resource(Pair { x: 1, y: 2 })")
        .with("context");
}

/// The same function below `#[tracing::instrument]` and below `#[traced(args)]`.
macro_rules! twice {
    ($name:ident($($argument:tt)*) { $($function:tt)* }) => {
        mod $name {
            pub(crate) mod theirs {
                #[allow(unused_imports, reason = "not every function names them")]
                use super::super::*;
                #[tracing::instrument($($argument)*)]
                pub(crate) $($function)*
            }
            pub(crate) mod ours {
                #[allow(unused_imports, reason = "not every function names them")]
                use super::super::*;
                #[obs_runtime::traced(args, $($argument)*)]
                pub(crate) $($function)*
            }
        }
    };
}

twice!(values(level = tracing::Level::WARN, name = "some name") {
    fn f(
        n: u64, flag: bool, x: f64, text: &str, owned: String, c: char, maybe: Option<&str>,
        list: Vec<u8>, pair: Pair, unit: (), n_ref: &&u32,
    ) {}
});

twice!(generics(skip(skipped), fields(n = n + 1, more = ?list, late)) {
    fn f<T: Debug, I: Debug + Clone>(n: u8, list: &[T], skipped: NoDebug, one: I) {}
});

twice!(futures(skip_all, fields(%n, text.len = text.len())) {
    async fn f(n: u8, text: String, skipped: NoDebug) {
        tokio::task::yield_now().await;
    }
});

/// But for aliases of primitives and parts of patterns, whose type `tracing` does not see.
#[test]
fn both_macros_record_the_same() {
    use obs_tests::tracing_capture::capture_async;
    macro_rules! call {
        ($way:ident) => {
            capture_async(async {
                let pair = Pair { x: 1, y: 2 };
                values::$way::f(
                    1,
                    true,
                    1.5,
                    "text",
                    "owned".to_owned(),
                    'c',
                    Some("x"),
                    vec![1],
                    pair,
                    (),
                    &&3,
                );
                generics::$way::f(1, &["a", "b"], NoDebug, Some(pair));
                futures::$way::f(1, "text".to_owned(), NoDebug).await;
            })
        };
    }
    let (theirs, ours) = (call!(theirs), call!(ours));
    let attributes = |captured: &Captured<()>| -> Vec<_> {
        let of = |span: &SpanRecord| {
            let said = span.attributes.iter();
            let mut said: Vec<_> = said
                .filter(|(key, _)| !key.starts_with("code."))
                .cloned()
                .collect();
            // Constants of obs come first, and `tracing` has none.
            said.sort_by(|a, b| a.0.cmp(&b.0));
            (span.name.clone(), said)
        };
        captured.spans.iter().map(of).collect()
    };
    assert_eq!(attributes(&ours), attributes(&theirs));
    assert_eq!(ours.spans.len(), 3);
}
