//! What the error of a client says of the provider.

use core::time::Duration;

use crate::llm::attempt::proves_refusal;

/// An error of a client, which knows what the provider answered.
///
/// `#[llm_call]` finds it at compile time where the call returns a `Result` with such an error, and no `refused` says
/// otherwise: the last attempt has this status and pause then, and is free if the provider refused it. obs implements it
/// for the errors of reqwest and reqwest-middleware (feature `reqwest`), async-openai, genai and rig (features of their
/// names). What a client repeats by itself before it fails is seen by a layer below it alone.
///
/// ```
/// use obs_runtime::llm::ProviderError;
/// use obs_runtime::llm_call;
///
/// #[derive(Debug)]
/// struct Failed(u16);
///
/// impl ProviderError for Failed {
///     fn status(&self) -> Option<u16> {
///         Some(self.0)
///     }
/// }
///
/// #[llm_call(provider = "openai", model = "gpt-4o-mini")]
/// fn ask() -> Result<String, Failed> {
///     Err(Failed(429))
/// }
///
/// # let obs = obs_runtime::Observability::builder().install().unwrap();
/// ask().unwrap_err();
/// assert_eq!(obs.llm_totals().cost.to_string(), "$0.00");
/// ```
pub trait ProviderError {
    /// Returns the status of the HTTP response, if there was one.
    fn status(&self) -> Option<u16>;

    /// Returns how long the provider asked to wait before the next request.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// Returns whether this proves that the provider did not work on the request, and so charges nothing: by default if
    /// the status is `4xx`, but not `408` or `499`.
    fn is_refusal(&self) -> bool {
        self.status().is_some_and(proves_refusal)
    }

    /// Returns whether this proves that the request never reached the provider: nobody could be connected to, a key is
    /// missing, the request cannot be written. What was asked before it in the same call is another matter.
    fn is_unsent(&self) -> bool {
        false
    }
}

/// What an error proves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    pub(crate) refused: bool,
    pub(crate) unsent: bool,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
}

impl From<bool> for Failure {
    fn from(refused: bool) -> Self {
        Self {
            refused,
            ..Self::default()
        }
    }
}

impl Failure {
    /// What the error itself says.
    pub(crate) fn of(error: &impl ProviderError) -> Self {
        Self {
            refused: error.is_refusal(),
            unsent: error.is_unsent(),
            status: error.status(),
            retry_after: error.retry_after(),
        }
    }
}

#[cfg(any(feature = "reqwest", feature = "async-openai", feature = "genai"))]
impl ProviderError for ::reqwest::Error {
    fn status(&self) -> Option<u16> {
        Self::status(self).map(|status| status.as_u16())
    }

    fn is_unsent(&self) -> bool {
        self.is_connect() || self.is_builder()
    }
}

#[cfg(feature = "reqwest")]
impl ProviderError for ::reqwest_middleware::Error {
    fn status(&self) -> Option<u16> {
        Self::status(self).map(|status| status.as_u16())
    }

    fn is_unsent(&self) -> bool {
        match self {
            Self::Reqwest(error) => error.is_unsent(),
            Self::Middleware(_) => false,
        }
    }
}

#[cfg(all(test, feature = "reqwest"))]
#[path = "failure_tests.rs"]
mod tests;
