//! Alerts as lines on standard error.

use std::io::Write as _;
use std::time::Instant;

use super::{Notifier, NotifyError};
use crate::alert::Alert;
use crate::self_obs::DropReason;

/// Writes each alert as one line.
#[derive(Debug)]
pub(in crate::alert) struct Log;

impl Notifier for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn notify(&mut self, alert: &Alert, _: Instant) -> Result<(), NotifyError> {
        // One write, so that lines of other threads do not mix with it.
        let line = format!("obs: alert: {alert}\n");
        std::io::stderr()
            .write_all(line.as_bytes())
            .map_err(|error| {
                NotifyError::permanent(
                    DropReason::Unreachable,
                    format!("standard error cannot be written: {error}"),
                )
            })
    }
}
