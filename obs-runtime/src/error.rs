//! The one error type of obs.

use core::fmt;
use std::error::Error as StdError;

/// Why something could not be set up, started or flushed.
///
/// The text names the input, what was expected and what to do; [`source`](std::error::Error::source) is the error
/// of a library or of the system that it comes from, if there is one. What kind of error it is, the methods say:
/// there is one type, so that a new kind breaks nobody. Recording calls never return it: at run time telemetry
/// counts what it loses instead ([`Stats`](crate::stats::Stats)).
///
/// ```
/// use obs_runtime::metrics::MetricsCollector;
///
/// let error = MetricsCollector::new().counter("2 rows").build().unwrap_err();
/// assert!(error.is_metric());
/// assert!(error.to_string().contains("2 rows"));
/// ```
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// What was not delivered, if it is that.
    undelivered: Option<Box<Undelivered>>,
}

/// What one exporter could not deliver: several that fail in one way make one sentence.
#[derive(Clone)]
pub(crate) struct Undelivered {
    /// The exporter, with its receiver.
    pub(crate) to: String,
    /// How much of what, such as `3 spans`.
    pub(crate) items: String,
    /// Why, and what helps.
    pub(crate) cause: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// A builder argument or environment variable that cannot be used.
    Config,
    /// Already there, or not there.
    State,
    /// The other side did not answer as it should.
    Export,
    /// Not finished within its deadline.
    Timeout,
    /// A pipeline that cannot be run as it is written.
    Pipeline,
    /// An instrument whose definition clashes or is not valid.
    Metric,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            undelivered: None,
        }
    }

    /// Says that something was not delivered.
    #[allow(dead_code, reason = "used by the feature otlp")]
    pub(crate) fn undelivered(undelivered: Undelivered) -> Self {
        let Undelivered { to, items, cause } = &undelivered;
        let message = format!("{to}: {items} could not be delivered: {cause}");
        Self {
            undelivered: Some(Box::new(undelivered)),
            ..Self::new(ErrorKind::Export, message)
        }
    }

    /// Returns several errors as one: a timeout if each is one. `None` if there are none.
    pub(crate) fn join(errors: Vec<Self>) -> Option<Self> {
        let is_timeout = !errors.is_empty() && errors.iter().all(Self::is_timeout);
        let kind = if is_timeout {
            ErrorKind::Timeout
        } else {
            ErrorKind::Export
        };
        let mut all: Vec<Self> = Vec::new();
        for error in errors {
            let same = error.undelivered.as_deref().and_then(|new| {
                let others = all
                    .iter_mut()
                    .filter_map(|e| Some((e.undelivered.clone()?, e)));
                let mut alike = others.filter(|(o, _)| o.to == new.to && o.cause == new.cause);
                alike.next().map(|(mut other, error)| {
                    other.items = format!("{}, {}", other.items, new.items);
                    *error = Self::undelivered(*other);
                })
            });
            if same.is_none() {
                all.push(error);
            }
        }
        if all.is_empty() {
            return None;
        }
        let texts: Vec<String> = all.iter().map(Self::to_string).collect();
        Some(Self::new(kind, texts.join("; ")))
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Keeps the error that this one comes from.
    #[must_use]
    #[allow(dead_code, reason = "every use is behind a feature")]
    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns whether an argument or an environment variable cannot be used.
    ///
    /// ```
    /// use obs_runtime::{Observability, Sampler};
    ///
    /// let error = Observability::builder().sampler(Sampler::ratio(1.5)).install().unwrap_err();
    /// assert!(error.is_config());
    /// ```
    pub fn is_config(&self) -> bool {
        self.kind == ErrorKind::Config
    }

    /// Returns whether the process is not in the state that the call needs: obs is installed already, or the
    /// system gives no more threads.
    ///
    /// ```standalone_crate
    /// use obs_runtime::Observability;
    ///
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let _obs = Observability::builder().install()?;
    /// let error = Observability::builder().install().unwrap_err();
    /// assert!(error.is_state());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_state(&self) -> bool {
        self.kind == ErrorKind::State
    }

    /// Returns whether a deadline passed.
    ///
    /// ```
    /// # fn flush(obs: &obs_runtime::Handle) {
    /// if obs.force_flush().is_err_and(|error| error.is_timeout()) {
    ///     eprintln!("the receiver is slow: {}", obs.stats());
    /// }
    /// # }
    /// ```
    pub fn is_timeout(&self) -> bool {
        self.kind == ErrorKind::Timeout
    }

    /// Returns whether the receiving side failed or could not be reached.
    ///
    /// ```
    /// # fn flush(obs: &obs_runtime::Handle) {
    /// if obs.force_flush().is_err_and(|error| error.is_export()) {
    ///     eprintln!("nothing was taken: {:?}", obs.health());
    /// }
    /// # }
    /// ```
    pub fn is_export(&self) -> bool {
        self.kind == ErrorKind::Export
    }

    /// Returns whether a pipeline cannot be run as it is written.
    ///
    /// ```
    /// # #[cfg(feature = "pipeline")] {
    /// let error = obs_runtime::pipeline::Pipeline::named("no_task_names_it").unwrap_err();
    /// assert!(error.is_pipeline());
    /// # }
    /// ```
    pub fn is_pipeline(&self) -> bool {
        self.kind == ErrorKind::Pipeline
    }

    /// Returns whether an instrument's definition is not valid or clashes with another.
    ///
    /// ```
    /// use obs_runtime::metrics::MetricsCollector;
    ///
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let collector = MetricsCollector::new();
    /// collector.counter("rows").build()?;
    /// assert!(collector.gauge("rows").build().unwrap_err().is_metric());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_metric(&self) -> bool {
        self.kind == ErrorKind::Metric
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

// `fn main() -> Result<(), obs_runtime::Error>` prints the Debug form: make it readable.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
