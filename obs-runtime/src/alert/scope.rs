//! The alert manager of an `Observability`.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Handle;
use crate::alert::AlertManager;
use crate::metrics::{MetricFamily, MetricSource};
use crate::scope::Extension;
use crate::scope::{self, Scope};

#[derive(Default)]
struct Alerts(Mutex<Option<AlertManager>>);

impl Extension for Alerts {
    fn attach(self: &Arc<Self>, scope: &Scope) {
        scope
            .sources
            .add_own(Arc::clone(self) as Arc<dyn MetricSource>);
    }
}

/// The account of the scope's manager.
impl MetricSource for Alerts {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let manager = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(manager) = manager {
            manager.collect(out);
        }
    }
}

fn of(scope: &Scope) -> Option<AlertManager> {
    let alerts: Arc<Alerts> = scope.extension();
    let alerts = alerts.0.lock().unwrap_or_else(PoisonError::into_inner);
    alerts.clone()
}

/// Gives the scope its manager.
pub(super) fn set(scope: &Scope, manager: AlertManager) {
    let alerts: Arc<Alerts> = scope.extension();
    let mut alerts = alerts.0.lock().unwrap_or_else(PoisonError::into_inner);
    *alerts = Some(manager);
}

/// The manager of the scope that this thread's calls belong to.
#[allow(dead_code, reason = "used by pipelines")]
pub(crate) fn current() -> Option<AlertManager> {
    of(&scope::current())
}

impl Handle {
    /// Returns the manager that [`Builder::alerts`](crate::Builder::alerts) was given.
    pub fn alerts(&self) -> Option<AlertManager> {
        of(&self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Alert, Severity};
    use crate::metrics::{MetricData, MetricsCollector};

    #[test]
    fn a_scope_has_its_manager_and_its_account() {
        let scope = Scope::new(7, Vec::new(), MetricsCollector::new());
        assert!(of(&scope).is_none());
        let manager = AlertManager::builder().log(true).build().unwrap();
        set(&scope, manager.clone());
        of(&scope).unwrap().send(Alert::new(Severity::Info, "test"));
        manager.flush(core::time::Duration::from_secs(60)).unwrap();
        let mut families = Vec::new();
        scope.collect(&mut families);
        let alerts = families.iter().find(|f| f.name == "obs.alerts").unwrap();
        let MetricData::Counter(points) = &alerts.data else {
            panic!("{alerts:?}")
        };
        assert_eq!(points[0].value.as_f64().to_bits(), 1f64.to_bits());
    }
}
