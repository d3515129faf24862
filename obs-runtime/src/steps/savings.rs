//! What caches and routers have saved.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::clock::unix_nanos;
use crate::llm::{Cost, Usd};
use crate::lock::lock;
use crate::metrics::snapshot::{Labels, MetricData, MetricFamily, MetricSource, Number};
use crate::metrics::source;
use crate::scope::{self, Extension, Scope};
use crate::semconv::{attribute, metric};

/// What calls would have cost that were spared, or that went to a cheaper route, as the program says it.
///
/// What was paid is in [`LlmTotals`](crate::llm::LlmTotals), which is the net cost: what is saved is not in it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
/// use obs_runtime::llm::{Cost, Usd};
/// use obs_runtime::{cache::Cache, steps::{self, step}, testing};
///
/// let cent = Usd::from_f64(0.01).unwrap();
/// testing::capture_async(async {
///     let cache: Cache<String, usize, String> = Cache::new("answers", Duration::from_secs(60))?;
///     let answer = step("answer", async |question: String| Ok(question.len()))
///         .cached(cache, String::clone)
///         .saving(cent);
///     for _ in 0..3 {
///         let _ = answer.call("why?".to_owned()).await;
///     }
///     let savings = steps::savings();
///     assert_eq!(savings.caches, cent + cent);
///     // What it would have cost without, if a cent was paid.
///     assert_eq!(savings.gross(Cost::exactly(cent)).to_string(), "$0.03");
///     Ok::<(), obs_runtime::Error>(())
/// }).await.value.unwrap();
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Savings {
    /// By calls whose value a cache had.
    pub caches: Usd,
    /// By calls that went to a route that is not the dearest.
    pub routes: Usd,
}

impl Savings {
    /// Returns the sum.
    pub fn total(&self) -> Usd {
        self.caches + self.routes
    }

    /// Returns what it would have cost without caches and routes, from what was paid: the net cost.
    pub fn gross(&self, paid: Cost) -> Cost {
        paid + Cost::exactly(self.total())
    }
}

impl fmt::Display for Savings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "${} saved: ${} by caches, ${} by routes",
            self.total(),
            self.caches,
            self.routes
        )
    }
}

/// Returns what was saved so far in the `Observability` of the entered span, or else the installed one.
pub fn savings() -> Savings {
    let ledger = scope::current().extension::<Ledger>();
    let of = |wanted| {
        let sums = lock(&ledger.0);
        let found = sums.iter().filter(|((_, why), _)| *why == wanted);
        found.map(|(_, sum)| sum.saved).sum()
    };
    Savings {
        caches: of(Why::Cache),
        routes: of(Why::Route),
    }
}

/// By what something was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    Cache,
    Route,
}

#[derive(Debug)]
struct Sum {
    saved: Usd,
    since_unix_nanos: u64,
}

/// The sums by step: whole numbers, which do not drift.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<BTreeMap<(Arc<str>, Why), Sum>>);

impl Extension for Ledger {
    fn attach(self: &Arc<Self>, scope: &Scope) {
        scope.sources.add_own(Arc::<Self>::clone(self));
    }
}

impl MetricSource for Ledger {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let sums = lock(&self.0);
        let points = sums.iter().map(|((step, why), sum)| {
            let reason = match why {
                Why::Cache => "cache",
                Why::Route => "route",
            };
            let labels = Labels::from([(attribute::REASON, reason), (attribute::STEP, &**step)]);
            let saved = Number::F64(sum.saved.as_f64());
            source::point(labels, sum.since_unix_nanos, saved)
        });
        let points = points.collect();
        drop(sums);
        source::push(out, &metric::OBS_STEP_SAVINGS, MetricData::Counter, points);
    }
}

/// Steps whose savings are told apart; those of further ones are one sum.
const MOST: usize = 2_000;

pub(super) fn saved(step: &Arc<str>, why: Why, amount: Usd) {
    let ledger = scope::current().extension::<Ledger>();
    let mut sums = lock(&ledger.0);
    let mut key = (Arc::clone(step), why);
    if sums.len() >= MOST && !sums.contains_key(&key) {
        key.0 = crate::semconv::OTHER.into();
    }
    let sum = sums.entry(key).or_insert_with(|| Sum {
        saved: Usd::ZERO,
        since_unix_nanos: unix_nanos(),
    });
    sum.saved += amount;
}

#[cfg(test)]
#[path = "savings_tests.rs"]
mod tests;
