use serde_json::json;

use super::*;
use crate::pipeline::{Pipeline, RunResult};

/// An error with a cause.
#[derive(Debug)]
struct Link(&'static str, Option<Box<Self>>);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Link {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn link(text: &'static str, cause: Link) -> Link {
    Link(text, Some(Box::new(cause)))
}

fn no_index() -> Link {
    let refused = Link("connection refused", None);
    link("no index", link("login with password=hunter2", refused))
}

fn texts(error: &dyn Error) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), Some(error));
    while let Some(error) = next {
        all.push(error.to_string());
        next = error.source();
    }
    all
}

#[test]
fn the_chain_stays_without_its_secrets() {
    let error = TaskError::from_any(no_index());
    let words = ["no index", "login with password=***", "connection refused"];
    assert_eq!(texts(&error), words);
    assert_eq!(error.causes().collect::<Vec<_>>(), words[1..]);
    // The mask takes the colon with it.
    let message = "no index: login with password=*** connection refused";
    assert_eq!(error.message(), message);
    assert_eq!(format!("{error:#}"), error.message());
    assert!(error.error_type().ends_with("Link"));
    assert_eq!(
        serde_json::to_value(&error).unwrap(),
        json!({
            "error_type": error.error_type(),
            "message": error.message(),
            "causes": words[1..],
        })
    );
}

#[test]
fn an_error_that_writes_its_cause_itself_is_whole() {
    let error = link("no index: no host", Link("no host", None));
    let error = TaskError::from_any(error);
    assert_eq!(texts(&error), ["no index: no host", "no host"]);
    assert_eq!(error.message(), "no index: no host");
}

#[test]
fn errors_of_every_sort_are_taken() {
    let boxed: Box<dyn Error + Send + Sync> = Box::new(no_index());
    let error = TaskError::from_any(boxed);
    assert_eq!(error.causes().count(), 2);
    assert!(
        error.error_type().contains("dyn core::error::Error"),
        "{error:?}"
    );
    assert_eq!(
        TaskError::from_any("no disk"),
        TaskError::new("&str", "no disk")
    );
    let error = TaskError::from_any("token=abcdefgh".to_owned());
    assert_eq!((error.message(), error.causes().count()), ("token=***", 0));
    // One that is one already is passed on.
    let error = TaskError::from_any(no_index());
    assert_eq!(TaskError::from_any(error.clone()), error);
}

#[test]
fn a_long_chain_is_cut() {
    let chain = |length: usize| {
        (0..1_000).fold(Link("root", None), |cause, n| {
            let words = format!("{}{n}", "x".repeat(length));
            link(words.leak(), cause)
        })
    };
    let error = TaskError::from_any(chain(400));
    assert_eq!(error.message().chars().count(), 4_097);
    let causes: usize = error.causes().map(|cause| cause.chars().count()).sum();
    assert!((3_000..4_097).contains(&causes), "{causes}");
    assert!(error.causes().last().unwrap().ends_with('…'));
    assert_eq!(TaskError::from_any(chain(1)).causes().count(), 32);
    // A cause that says nothing is none.
    let silent = link("no index", link("", Link("refused", None)));
    assert_eq!(texts(&TaskError::from_any(silent)), ["no index", "refused"]);
}

#[tokio::test]
async fn a_run_shows_the_root_wherever_it_shows_the_error() {
    let pipeline =
        Pipeline::builder("etl").task("load", [], |_| async { Err::<(), _>(no_index()) });
    let run: RunResult = pipeline.build().unwrap().run().await.unwrap();
    let root = run.get_failed_tasks()[0]
        .error
        .as_ref()
        .unwrap()
        .causes()
        .last();
    assert_eq!(root, Some("connection refused"));
    assert!(run.summary().contains("connection refused"), "{run}");
    let error = run.into_result().unwrap_err().to_string();
    assert!(error.ends_with("connection refused"), "{error}");
}
