//! What a span says of a failure: its causes, its type, and who records it.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use obs_runtime::testing::{Captured, capture};
use obs_runtime::{span, traced};

/// An error with a source that its own text does not repeat.
#[derive(Debug)]
struct Failed<E>(&'static str, E);

impl<E> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<E: Error + 'static> Error for Failed<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.1)
    }
}

fn refused() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused")
}

fn message<R>(captured: &Captured<R>, span: &str) -> String {
    let span = captured.span(span);
    let error = span.error.as_ref().expect("it failed");
    error.message.clone().expect("it has a text")
}

// bug: "connection refused" was nowhere: only the outermost text was recorded.
#[test]
fn causes_are_part_of_the_message() {
    #[traced]
    fn by_source() -> Result<(), Failed<Failed<std::io::Error>>> {
        Err(Failed("no answer", Failed("no connection", refused())))
    }
    #[traced]
    fn boxed() -> Result<(), Box<dyn Error>> {
        Err(Failed("no answer", refused()).into())
    }
    #[traced]
    fn boxed_send() -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(Failed("no answer", refused()).into())
    }
    #[traced]
    fn any() -> anyhow::Result<()> {
        Err(anyhow::Error::new(refused()).context("no answer"))
    }
    #[traced]
    fn report() -> Result<(), eyre::Report> {
        Err(eyre::Report::new(refused()).wrap_err("no answer"))
    }
    let captured = capture(|| {
        let _ = (by_source(), boxed(), boxed_send(), any(), report());
    });
    let all = "no answer: no connection: connection refused";
    assert_eq!(message(&captured, "by_source"), all);
    for span in ["boxed", "boxed_send", "any", "report"] {
        assert_eq!(
            message(&captured, span),
            "no answer: connection refused",
            "{span}"
        );
    }
}

#[test]
fn secrets_of_causes_are_masked() {
    #[traced]
    fn load() -> Result<(), Failed<std::io::Error>> {
        let cause = std::io::Error::other("denied, password=hunter2-and-more");
        Err(Failed("no rows", cause))
    }
    let captured = capture(load);
    assert_eq!(message(&captured, "load"), "no rows: denied, password=***");
}

/// Returns the names of the spans that record an exception, in the order of their ends.
fn exceptions<R>(captured: &Captured<R>) -> Vec<&str> {
    let failed = captured.spans.iter();
    let failed = failed.filter(|span| span.error.as_ref().is_some_and(|e| e.exception));
    failed.map(|span| &*span.name).collect()
}

// bug: one failure that `?` converted four times was four exceptions.
#[test]
fn a_failure_that_is_converted_is_one_exception() {
    #[derive(Debug)]
    struct Outer(Failed<std::io::Error>);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.0.source()
        }
    }
    #[traced]
    fn connect() -> Result<(), std::io::Error> {
        Err(refused())
    }
    #[traced]
    fn ask() -> Result<(), Failed<std::io::Error>> {
        connect().map_err(|error| Failed("no answer", error))
    }
    #[traced]
    fn transparent() -> Result<(), Outer> {
        ask().map_err(Outer)
    }
    #[traced]
    fn handle() -> anyhow::Result<()> {
        Ok(transparent()?)
    }
    let captured = capture(handle);
    assert_eq!(exceptions(&captured), ["connect"]);
}

#[test]
fn another_failure_is_another_exception() {
    #[traced]
    fn connect() -> Result<(), std::io::Error> {
        Err(refused())
    }
    #[traced]
    fn fall_back() -> Result<(), String> {
        let _ = connect();
        Err("no copy either".to_owned())
    }
    let captured = capture(fall_back);
    assert_eq!(exceptions(&captured), ["connect", "fall_back"]);
}

// bug: the text of a panic was in no signal.
#[test]
fn a_panic_says_what_it_said() {
    #[traced]
    fn inner() {
        let rows: Vec<u8> = Vec::new();
        assert!(!rows.is_empty(), "no rows, password={}", "hunter2-and-more");
    }
    #[traced]
    async fn outer() {
        inner();
    }
    let captured = capture(|| {
        let outer = AssertUnwindSafe(|| futures_executor::block_on(outer()));
        catch_unwind(outer).unwrap_err();
        let held = AssertUnwindSafe(|| {
            let span = span!("by hand");
            let _inside = span.enter();
            panic!("dropped");
        });
        catch_unwind(held).unwrap_err();
    });
    for (span, text) in [
        ("inner", "no rows, password=***"),
        ("outer", "no rows, password=***"),
        ("by hand", "dropped"),
    ] {
        assert_eq!(message(&captured, span), text, "{span}");
        let error = captured.span(span).error.as_ref();
        assert_eq!(error.map(|e| &*e.kind), Some("panic"), "{span}");
    }
    assert_eq!(exceptions(&captured), ["inner", "by hand"]);
}

// bug: `err(Debug)` of an error with a backtrace put the backtrace into the message.
#[test]
fn a_backtrace_is_no_part_of_the_message() {
    struct Traced;
    impl fmt::Debug for Traced {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no rows\n\nStack backtrace:\n   0: main\n")
        }
    }
    #[traced(err(Debug))]
    fn load() -> Result<(), Traced> {
        Err(Traced)
    }
    let captured = capture(load);
    assert_eq!(message(&captured, "load"), "no rows");
}

// bug: a panic that is thrown again, which no hook sees, was told with the words of an older one.
#[test]
fn a_panic_without_words_borrows_none() {
    #[traced]
    fn again() {
        resume_unwind(Box::new("of another thread"));
    }
    let captured = capture(|| {
        catch_unwind(|| panic!("card of customer A declined")).unwrap_err();
        catch_unwind(again).unwrap_err();
    });
    let error = captured.span("again").error.as_ref().unwrap();
    assert_eq!((&*error.kind, error.message.as_deref()), ("panic", None));
}

// bug: errors that borrow did not compile any more.
#[test]
fn an_error_may_borrow() {
    #[derive(Debug)]
    struct Borrowed<'a>(&'a str);
    impl fmt::Display for Borrowed<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl Error for Borrowed<'_> {}
    #[traced]
    fn boxed<'a>(text: &'a str) -> Result<(), Box<dyn Error + 'a>> {
        Err(Box::new(Borrowed(text)))
    }
    #[traced]
    fn boxed_send<'a>(text: &'a str) -> Result<(), Box<dyn Error + Send + Sync + 'a>> {
        Err(Box::new(Borrowed(text)))
    }
    #[traced]
    fn generic<E: Error>(error: E) -> Result<(), E> {
        Err(error)
    }
    let text = "no rows".to_owned();
    let captured = capture(|| {
        let _ = (boxed(&text), boxed_send(&text), generic(Borrowed(&text)));
    });
    for span in ["boxed", "boxed_send", "generic"] {
        assert_eq!(message(&captured, span), "no rows", "{span}");
    }
}

// bug: what holds an error lost its own text, or the causes if the error cannot be shared.
#[test]
fn what_holds_an_error_says_its_own_text_too() {
    #[derive(Debug)]
    struct Http(u16, Failed<std::io::Error>);
    impl fmt::Display for Http {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "HTTP {}: {}", self.0, self.1)
        }
    }
    impl AsRef<dyn Error> for Http {
        fn as_ref(&self) -> &(dyn Error + 'static) {
            &self.1
        }
    }
    #[traced]
    fn held() -> Result<(), Http> {
        Err(Http(503, Failed("no answer", refused())))
    }
    #[traced]
    fn sent() -> Result<(), Box<dyn Error + Send>> {
        Err(Box::new(Failed("no answer", refused())))
    }
    let captured = capture(|| {
        let _ = (held(), sent());
    });
    assert_eq!(
        message(&captured, "held"),
        "HTTP 503: no answer: connection refused"
    );
    assert_eq!(message(&captured, "sent"), "no answer: connection refused");
}

// bug: a failure whose text only ends like an older one was not recorded.
#[test]
fn a_text_that_ends_alike_is_another_failure() {
    #[traced]
    fn ask() -> Result<(), String> {
        Err("timed out".to_owned())
    }
    #[traced]
    fn mail() -> Result<(), String> {
        let _ = ask();
        Err("mail server: timed out".to_owned())
    }
    let captured = capture(mail);
    assert_eq!(exceptions(&captured), ["ask", "mail"]);
}

// bug: a future that was dropped at the end of its thread aborted the program.
#[test]
fn a_future_may_be_dropped_at_the_end_of_its_thread() {
    use std::cell::RefCell;
    use std::future::{Future, pending};
    use std::pin::Pin;
    use std::task::{Context, Waker};

    #[traced]
    async fn waits() {
        pending::<()>().await;
    }
    fn polled() -> Pin<Box<dyn Future<Output = ()>>> {
        let mut future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(waits());
        let context = &mut Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(context).is_pending());
        future
    }
    thread_local!(static KEPT: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = RefCell::default());
    let thread = std::thread::spawn(|| {
        capture(|| {
            // Its destructor is registered first, and runs last.
            KEPT.set(None);
            drop(polled());
            KEPT.set(Some(polled()));
        })
    });
    let captured = thread.join().unwrap();
    assert_eq!(captured.spans.len(), 1);
}
