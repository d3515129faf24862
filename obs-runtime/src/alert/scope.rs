//! The alert manager of an `Observability`.

use std::sync::{Arc, OnceLock};

use crate::Handle;
use crate::alert::AlertManager;
use crate::metrics::{MetricFamily, MetricSource};
use crate::scope::Extension;
use crate::scope::{self, Scope};

/// The manager that a scope was given, if it was given one.
#[derive(Default)]
struct Alerts {
    manager: OnceLock<AlertManager>,
    /// Whether its account shows what has not happened yet.
    from_zero: OnceLock<bool>,
}

impl Extension for Alerts {
    fn attach(self: &Arc<Self>, scope: &Scope) {
        self.from_zero.get_or_init(|| scope.counts_from_zero());
        scope.sources.add_own(Arc::<Self>::clone(self));
    }
}

/// Adds the account of the scope's manager.
impl MetricSource for Alerts {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        if let Some(manager) = self.manager.get() {
            manager.account(self.from_zero.get().is_some_and(|is| *is), out);
        }
    }
}

fn of(scope: &Scope) -> Option<AlertManager> {
    scope.extension::<Alerts>().manager.get().cloned()
}

/// Gives the scope its manager, once.
pub(super) fn set(scope: &Scope, manager: AlertManager) {
    let _ = scope.extension::<Alerts>().manager.set(manager);
}

/// Returns the manager of the scope that this thread's calls belong to.
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
