//! The account of one `Observability`: tokens, costs, metrics.

use core::fmt;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::guarded::guarded;
use crate::llm::call::{LlmCall, VectorOp};
use crate::llm::price::{Cost, Pricer, Prices, Reason, warm_up};
use crate::llm::record::CallRecord;
use crate::llm::stall::Stalled;
use crate::llm::totals::{Ledger, LlmTotals};
use crate::llm::unasked;
use crate::llm::usage::Usage;
use crate::lock::{lock, read, write};
use crate::metrics::snapshot::{MetricData, MetricFamily, MetricSource};
use crate::metrics::{BoundUpDownCounter, MetricsCollector, source};
use crate::scope::{Extension, Scope};
use crate::semconv::{INFERENCE, MetricDef, OTHER, attribute as key, metric};
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
    /// Who wants to see each call that has ended.
    listeners: RwLock<Vec<Listener>>,
}

/// Sees each model call that has ended.
pub(crate) struct Listener(pub(crate) Arc<dyn Fn(&CallRecord) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// What is said of a report that belongs to no call.
const OUTSIDE: &str = "an answer was reported outside of any model call, so its provider and price are not known: report \
    it in the body of an `#[llm_call]`, and take the call along to a task with `in_current_span()`, or to a thread with \
    `llm::RunningCall::current()`";

/// `Too Many Requests`.
const RATE_LIMITED: u16 = 429;

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

    pub(crate) fn metrics(&self) -> &MetricsCollector {
        self.metrics.get_or_init(MetricsCollector::new)
    }

    pub(crate) fn totals(&self) -> LlmTotals {
        lock(&self.ledger).totals()
    }

    pub(crate) fn totals_for_trace(&self, trace: TraceId) -> Option<LlmTotals> {
        lock(&self.ledger).for_trace(trace)
    }

    /// Takes a finished model call; returns what is known of it.
    pub(crate) fn llm_call(&self, call: LlmCall, context: Option<SpanContext>) -> CallRecord {
        let record = CallRecord::of(call, &read(&self.pricer));
        self.warn(&record);
        lock(&self.ledger).add(context.map(|context| context.trace_id()), &record);
        self.llm_metrics(&record, context);
        // They may add another one.
        let listeners: Vec<_> = read(&self.listeners)
            .iter()
            .map(|one| Arc::clone(&one.0))
            .collect();
        for listener in listeners {
            let _ = guarded(|| listener(&record));
        }
        record
    }

    /// Shows each call that ends from now on to somebody.
    pub(crate) fn listen(&self, listener: Arc<dyn Fn(&CallRecord) + Send + Sync>) {
        write(&self.listeners).push(Listener(listener));
    }

    /// Returns the number of calls like this one that run: 1 more when it begins, 1 less when it ends.
    pub(crate) fn active(&self, call: &LlmCall) -> Option<BoundUpDownCounter> {
        let labels = [
            (key::GEN_AI_PROVIDER_NAME, &*call.provider),
            (key::GEN_AI_REQUEST_MODEL, &*call.model),
        ];
        self.metrics().up_down(&metric::OBS_LLM_ACTIVE, &labels)
    }

    /// Counts a call whose stream stands still; returns the number of those that do.
    pub(crate) fn stalled(&self, call: &LlmCall) -> Option<BoundUpDownCounter> {
        let labels = [
            (key::GEN_AI_PROVIDER_NAME, &*call.provider),
            (key::GEN_AI_REQUEST_MODEL, &*call.model),
        ];
        self.metrics().count(&metric::OBS_LLM_STALLS, &labels, 1);
        self.metrics().up_down(&metric::OBS_LLM_STALLED, &labels)
    }

    /// Says once of each model that a stream stands still whose reader is told nothing.
    pub(crate) fn warn_of(&self, stalled: &Stalled) {
        let name = format!("{}/{} stalled", stalled.provider(), stalled.model());
        let remedy = "it waits on, as what is waited for cannot hold the error: give `Result`s, of the stream and of its \
                      items, whose error implements `From<obs_runtime::llm::Stalled>`";
        self.once(name, || format!("{stalled}; {remedy}"));
    }

    /// Returns what a call costs that ends like this.
    pub(crate) fn price(&self, call: LlmCall) -> Cost {
        CallRecord::of(call, &read(&self.pricer)).cost
    }

    /// Says once of each model that its cost is not exact, and what would make it so.
    fn warn(&self, call: &CallRecord) {
        if call.provider == OTHER && call.reasons().next().is_some() {
            // Whose price should be set nobody knows.
            self.once(OTHER.to_owned(), || OUTSIDE.to_owned());
            return;
        }
        let is_untold = call.pace.is_some() && !call.failed();
        for reason in call.reasons() {
            if reason == Reason::NoUsage && is_untold {
                // A line for each callsite: each has a request of its own.
                let at = call.made_at;
                self.once(format!("{at} untold"), || {
                    let name = format!("{}/{}", call.provider, call.model);
                    let remedy = unasked::remedy(&call.provider);
                    format!("the stream of {name} ({at}) ended and nobody told its usage: {remedy}")
                });
            } else if let Some((what, remedy)) = advice(reason, call.failed()) {
                let name = format!("{}/{}", call.provider, call.model);
                let key = format!("{name} {} {}", reason.as_str(), call.failed());
                self.once(key, || {
                    format!("the model {name} {what}: its cost is not exact; {remedy}")
                });
            }
        }
        if let [one, other, ..] = &*call.repeaters {
            let name = format!("{}/{}", call.provider, call.model);
            self.once(format!("{name} repeats"), || {
                format!(
                    "calls of the model {name} are repeated by both `{one}` and `{other}`: attempts multiply, and each \
                     may be billed; let one of them do it"
                )
            });
        }
    }

    fn once(&self, key: String, text: impl FnOnce() -> String) {
        let mut warned = lock(&self.warned);
        let new = warned.len() < MAX_WARNINGS && warned.insert(key);
        drop(warned);
        if new {
            crate::self_log::once(text());
        }
    }

    fn llm_metrics(&self, call: &CallRecord, context: Option<SpanContext>) {
        // The call's span is the example of its values.
        let _inside = context.as_ref().map(SpanContext::attach);
        let metrics = self.metrics();
        let (server, port) = match &call.request.server {
            Some((address, port)) => (&**address, port.map(|port| port.to_string())),
            None => ("", None),
        };
        let client: Labels<'_> = vec![
            (key::GEN_AI_OPERATION_NAME, &*call.operation),
            (key::GEN_AI_PROVIDER_NAME, &*call.provider),
            (key::GEN_AI_REQUEST_MODEL, &*call.model),
            (key::GEN_AI_RESPONSE_MODEL, call.served()),
            (key::SERVER_ADDRESS, server),
            (key::SERVER_PORT, port.as_deref().unwrap_or("")),
        ];
        let kind = Kind::of(&call.operation);
        if let Some(duration) = call.duration {
            let labels = with(&client, (key::ERROR_TYPE, call.end.error_type()));
            metrics.observe(kind.duration(), &labels, duration.as_secs_f64());
        }
        if kind == Kind::Inference {
            call.stream_metrics(metrics, &client);
        }
        if let Some(usage) = &call.usage {
            self.token_metrics(kind, usage, &client);
        }
        let asked = [
            (key::GEN_AI_PROVIDER_NAME, &*call.provider),
            (key::GEN_AI_REQUEST_MODEL, &*call.model),
        ];
        for reason in call.reasons() {
            let labels = [asked[0], asked[1], (key::REASON, reason.as_str())];
            metrics.count(&metric::OBS_LLM_UNPRICED, &labels, 1);
        }
        for attempt in &call.attempts {
            if attempt.status() == Some(RATE_LIMITED) {
                metrics.count(&metric::OBS_LLM_RATE_LIMITED, &asked, 1);
                if let Some(wait) = attempt.retry_after() {
                    metrics.observe(&metric::OBS_LLM_RETRY_AFTER, &asked, wait.as_secs_f64());
                }
            }
        }
        if call.attempt_count > 1 {
            let retries = call.attempt_count - 1;
            metrics.count(&metric::OBS_LLM_RETRIES, &asked, retries);
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
                let count = |def, modality, tokens: Option<u64>| {
                    if let Some(tokens) = tokens {
                        let labels = with(client, (key::GEN_AI_TOKEN_MODALITY, modality));
                        metrics.count(def, &labels, tokens);
                    }
                };
                for (def, sum, audio, image) in [
                    (
                        &metric::GEN_AI_USAGE_INPUT_TOKENS,
                        usage.input_tokens(),
                        usage.audio_input_tokens(),
                        usage.image_input_tokens(),
                    ),
                    (
                        &metric::GEN_AI_USAGE_OUTPUT_TOKENS,
                        usage.output_tokens(),
                        usage.audio_output_tokens(),
                        usage.image_output_tokens(),
                    ),
                ] {
                    let (audio, image) = (part(audio), part(image));
                    // What else there is in the sum: text, nearly always, but no provider says so.
                    let mut others = [audio, image].into_iter().flatten();
                    let rest = sum.and_then(|sum| others.try_fold(sum, u64::checked_sub));
                    // Parts that are more than their whole tell nothing apart.
                    let (audio, image) = rest.map_or((None, None), |_| (audio, image));
                    count(def, "unknown", rest.or(sum));
                    count(def, "audio", audio);
                    count(def, "image", image);
                }
                for (def, tokens) in [
                    (
                        &metric::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
                        usage.cache_read_tokens(),
                    ),
                    (
                        &metric::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
                        usage.cache_write_tokens(),
                    ),
                    (
                        &metric::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
                        usage.reasoning_tokens(),
                    ),
                ] {
                    count(def, "unknown", part(tokens));
                }
            }
            Kind::Retrieval | Kind::Other => {}
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

/// A part of a sum, if there is any of it.
fn part(tokens: Option<u64>) -> Option<u64> {
    tokens.filter(|tokens| *tokens > 0)
}

/// What a reason says of a model, and what to do; nothing where the program can do nothing, or another reason says it.
const fn advice(reason: Reason, failed: bool) -> Option<(&'static str, &'static str)> {
    Some(match reason {
        Reason::UnpricedModel => (
            "has no known price",
            "set one with `Prices::price` on the builder, or in the file that `OBS_PRICES` names",
        ),
        Reason::NoUsage if failed => (
            "had a call that failed or was dropped before anybody reported tokens, which may be billed nevertheless",
            "say with `refused = |error| …` which errors are free, and bound the others with `llm::asked`",
        ),
        Reason::NoUsage => (
            "was called without reporting tokens",
            "report them with `usage = |out| …` or `llm::answered`",
        ),
        Reason::PartsUnknown => (
            "reported tokens without those that have another price, such as cached ones",
            "report them with `Usage::cache_read` and the like, or say with `Usage::nothing_else` that there are none",
        ),
        Reason::Ambiguous => (
            "has attempts whose reports cannot be told apart",
            "report each through an `llm::attempt` of its own, and make the requests below it with `RunningAttempt::run`",
        ),
        Reason::InvalidUsage => (
            "reported tokens or a cost that cannot be",
            "cached tokens are part of the input tokens: see `Usage::cached_apart`",
        ),
        Reason::TierUnknown => (
            "was served in a tier without a known price",
            "set one with `Prices::price_for_tier` on the builder, or in the file that `OBS_PRICES` names",
        ),
        Reason::TtlUnknown => (
            "wrote to its cache for an unknown time",
            "report it with `Usage::cache_write_5m` and `cache_write_1h`",
        ),
        Reason::UnpricedUnit => (
            "used something without a known price",
            "set one with `ModelPrice::web_searches` and the like",
        ),
        // What a call used that was cut off cannot be known: counting it is all.
        _ => return None,
    })
}

fn with<'a>(labels: &Labels<'a>, more: (&'static str, &'a str)) -> Labels<'a> {
    labels.iter().copied().chain([more]).collect()
}

/// Which metrics an operation has (GenAI metrics).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Inference,
    Embeddings,
    Retrieval,
    Other,
}

impl Kind {
    pub(crate) fn of(operation: &str) -> Self {
        match operation {
            "embeddings" => Self::Embeddings,
            "retrieval" => Self::Retrieval,
            operation if INFERENCE.contains(&operation) => Self::Inference,
            _ => Self::Other,
        }
    }

    const fn duration(self) -> &'static MetricDef {
        match self {
            Self::Inference => &metric::GEN_AI_INFERENCE_DURATION,
            Self::Embeddings => &metric::GEN_AI_EMBEDDINGS_DURATION,
            Self::Retrieval => &metric::GEN_AI_RETRIEVAL_DURATION,
            Self::Other => &metric::GEN_AI_OPERATION_DURATION,
        }
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
