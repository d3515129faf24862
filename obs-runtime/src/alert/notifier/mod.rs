//! The interface of notifiers, and the two that obs has: a line on standard error, and a webhook.
//!
//! Each notifier runs on a thread of its own, so it may block. The queue before it, the repetition
//! and the account are not its concern (`outbox.rs`).

mod log;
mod webhook;

use core::fmt;
use std::time::{Duration, Instant};

use crate::alert::Alert;
use crate::self_obs::DropReason;

pub(super) use log::Log;
pub(super) use webhook::Webhook;

/// Delivers alerts to a channel; implement it for channels of your own.
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
    /// Returns the notifier's name in [`stats`](crate::alert::AlertManager::stats).
    fn name(&self) -> &'static str;

    /// Delivers one alert, before `deadline` if it can.
    ///
    /// # Errors
    /// Returns an error when the alert was not delivered; it says whether another attempt may help.
    fn notify(&mut self, alert: &Alert, deadline: Instant) -> Result<(), NotifyError>;
}

/// The reason why an alert was not delivered.
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
    /// Creates the error of an attempt after which another one may succeed.
    pub fn temporary(reason: DropReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry: Some(Retry::Backoff),
        }
    }

    /// Creates the error of an attempt that would fail each time.
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
