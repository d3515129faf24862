//! The alert manager of an `Observability`.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Observability;
use crate::alert::AlertManager;
use crate::init::{ScopeShared, current_scope};
use crate::metrics::{MetricFamily, MetricSource};

#[derive(Default)]
struct Alerts(Mutex<Option<AlertManager>>);

fn of(scope: &ScopeShared) -> Option<AlertManager> {
    let alerts: Arc<Alerts> = scope.extension();
    let alerts = alerts.0.lock().unwrap_or_else(PoisonError::into_inner);
    alerts.clone()
}

/// Gives the scope its manager.
pub(crate) fn set(scope: &ScopeShared, manager: AlertManager) {
    let alerts: Arc<Alerts> = scope.extension();
    let mut alerts = alerts.0.lock().unwrap_or_else(PoisonError::into_inner);
    *alerts = Some(manager);
}

/// The manager of the scope that this thread's calls belong to.
#[allow(dead_code, reason = "used by pipelines")]
pub(crate) fn current() -> Option<AlertManager> {
    of(&current_scope())
}

/// Appends the account of the scope's manager.
pub(crate) fn collect(scope: &ScopeShared, out: &mut Vec<MetricFamily>) {
    if let Some(manager) = of(scope) {
        manager.collect(out);
    }
}

impl Observability {
    /// The manager that [`Builder::alerts`](crate::Builder::alerts) was given.
    pub fn alerts(&self) -> Option<AlertManager> {
        of(self.scope())
    }
}
