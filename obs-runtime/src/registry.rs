//! The lists of what is annotated: functions, pipeline tasks, handlers, known before `main` runs.
//!
//! Generated code submits an entry for each annotated item to `inventory`, which runs a constructor
//! for each when the program or a library is loaded. So dashboards can list functions that have never
//! run, and a pipeline finds its tasks. A crate that no path of the program names is not linked, and
//! has no entries: name it (`use my_tasks as _;`).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

pub use crate::callsite::{Callsite, ConstValue, Construct};
use crate::fork::PerProcess;
use crate::lock::lock;

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

/// The callsites that the program has made while it runs, which are never freed.
fn made() -> MutexGuard<'static, Vec<&'static Callsite>> {
    static MADE: PerProcess<Mutex<Vec<&'static Callsite>>> = PerProcess::new(Mutex::default);
    lock(&MADE)
}

/// Adds a callsite that the program has made while it runs.
#[cfg(feature = "steps")]
pub(crate) fn add(site: &'static Callsite) {
    made().push(site);
}

/// Returns the callsites that the program has made so far.
pub(crate) fn made_callsites() -> Vec<&'static Callsite> {
    made().clone()
}

/// Returns the functions that are called like another one of their module, in groups: methods such as
/// `new` of two types.
///
/// No attribute on a method can see the type of its `impl`. So trees call these functions by one name,
/// `code.function.name` is the same, and their calls are counted as one series. `name = "Cart::new"`
/// gives a span a name of its own, and `labels(of = "Cart")` a series: a function whose span has its
/// own name is not here.
///
/// ```standalone_crate
/// mod shop {
///     use obs_runtime::traced;
///
///     pub struct Cart;
///     pub struct Order;
///
///     impl Cart {
///         #[traced]
///         pub fn new() -> Self {
///             Self
///         }
///     }
///
///     impl Order {
///         #[traced]
///         pub fn new() -> Self {
///             Self
///         }
///
///         #[traced(name = "Order::open", labels(of = "Order"))]
///         pub fn open() -> Self {
///             Self
///         }
///     }
/// }
///
/// # (shop::Cart::new(), shop::Order::new(), shop::Order::open());
/// let shared = obs_runtime::registry::shared_names();
/// assert_eq!(shared.len(), 1);
/// assert!(shared[0].iter().all(|site| site.function() == "new"));
/// ```
///
/// In a test it keeps a program free of them: `assert!(registry::shared_names().is_empty())`.
pub fn shared_names() -> Vec<Vec<&'static Callsite>> {
    groups(callsites())
}

fn groups(sites: impl Iterator<Item = &'static Callsite>) -> Vec<Vec<&'static Callsite>> {
    let mut by_name: BTreeMap<_, Vec<&'static Callsite>> = BTreeMap::new();
    // A span is no function, and a part of one may be called like another part.
    let functions = sites.filter(|site| site.construct() != Construct::Span);
    for site in functions {
        let name = (site.module(), site.name());
        by_name.entry(name).or_default().push(site);
    }
    let mut shared: Vec<_> = by_name.into_values().collect();
    for group in &mut shared {
        group.sort_by_key(|site| (site.file(), site.line()));
        // A generic function, or one of a macro, may have several entries.
        group.dedup_by_key(|site| (site.file(), site.line()));
    }
    shared.retain(|group| group.len() > 1);
    shared
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
