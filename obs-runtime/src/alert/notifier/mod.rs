//! Where alerts go.

mod log;
mod webhook;

use core::fmt;
use std::time::{Duration, Instant};

use crate::DropReason;
use crate::alert::Alert;

pub(super) use log::Log;
pub(super) use webhook::Webhook;

/// Delivers alerts somewhere; for your own channels.
///
/// A notifier has a thread of its own: it may block, and a slow one delays no other.
///
/// ```
/// use obs_runtime::alert::{Alert, AlertManager, Notifier, NotifyError};
/// use std::time::Instant;
///
/// struct Bell;
///
/// impl Notifier for Bell {
///     fn name(&self) -> &'static str {
///         "bell"
///     }
///
///     fn notify(&mut self, alert: &Alert, _deadline: Instant) -> Result<(), NotifyError> {
///         print!("\u{7}{}", alert.title);
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let alerts = AlertManager::builder().notifier(Bell).build()?;
/// # Ok(())
/// # }
/// ```
pub trait Notifier: Send + 'static {
    /// The notifier's name in [`stats`](crate::alert::AlertManager::stats).
    fn name(&self) -> &'static str;

    /// Delivers one alert, before `deadline` if it can.
    ///
    /// # Errors
    /// When the alert was not delivered; the error says whether another attempt may help.
    fn notify(&mut self, alert: &Alert, deadline: Instant) -> Result<(), NotifyError>;
}

/// Why an alert was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyError {
    pub(super) reason: DropReason,
    pub(super) message: String,
    /// `None` if there is no use in trying again.
    pub(super) retry: Option<Retry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// After the usual pause.
    Backoff,
    /// After the pause that the receiver asked for.
    After(Duration),
}

impl NotifyError {
    /// Another attempt may succeed.
    pub fn temporary(reason: DropReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry: Some(Retry::Backoff),
        }
    }

    /// Every further attempt would fail like this one.
    pub fn permanent(reason: DropReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry: None,
        }
    }
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for NotifyError {}
