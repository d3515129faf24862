//! What is known of a call that has ended: the one struct that its span, metrics, sums and warnings are made of.

use core::panic::Location;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

use crate::AttributeValue;
use crate::clock::Moment;
use crate::llm::attempt::Attempt;
use crate::llm::attempts::Attempts;
use crate::llm::call::LlmCall;
use crate::llm::pace::Pace;
use crate::llm::price::{Cost, Pricer, Reason, is_standard_tier};
use crate::llm::request::Request;
use crate::llm::usage::{LlmResponse, Usage};
use crate::trace::measured::End;

/// A model call that has ended: its attempts, and what they used and cost together.
///
/// It is what the call's span, metrics and sums are made of. A test finds it in
/// [`Captured::llm_calls`](crate::testing::Captured::llm_calls), a program gets each with
/// [`Builder::on_llm_call`](crate::Builder::on_llm_call).
#[derive(Clone, Debug)]
pub struct CallRecord {
    pub(crate) provider: Cow<'static, str>,
    pub(crate) operation: Cow<'static, str>,
    /// The model that was asked for; may be empty.
    pub(crate) model: Cow<'static, str>,
    pub(crate) request: Request,
    /// The answer that decided the call: of the last attempt that was answered.
    pub(crate) response: LlmResponse,
    pub(crate) attempts: Vec<Attempt>,
    /// How many attempts there were; more than are kept, if there were very many.
    pub(crate) attempt_count: u64,
    /// The layers that repeated requests.
    pub(crate) repeaters: Vec<&'static str>,
    /// What all attempts used; `None` where nobody reported anything.
    pub(crate) usage: Option<Usage>,
    pub(crate) cost: Cost,
    /// The price tables that the cost is made of.
    pub(crate) tables: Vec<Arc<str>>,
    pub(crate) duration: Option<Duration>,
    pub(crate) time_to_first_chunk: Option<Duration>,
    pub(crate) time_to_first_token: Option<Duration>,
    /// The line that made it.
    pub(crate) made_at: &'static Location<'static>,
    /// Of a call whose stream was followed.
    pub(crate) pace: Option<Box<Pace>>,
    pub(crate) end: End,
    /// What clients' own spans say beside, for the span of the call.
    pub(crate) details: Vec<(String, AttributeValue)>,
}

impl CallRecord {
    /// Ends a call: judges its attempts and prices them.
    pub(crate) fn of(call: LlmCall, pricer: &Pricer) -> Self {
        let LlmCall {
            provider,
            operation,
            model,
            mut attempts,
            mut request,
            duration,
            time_to_first_chunk,
            time_to_first_token,
            made_at,
            pace,
            end,
            refused,
            details,
        } = call;
        let times = pace.as_ref().map(|pace| pace.times(Moment::now()));
        judge(&mut attempts, &end, refused);
        let bounds = request.bounds();
        let mut tables: Vec<Arc<str>> = Vec::new();
        let cost = attempts.price(&mut |attempt| {
            let asked = (&*provider, &*model);
            let mut price = |response: &LlmResponse| {
                let priced = pricer.price(asked, response, attempt.end(), bounds);
                if let Some(table) = priced.table
                    && !tables.contains(&table)
                {
                    tables.push(table);
                }
                priced.cost
            };
            let cost = price(&attempt.response);
            match unconfirmed(&request, &attempt.response) {
                None => cost,
                Some(asked_for) => cost.or(price(&asked_for), Reason::TierUnknown),
            }
        });
        // What the program says of it stands above what a layer saw.
        request.server = request.server.or_else(|| attempts.asked_server());
        let response = attempts.decisive().map(|attempt| attempt.response.clone());
        Self {
            provider,
            operation,
            model,
            request,
            response: response.unwrap_or_default(),
            attempt_count: attempts.count(),
            repeaters: attempts.repeaters(),
            usage: attempts.usage(),
            attempts: attempts.into_vec(),
            cost,
            tables,
            duration,
            time_to_first_chunk: time_to_first_chunk.or(times.and_then(|times| times.first_chunk)),
            time_to_first_token: time_to_first_token.or(times.and_then(|times| times.first_token)),
            made_at,
            pace,
            end,
            details,
        }
    }

    /// Returns the provider.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the operation: `chat`, `embeddings`, …
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the model that was asked for; it may be empty.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the model that served the call, as the answer names it.
    pub fn response_model(&self) -> Option<&str> {
        self.response.model.as_deref()
    }

    /// Returns the attempts in the order of their begin. Of a call with more than 100 only the first 99 and the last are
    /// here; see [`attempt_count`](Self::attempt_count).
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Returns how many attempts there were.
    pub const fn attempt_count(&self) -> u64 {
        self.attempt_count
    }

    /// Returns the layers that repeated requests. If there are two, attempts multiply.
    pub fn repeated_by(&self) -> &[&'static str] {
        &self.repeaters
    }

    /// Returns what all attempts used together; `None` where nobody reported anything.
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Returns what all attempts cost together.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// Returns the price tables that the cost is made of, with their dates.
    pub fn prices(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| &**table)
    }

    /// Returns how long it took, all attempts included.
    pub const fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Returns the `error.type` of a call that failed: the class of its error, `panic` or `cancelled`.
    pub fn error_type(&self) -> Option<&str> {
        let kind = self.end.error_type();
        (!kind.is_empty()).then_some(kind)
    }

    /// The model that served the call, as far as it is known.
    pub(crate) fn served(&self) -> &str {
        self.response.model.as_deref().unwrap_or("")
    }

    /// Why the model stopped, by choice. A stream that broke off has `error` in the place of what did not come.
    pub(crate) fn finish_reasons(&self) -> Vec<Cow<'static, str>> {
        let broke_off = self.failed() && self.time_to_first_chunk.is_some();
        let choices = if broke_off {
            self.request.choices.unwrap_or(1)
        } else {
            0
        };
        self.response.finish_reasons_of(choices)
    }

    /// Whether it ended in an error, a panic or a cancellation.
    pub(crate) fn failed(&self) -> bool {
        self.end != End::Ok
    }

    /// Why the cost is not exact.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = Reason> {
        self.cost.reasons.iter()
    }
}

/// What was answered, in the tier that was asked for: where no answer says which tier served, that one may have, or the
/// standard one.
fn unconfirmed(request: &Request, response: &LlmResponse) -> Option<LlmResponse> {
    let tier = request
        .tier
        .as_ref()
        .filter(|tier| !is_standard_tier(tier))?;
    let is_open = response.tier.is_none() && response.cost_usd.is_none();
    is_open.then(|| response.clone().tier(tier.to_string()))
}

/// Says of the last attempt what the end of the call proves.
fn judge(attempts: &mut Attempts, end: &End, refused: bool) {
    if *end == End::Ok {
        attempts.complete();
    } else if refused {
        attempts.last_refused();
    } else {
        // Somebody was asked: what it cost is unknown, not zero.
        attempts.ensure_one();
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
