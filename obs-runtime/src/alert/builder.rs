//! The alert manager as a part of an `Observability`.

use crate::Error;
use crate::alert::{AlertManager, scope};
use crate::init::Builder;
use crate::init::component::{Component, Startup};

/// The manager, if the program has one.
#[derive(Default)]
pub(crate) struct Alerting {
    manager: Option<AlertManager>,
}

impl Component for Alerting {
    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        if let Some(manager) = self.manager.take() {
            scope::set(&startup.scope, manager);
        }
        Ok(())
    }
}

impl Builder {
    /// Sets where alerts of handlers and rules go, and whose account is among the metrics.
    pub fn alerts(mut self, alerts: AlertManager) -> Self {
        self.component::<Alerting>().manager = Some(alerts);
        self
    }

    /// Returns whether it was given a manager.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn has_alerts(&mut self) -> bool {
        self.component::<Alerting>().manager.is_some()
    }
}
