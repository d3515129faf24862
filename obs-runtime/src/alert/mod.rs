//! Alerts: messages to people, which are sent from threads of their own.
//!
//! Code, handlers of pipelines and rules make an [`Alert`]; an [`AlertManager`] gives it to every
//! [`Notifier`] and counts what became of it.
//!
//! ```
//! use obs_runtime::alert::{Alert, AlertManager, Severity};
//!
//! # fn main() -> Result<(), obs_runtime::Error> {
//! let alerts = AlertManager::builder().log(true).build()?;
//! alerts.send(
//!     Alert::new(Severity::Critical, "Pipeline etl failed")
//!         .message("Run 42 failed after 3 s")
//!         .detail("task", "load")
//!         .label("pipeline", "etl"),
//! );
//! # Ok(())
//! # }
//! ```

pub(crate) mod builder;
mod event;
mod manager;
mod notifier;
mod outbox;
mod scope;

pub use event::{Alert, IntoDetail, Severity};
pub use manager::{AlertManager, AlertManagerBuilder};
pub use notifier::{Notifier, NotifyError};
#[allow(unused_imports, reason = "used by pipelines")]
pub(crate) use scope::current;
