//! The error of a task: its type, its text and what caused it, without secrets.
//!
//! It outlives the typed error, which ends with its attempt, and is stored, shown and sent.

use core::any::{Any, type_name};
use core::error::Error;
use core::fmt;
use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::causes::WithCauses;
use crate::trace::SpanError;
use crate::trace::local::{redact, redact_kept};

/// The reason why a task did not succeed.
///
/// It keeps the chain of causes that the error of the task had by
/// [`source`](core::error::Error::source): at most 32 of them, with 4,096 characters in all. As text
/// it is the words of the error alone; in the alternate form (`{:#}`) those of its causes follow, as
/// [`message`](Self::message) has them.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use obs_runtime::pipeline::Pipeline;
///
/// #[derive(Debug)]
/// struct NoPrices(std::num::ParseIntError);
///
/// impl std::fmt::Display for NoPrices {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str("no prices")
///     }
/// }
///
/// impl std::error::Error for NoPrices {
///     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
///         Some(&self.0)
///     }
/// }
///
/// let pipeline = Pipeline::builder("shop").task("load", [], |_| async {
///     "many".parse::<u32>().map_err(NoPrices)
/// });
/// let run = pipeline.build()?.run().await?;
/// let error = run.task_results["load"].error.as_ref().unwrap();
/// assert_eq!(error.to_string(), "no prices");
/// assert_eq!(error.message(), "no prices: invalid digit found in string");
/// assert_eq!(error.causes().collect::<Vec<_>>(), ["invalid digit found in string"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskError {
    #[serde(rename = "error_type")]
    pub(crate) kind: Cow<'static, str>,
    message: Cow<'static, str>,
    /// Where the words of the error itself end in the message.
    #[serde(skip)]
    own: usize,
    #[serde(
        rename = "causes",
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_list"
    )]
    source: Option<Box<Cause>>,
}

/// The text of an error that caused another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cause {
    text: Box<str>,
    source: Option<Box<Self>>,
}

impl TaskError {
    pub(crate) fn new(
        kind: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = match message.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text),
            // Summaries and alerts show the text, so secrets are masked before it is stored.
            Cow::Owned(text) => redact(&text).into_owned().into(),
        };
        Self {
            kind: redact_kept(kind.into()),
            own: message.len(),
            message,
            source: None,
        }
    }

    /// The error of a returned value: its text is redacted already, and the type's name if it has none.
    pub(crate) fn of(error: SpanError) -> Self {
        let message = match error.message {
            Some(text) => text.into(),
            None => error.kind.clone(),
        };
        let mut links = error.chain.iter();
        let own = links.next().and_then(|link| Some(link.words.as_ref()?.end));
        let words = links.filter_map(|link| message.get(link.words.clone()?));
        let words: Vec<&str> = words.collect();
        let source = words.into_iter().rev().fold(None, |source, words| {
            let text = words.into();
            Some(Box::new(Cause { text, source }))
        });
        Self {
            kind: error.kind,
            own: own.unwrap_or(message.len()),
            message,
            source,
        }
    }

    /// Passes a [`TaskError`] on as it is, and makes one of any other error.
    pub(crate) fn from_any<E>(error: E) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        if let Some(error) = (&error as &dyn Any).downcast_ref::<Self>() {
            return error.clone();
        }
        let error: Box<dyn Error + Send + Sync> = error.into();
        let (message, chain) = WithCauses::of(&*error).redacted(redact);
        let mut said = SpanError::new(type_name::<E>(), Some(message));
        said.chain = chain;
        Self::of(said)
    }

    /// Returns the type of the error, as the attribute `error.type` has it.
    ///
    /// It is a type's path, or one of `panic`, `timeout`, `deadline`, `run_deadline`,
    /// `queue_timeout`, `items`, `crashed` and `cancelled`.
    pub fn error_type(&self) -> &str {
        &self.kind
    }

    /// Returns the text of the error and of what caused it, as `outer: middle: inner`, in which
    /// secrets are masked.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the texts of the errors that caused it, the nearest first and the root last.
    pub fn causes(&self) -> impl Iterator<Item = &str> {
        let first = self.source.as_deref();
        core::iter::successors(first, |cause| cause.source.as_deref()).map(|cause| &*cause.text)
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = if f.alternate() {
            None
        } else {
            self.message.get(..self.own)
        };
        f.write_str(own.unwrap_or(&self.message))
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}

#[allow(
    clippy::borrowed_box,
    clippy::ref_option,
    reason = "serde hands the field as it is"
)]
fn as_list<S: Serializer>(source: &Option<Box<Cause>>, serializer: S) -> Result<S::Ok, S::Error> {
    let causes = core::iter::successors(source.as_deref(), |cause| cause.source.as_deref());
    serializer.collect_seq(causes.map(|cause| &cause.text))
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
