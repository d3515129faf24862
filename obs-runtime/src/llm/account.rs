//! The account of one `Observability`: tokens, costs, metrics.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::llm::call::{LlmCall, VectorOp};
use crate::llm::price::{Pricer, Prices, Unpriced, Usd, warm_up};
use crate::llm::totals::{Entry, Ledger, LlmTotals};
use crate::llm::usage::Usage;
use crate::lock::{lock, read, write};
use crate::metrics::snapshot::{MetricData, MetricFamily, MetricSource};
use crate::metrics::{BoundUpDownCounter, MetricsCollector, source};
use crate::scope::{Extension, Scope};
use crate::semconv::{MetricDef, attribute as key, metric};
use crate::trace::measured::End;
use crate::{SpanContext, trace::TraceId};

/// Tokens, costs and metrics of one `Observability`.
#[derive(Debug, Default)]
pub(crate) struct LlmState {
    pricer: RwLock<Pricer>,
    ledger: Mutex<Ledger>,
    /// The scope's, where the instruments of calls are.
    metrics: OnceLock<MetricsCollector>,
    /// Models whose missing price was reported on standard error.
    warned: Mutex<HashSet<String>>,
}

/// Labels by name; an empty value is no label.
type Labels<'a> = Vec<(&'static str, &'a str)>;

/// Most models that are warned of.
const MAX_WARNINGS: usize = 100;

impl Extension for LlmState {
    fn attach(self: &Arc<Self>, scope: &Scope) {
        self.metrics.get_or_init(|| scope.metrics.clone());
        scope.sources.add_own(Arc::<Self>::clone(self));
    }
}

/// The counter `obs.llm.cost`: from the ledger, because its sums are exact.
impl MetricSource for LlmState {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let costs = lock(&self.ledger).costs();
        source::push(out, &metric::OBS_LLM_COST, MetricData::Counter, costs);
    }
}

impl LlmState {
    /// Takes the user's prices, and reads the price list ahead of the first call.
    pub(crate) fn configure(&self, prices: Prices) {
        *write(&self.pricer) = Pricer::new(prices);
        if crate::registry::callsites()
            .any(|site| site.construct() == crate::callsite::Construct::LlmCall)
        {
            warm_up();
        }
    }

    fn metrics(&self) -> &MetricsCollector {
        self.metrics.get_or_init(MetricsCollector::new)
    }

    pub(crate) fn totals(&self) -> LlmTotals {
        lock(&self.ledger).totals()
    }

    pub(crate) fn totals_for_trace(&self, trace: TraceId) -> Option<LlmTotals> {
        lock(&self.ledger).for_trace(trace)
    }

    /// Takes a finished model call; returns its price.
    pub(crate) fn llm_call(
        &self,
        call: &LlmCall,
        context: Option<SpanContext>,
    ) -> Result<Usd, Unpriced> {
        let cost = self.cost(call);
        if let Err(reason) = cost {
            self.warn(call, reason);
        }
        let entry = Entry {
            provider: &call.provider,
            model: &call.model,
            failed: call.end != End::Ok,
            usage: call.response.usage,
            cost: cost.unwrap_or_default(),
            complete: cost.is_ok(),
        };
        lock(&self.ledger).add(context.map(|context| context.trace_id()), &entry);
        self.llm_metrics(call, context, cost);
        cost
    }

    /// Returns the number of calls like this one that run: 1 more when it begins, 1 less when it ends.
    pub(crate) fn active(&self, call: &LlmCall) -> Option<BoundUpDownCounter> {
        let labels = [
            (key::GEN_AI_PROVIDER_NAME, &*call.provider),
            (key::GEN_AI_REQUEST_MODEL, &*call.model),
        ];
        self.metrics().up_down(&metric::OBS_LLM_ACTIVE, &labels)
    }

    fn cost(&self, call: &LlmCall) -> Result<Usd, Unpriced> {
        if let Some(usd) = call.response.cost_usd {
            return Usd::from_f64(usd).ok_or(Unpriced::InvalidUsage);
        }
        let Some(usage) = &call.response.usage else {
            return match call.end {
                // Providers charge nothing for a request that they refuse.
                End::Failed(_) | End::Panicked => Ok(Usd::ZERO),
                End::Cancelled => Err(Unpriced::Cancelled),
                End::Ok => Err(Unpriced::NoUsage),
            };
        };
        let pricer = read(&self.pricer);
        let answered = call.response.model.as_deref();
        pricer.price(&call.provider, &call.model, answered, usage)
    }

    /// Says once of each model that its cost is missing.
    fn warn(&self, call: &LlmCall, reason: Unpriced) {
        let (what, remedy) = match reason {
            Unpriced::UnknownModel => (
                "has no known price",
                "set one with `Prices::price` on the builder",
            ),
            Unpriced::NoUsage => (
                "was called without reporting tokens",
                "give them with `usage = |out| …` or `LlmCall::usage`",
            ),
            Unpriced::InvalidUsage => (
                "reported tokens or a cost that cannot be",
                "cached tokens are part of the input tokens: see `Usage::cached_apart`",
            ),
            // What an abandoned call used cannot be known: counting it is all.
            Unpriced::Cancelled => return,
        };
        let name = format!("{}/{}", call.provider, call.model);
        let mut warned = lock(&self.warned);
        let new =
            warned.len() < MAX_WARNINGS && warned.insert(format!("{name} {}", reason.as_str()));
        drop(warned);
        if new {
            crate::self_log::once(format!(
                "the model {name} {what}: its cost is missing from the sums; {remedy}"
            ));
        }
    }

    fn llm_metrics(
        &self,
        call: &LlmCall,
        context: Option<SpanContext>,
        cost: Result<Usd, Unpriced>,
    ) {
        // The call's span is the example of its values.
        let _inside = context.as_ref().map(SpanContext::attach);
        let metrics = self.metrics();
        let answered = call.response.model.as_deref().unwrap_or("");
        let client: Labels<'_> = vec![
            (key::GEN_AI_OPERATION_NAME, &*call.operation),
            (key::GEN_AI_PROVIDER_NAME, &*call.provider),
            (key::GEN_AI_REQUEST_MODEL, &*call.model),
            (key::GEN_AI_RESPONSE_MODEL, answered),
        ];
        let kind = Kind::of(&call.operation);
        if let Some(duration) = call.duration {
            let labels = with(&client, (key::ERROR_TYPE, call.end.error_type()));
            metrics.observe(kind.duration(), &labels, duration.as_secs_f64());
        }
        if let Some(first) = call.time_to_first_chunk
            && kind == Kind::Inference
        {
            let def = &metric::GEN_AI_INFERENCE_TIME_TO_FIRST_CHUNK;
            metrics.observe(def, &client, first.as_secs_f64());
        }
        if let Some(usage) = &call.response.usage {
            self.token_metrics(kind, usage, &client);
        }
        if let Err(reason) = cost {
            let labels = [
                (key::GEN_AI_PROVIDER_NAME, &*call.provider),
                (key::GEN_AI_REQUEST_MODEL, &*call.model),
                (key::REASON, reason.as_str()),
            ];
            metrics.count(&metric::OBS_LLM_UNPRICED, &labels, 1);
        }
    }

    /// Counts tokens by their kind, and observes how many each call has.
    fn token_metrics(&self, kind: Kind, usage: &Usage, client: &Labels<'_>) {
        let metrics = self.metrics();
        let observe = |def, tokens: Option<u64>| {
            if let Some(tokens) = tokens {
                metrics.observe(def, client, tokens as f64);
            }
        };
        match kind {
            Kind::Embeddings => {
                observe(
                    &metric::GEN_AI_EMBEDDINGS_INPUT_TOKENS,
                    usage.input_tokens(),
                );
            }
            Kind::Inference => {
                observe(&metric::GEN_AI_INFERENCE_INPUT_TOKENS, usage.input_tokens());
                observe(
                    &metric::GEN_AI_INFERENCE_OUTPUT_TOKENS,
                    usage.output_tokens(),
                );
                // Providers' sums do not tell modalities apart.
                let sums = with(client, (key::GEN_AI_TOKEN_MODALITY, "unknown"));
                // The sums always, the parts only where there are any.
                let part = |tokens: Option<u64>| tokens.filter(|tokens| *tokens > 0);
                for (def, tokens) in [
                    (&metric::GEN_AI_USAGE_INPUT_TOKENS, usage.input_tokens()),
                    (&metric::GEN_AI_USAGE_OUTPUT_TOKENS, usage.output_tokens()),
                    (
                        &metric::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
                        part(usage.cache_read_tokens()),
                    ),
                    (
                        &metric::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
                        part(usage.cache_write_tokens()),
                    ),
                    (
                        &metric::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
                        part(usage.reasoning_tokens()),
                    ),
                ] {
                    if let Some(tokens) = tokens {
                        metrics.count(def, &sums, tokens);
                    }
                }
            }
            Kind::Other => {}
        }
    }

    /// Takes a finished operation of a vector store.
    pub(crate) fn vector_op(&self, op: &VectorOp, context: Option<SpanContext>) {
        if let Some(duration) = op.duration {
            let labels = [
                (key::DB_SYSTEM_NAME, &*op.system),
                (key::DB_OPERATION_NAME, &*op.operation),
                (key::DB_COLLECTION_NAME, &*op.collection),
                (key::ERROR_TYPE, op.end.error_type()),
            ];
            // The operation's span is the example of its duration.
            let _inside = context.as_ref().map(SpanContext::attach);
            let def = &metric::DB_CLIENT_OPERATION_DURATION;
            self.metrics().observe(def, &labels, duration.as_secs_f64());
        }
    }
}

fn with<'a>(labels: &Labels<'a>, more: (&'static str, &'a str)) -> Labels<'a> {
    labels.iter().copied().chain([more]).collect()
}

/// Which metrics an operation has (GenAI metrics).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Inference,
    Embeddings,
    Other,
}

impl Kind {
    pub(crate) fn of(operation: &str) -> Self {
        match operation {
            "chat" | "generate_content" | "text_completion" => Self::Inference,
            "embeddings" => Self::Embeddings,
            _ => Self::Other,
        }
    }

    const fn duration(self) -> &'static MetricDef {
        match self {
            Self::Inference => &metric::GEN_AI_INFERENCE_DURATION,
            Self::Embeddings => &metric::GEN_AI_EMBEDDINGS_DURATION,
            Self::Other => &metric::GEN_AI_OPERATION_DURATION,
        }
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
