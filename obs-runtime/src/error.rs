//! The one error type of obs.

use core::fmt;

/// Why something could not be set up, started or flushed.
///
/// The text names the input, what was expected and what to do. Recording calls never return
/// it: at run time telemetry counts what it loses instead (`Observability::stats`).
pub struct Error {
    kind: ErrorKind,
    message: String,
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
        }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Whether an argument or an environment variable was not usable.
    pub fn is_config(&self) -> bool {
        self.kind == ErrorKind::Config
    }

    /// Whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.kind == ErrorKind::Timeout
    }

    /// Whether the receiving side failed or could not be reached.
    pub fn is_export(&self) -> bool {
        self.kind == ErrorKind::Export
    }

    /// Whether a pipeline cannot be run as it is written.
    pub fn is_pipeline(&self) -> bool {
        self.kind == ErrorKind::Pipeline
    }

    /// Whether an instrument's definition is not valid or clashes with another.
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

impl core::error::Error for Error {}
