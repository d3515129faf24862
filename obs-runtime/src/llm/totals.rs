//! What the calls used and cost together: of the program, and of each recent trace.

use core::fmt;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use crate::clock::unix_nanos;
use crate::llm::price::{Cost, Usd};
use crate::llm::record::CallRecord;
use crate::llm::usage::Usage;
use crate::metrics::snapshot::{Labels, Number, NumberPoint};
use crate::metrics::source::point;
use crate::scope;
use crate::semconv::OTHER;
use crate::semconv::attribute as key;
use crate::trace::TraceId;
use crate::trace::local::local;

/// Sums over model calls.
///
/// It is serialized with its fields. The object of [`to_json`](Self::to_json) is another: it has fewer counts of tokens,
/// and the cost as numbers.
///
/// ```
/// use obs_runtime::llm::LlmTotals;
/// let totals = LlmTotals::default();
/// assert!(totals.cost.is_exact());
/// assert_eq!(totals.to_string(), "0 calls, 0 input and 0 output tokens, $0.00");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LlmTotals {
    /// Calls, failed ones among them.
    pub calls: u64,
    /// Calls that ended in an error, a panic or a cancellation.
    pub failed_calls: u64,
    /// Tokens of all calls that reported them.
    pub usage: Usage,
    /// Attempts of these calls, of which each may have been billed.
    pub attempts: u64,
    /// What all calls cost: exactly, or between two ends.
    pub cost: Cost,
    /// The price tables that the cost is made of, with their dates.
    pub prices: Vec<String>,
    /// The same by model, in the order of provider and model.
    pub by_model: Vec<ModelTotals>,
}

/// Sums over the calls of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ModelTotals {
    /// The provider.
    pub provider: String,
    /// The model that was asked for.
    pub model: String,
    /// Calls, failed ones among them.
    pub calls: u64,
    /// Calls that ended in an error, a panic or a cancellation.
    pub failed_calls: u64,
    /// Tokens of all calls that reported them.
    pub usage: Usage,
    /// Attempts of these calls, of which each may have been billed.
    pub attempts: u64,
    /// What all calls cost: exactly, or between two ends.
    pub cost: Cost,
}

impl Default for LlmTotals {
    fn default() -> Self {
        Self {
            calls: 0,
            failed_calls: 0,
            usage: Usage::default(),
            attempts: 0,
            cost: Cost::ZERO,
            prices: Vec::new(),
            by_model: Vec::new(),
        }
    }
}

/// What the sums of all models and those of one have in common, as JSON.
macro_rules! sums {
    ($of:ident) => {
        serde_json::json!({
            "calls": $of.calls,
            "failed_calls": $of.failed_calls,
            "input_tokens": $of.usage.input_tokens(),
            "output_tokens": $of.usage.output_tokens(),
            "attempts": $of.attempts,
            "cost_usd": $of.cost.at_least.as_f64(),
            "cost_at_most_usd": $of.cost.at_most.map(|usd| usd.as_f64()),
            "cost_reasons": $of.cost.reasons,
        })
    };
}

impl LlmTotals {
    /// Returns the sums of one trace, from the `Observability` of the entered span, or else the
    /// installed one. The last 1,024 recorded traces with model calls are kept; `None` for all
    /// others.
    pub fn for_trace(trace_id: TraceId) -> Option<Self> {
        scope::by_id(local().scope())?
            .extension::<super::LlmState>()
            .totals_for_trace(trace_id)
    }

    /// Returns one JSON object, which has `calls`, `failed_calls`, `input_tokens`, `output_tokens`,
    /// `attempts`, `cost_usd` (at least), `cost_at_most_usd` (`null` if nothing bounds it), `cost_reasons` (empty where
    /// the cost is exact), and the same in `by_model`, an object by the model's name
    /// (`provider/model` where two providers serve a model of the same name).
    pub fn to_json(&self) -> String {
        let by_model: serde_json::Map<_, _> = self
            .by_model
            .iter()
            .map(|m| {
                let twins = self.by_model.iter().filter(|o| o.model == m.model).count();
                let key = match twins {
                    1 => m.model.clone(),
                    _ => format!("{}/{}", m.provider, m.model),
                };
                (key, sums!(m))
            })
            .collect();
        let mut all = sums!(self);
        all["by_model"] = by_model.into();
        all.to_string()
    }
}

/// One line, in which a cost that is not exact has both ends, and the reasons.
impl fmt::Display for LlmTotals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} call{}, {} input and {} output tokens, {}",
            self.calls,
            if self.calls == 1 { "" } else { "s" },
            self.usage.input_tokens().unwrap_or(0),
            self.usage.output_tokens().unwrap_or(0),
            self.cost
        )
    }
}

/// Traces whose sums are kept.
const MAX_TRACES: usize = 1_024;
/// Price tables that are named.
const MAX_TABLES: usize = 16;
/// Models that are told apart; further ones are summed as `_OTHER` (OpenTelemetry's word for it).
const MAX_MODELS: usize = 256;

/// Sums by model, in the order of provider and model; the form that is written to. A sorted list,
/// because a thousand traces keep one each and most hold one or two models: maps would take six
/// times the memory.
#[derive(Debug, Default)]
struct Sums(Vec<Sum>, Vec<Arc<str>>);

/// The sums of one model.
#[derive(Debug)]
struct Sum {
    totals: ModelTotals,
    /// When the first call came of whose cost something is known: before it the cost is not zero, but unknown.
    priced_since: Option<u64>,
}

impl Sums {
    fn find(&self, provider: &str, model: &str) -> Result<usize, usize> {
        let wanted = (provider, model);
        self.0
            .binary_search_by(|Sum { totals, .. }| (&*totals.provider, &*totals.model).cmp(&wanted))
    }

    fn add(&mut self, call: &CallRecord) {
        let (mut provider, mut model) = (&*call.provider, &*call.model);
        let mut place = self.find(provider, model);
        if place.is_err() && self.0.len() >= MAX_MODELS {
            (provider, model) = (OTHER, OTHER);
            place = self.find(provider, model);
        }
        let at = place.unwrap_or_else(|at| {
            let totals = ModelTotals {
                provider: provider.to_owned(),
                model: model.to_owned(),
                calls: 0,
                failed_calls: 0,
                usage: Usage::default(),
                attempts: 0,
                cost: Cost::ZERO,
            };
            let sum = Sum {
                totals,
                priced_since: None,
            };
            self.0.reserve_exact(1);
            self.0.insert(at, sum);
            at
        });
        if call.cost.is_exact() || call.cost.at_least > Usd::ZERO {
            self.0[at].priced_since.get_or_insert_with(unix_nanos);
        }
        for table in &call.tables {
            if !self.1.contains(table) && self.1.len() < MAX_TABLES {
                self.1.push(Arc::clone(table));
            }
        }
        let sum = &mut self.0[at].totals;
        sum.calls += 1;
        sum.failed_calls += u64::from(call.failed());
        sum.attempts += call.attempt_count;
        sum.usage = sum.usage.plus(call.usage.unwrap_or_default());
        sum.cost += call.cost;
    }

    fn totals(&self) -> LlmTotals {
        let by_model: Vec<_> = self.0.iter().map(|sum| sum.totals.clone()).collect();
        let zero = LlmTotals::default();
        let mut totals = by_model.iter().fold(zero, |mut all, m| {
            all.calls += m.calls;
            all.failed_calls += m.failed_calls;
            all.usage = all.usage.plus(m.usage);
            all.attempts += m.attempts;
            all.cost += m.cost;
            all
        });
        totals.by_model = by_model;
        totals.prices = self.1.iter().map(ToString::to_string).collect();
        totals
    }
}

/// The sums of one `Observability`.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    all: Sums,
    traces: HashMap<TraceId, Sums>,
    /// The traces from the oldest to the newest.
    order: VecDeque<TraceId>,
}

impl Ledger {
    pub(crate) fn add(&mut self, trace: Option<TraceId>, call: &CallRecord) {
        self.all.add(call);
        let Some(trace) = trace else {
            return;
        };
        if !self.traces.contains_key(&trace) {
            if self.order.len() == MAX_TRACES
                && let Some(oldest) = self.order.pop_front()
            {
                self.traces.remove(&oldest);
            }
            self.order.push_back(trace);
        }
        self.traces.entry(trace).or_default().add(call);
    }

    pub(crate) fn totals(&self) -> LlmTotals {
        self.all.totals()
    }

    /// Returns what each model has cost at least, as points of a counter.
    pub(crate) fn costs(&self) -> Vec<NumberPoint> {
        let points = self.all.0.iter().filter_map(|sum| {
            let totals = &sum.totals;
            let labels = Labels::from([
                (key::GEN_AI_PROVIDER_NAME, &totals.provider),
                (key::GEN_AI_REQUEST_MODEL, &totals.model),
            ]);
            let cost = Number::F64(totals.cost.at_least.as_f64());
            Some(point(labels, sum.priced_since?, cost))
        });
        points.collect()
    }

    pub(crate) fn for_trace(&self, trace: TraceId) -> Option<LlmTotals> {
        self.traces.get(&trace).map(Sums::totals)
    }
}

#[cfg(test)]
#[path = "totals_tests.rs"]
mod tests;
