//! The lists of what is annotated: functions, pipeline tasks, handlers, known before `main` runs.
//!
//! Generated code submits an entry for each annotated item to `inventory`, which runs a constructor
//! for each when the program or a library is loaded. So dashboards can list functions that have never
//! run, and a pipeline finds its tasks. A crate that no path of the program names is not linked, and
//! has no entries: name it (`use my_tasks as _;`).

pub use crate::callsite::{Callsite, ConstValue, Construct};

/// The entry of an annotated function.
#[doc(hidden)]
#[derive(Debug)]
pub struct CallsiteEntry(pub &'static Callsite);

inventory::collect!(CallsiteEntry);

/// Submits an entry when the program or library is loaded. It is a macro of this crate, so that
/// generated code needs no dependency of the user's on `inventory`.
#[doc(hidden)]
#[macro_export]
macro_rules! __obs_submit {
    ($entry:expr) => {
        $crate::private::inventory::submit! { $entry }
    };
}

/// Submits a callsite; where recording is compiled out it submits nothing.
#[cfg(any(feature = "record", test))]
#[doc(hidden)]
#[macro_export]
macro_rules! __obs_register {
    ($site:expr) => {
        $crate::__obs_submit! { $crate::private::CallsiteEntry($site) }
    };
}

/// Submits nothing.
#[cfg(not(any(feature = "record", test)))]
#[doc(hidden)]
#[macro_export]
macro_rules! __obs_register {
    ($site:expr) => {};
}

/// Returns every annotated function that is linked into the program, called or not.
///
/// A crate that no path of the program names is not linked at all: name it
/// (`use my_tasks as _;`) to have its functions here. Without the feature `record` there are none.
///
/// ```
/// for site in obs_runtime::registry::callsites() {
///     println!("{}::{}", site.module(), site.function());
/// }
/// ```
pub fn callsites() -> impl Iterator<Item = &'static Callsite> {
    inventory::iter::<CallsiteEntry>
        .into_iter()
        .map(|entry| entry.0)
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
