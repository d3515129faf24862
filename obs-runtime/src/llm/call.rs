//! Reporting calls that no macro wraps.

use core::panic::Location;
use std::borrow::Cow;
use std::time::Duration;

use crate::AttributeValue;
use crate::clock::Moment;
use crate::llm::attempts::Attempts;
use crate::llm::attributes::{record_llm, record_vector};
use crate::llm::pace::Pace;
use crate::llm::request::Request;
use crate::llm::usage::{IntoUsage, LlmResponse};
use crate::trace::local::redact_kept;
use crate::trace::measured::{Attributes, End, Here};

/// A finished call to a language model, for [`record_llm_call`].
///
/// ```
/// use obs_runtime::llm::{LlmCall, record_llm_call};
/// use std::time::Duration;
///
/// record_llm_call(
///     LlmCall::new("openai", "chat", "gpt-4o-mini")
///         .usage((1_200_u64, 80))
///         .duration(Duration::from_millis(840)),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is recorded before `record_llm_call`"]
pub struct LlmCall {
    pub(crate) provider: Cow<'static, str>,
    pub(crate) operation: Cow<'static, str>,
    pub(crate) model: Cow<'static, str>,
    pub(crate) attempts: Attempts,
    pub(crate) request: Request,
    pub(crate) duration: Option<Duration>,
    pub(crate) time_to_first_chunk: Option<Duration>,
    pub(crate) time_to_first_token: Option<Duration>,
    /// The line that made it, for messages.
    pub(crate) made_at: &'static Location<'static>,
    /// Of a call whose stream obs follows.
    pub(crate) pace: Option<Box<Pace>>,
    pub(crate) end: End,
    /// The call ended with an error that proves a refusal.
    pub(crate) refused: bool,
    /// What clients' own spans say beside, for the span of the call.
    pub(crate) details: Vec<(String, AttributeValue)>,
}

/// The most details of a call.
#[cfg(any(feature = "tracing", feature = "opentelemetry"))]
const MOST_DETAILS: usize = 64;

impl LlmCall {
    /// Takes a detail; the last one of a key counts.
    #[cfg(any(feature = "tracing", feature = "opentelemetry"))]
    pub(crate) fn detail(&mut self, key: &str, value: &AttributeValue) {
        let has_room = self.details.len() < MOST_DETAILS;
        match self.details.iter_mut().find(|(known, _)| known == key) {
            Some((_, held)) => *held = value.clone(),
            None if has_room => self.details.push((key.to_owned(), value.clone())),
            None => {}
        }
    }

    /// Creates a call that succeeded, from the provider (`openai`, `anthropic`, `aws.bedrock`, …,
    /// see `gen_ai.provider.name`), the operation (`chat`, `embeddings`, `text_completion`, …) and
    /// the model that was asked for.
    #[track_caller]
    pub fn new(
        provider: impl Into<Cow<'static, str>>,
        operation: impl Into<Cow<'static, str>>,
        model: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            provider: provider.into(),
            operation: operation.into(),
            model: model.into(),
            attempts: Attempts::default(),
            request: Request::default(),
            duration: None,
            time_to_first_chunk: None,
            time_to_first_token: None,
            made_at: Location::caller(),
            pace: None,
            end: End::Ok,
            refused: false,
            details: Vec::new(),
        }
    }

    /// Sets the tokens, or all that is known of the answer ([`LlmResponse`](crate::llm::LlmResponse)).
    pub fn usage(mut self, usage: impl IntoUsage) -> Self {
        self.attempts = Attempts::answered(usage.into_llm_response());
        self
    }

    /// Sets the most output tokens that the request allows: what a call costs at most that is cut off.
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.request = self.request.max_tokens(tokens);
        self
    }

    /// Sets the most input tokens that the prompt can have, such as its length in bytes: what a call costs at most of
    /// which nothing is reported.
    pub fn max_input_tokens(mut self, tokens: u64) -> Self {
        self.request = self.request.max_input_tokens(tokens);
        self
    }

    /// Sets what was asked for beside the model.
    pub fn request(mut self, request: Request) -> Self {
        self.request.merge(request);
        self
    }

    /// Sets how long the call took, retries included.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Sets how long the first chunk of a streamed answer took.
    pub fn time_to_first_chunk(mut self, duration: Duration) -> Self {
        self.time_to_first_chunk = Some(duration);
        self
    }

    /// Sets how long the first chunk of a streamed answer took that holds output of the model.
    pub fn time_to_first_token(mut self, duration: Duration) -> Self {
        self.time_to_first_token = Some(duration);
        self
    }

    /// Sets the price in US dollars, where it is known better than from the price list.
    pub fn cost_usd(mut self, usd: f64) -> Self {
        let priced = LlmResponse::new().cost_usd(usd);
        self.attempts.value(priced, false);
        self
    }

    /// Says that the call failed, by the class of its error (`timeout`, `rate_limit_exceeded`,
    /// `429`), not the message.
    ///
    /// What it cost is unknown then, unless its usage is reported or it was [`refused`](Self::refused).
    pub fn error(mut self, error_type: impl Into<Cow<'static, str>>) -> Self {
        self.end = End::Failed(redact_kept(error_type.into()));
        self
    }

    /// Says that the provider refused the call: it is free.
    pub fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// Notes that somebody heard of the provider, or asks it once more.
    pub(crate) fn heard(&mut self) {
        if let Some(pace) = &mut self.pace {
            pace.heard(Moment::now());
        }
    }

    /// Notes when a chunk comes by that holds output, whoever looks at it.
    pub(crate) fn looked_at(&mut self, chunk: &LlmResponse) {
        if let (Some(pace), Some(true)) = (&mut self.pace, chunk.token) {
            pace.output(Moment::now(), None);
        }
    }
}

/// Records a model call: as attributes of the entered span, in the `gen_ai.*` metrics, and in the
/// token and cost sums.
///
/// Does nothing where no `Observability` is installed.
pub fn record_llm_call(call: LlmCall) {
    record_llm(call, Here::now(), Attributes::All);
}

/// A finished operation of a vector store, for [`record_vector_operation`].
///
/// ```
/// use obs_runtime::llm::{VectorOp, record_vector_operation};
/// use std::time::Duration;
///
/// record_vector_operation(
///     VectorOp::new("qdrant", "upsert")
///         .collection("articles")
///         .count(64)
///         .dimensions(1_536)
///         .duration(Duration::from_millis(12)),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is recorded before `record_vector_operation`"]
pub struct VectorOp {
    pub(crate) system: Cow<'static, str>,
    pub(crate) operation: Cow<'static, str>,
    pub(crate) collection: Cow<'static, str>,
    pub(crate) count: Option<u64>,
    pub(crate) dimensions: Option<u64>,
    pub(crate) duration: Option<Duration>,
    pub(crate) end: End,
}

impl VectorOp {
    /// Creates an operation that succeeded, from the product (`qdrant`, `postgresql`, see
    /// `db.system.name`) and what it was asked to do (`upsert`, `search`, …).
    pub fn new(
        system: impl Into<Cow<'static, str>>,
        operation: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            system: system.into(),
            operation: operation.into(),
            collection: Cow::Borrowed(""),
            count: None,
            dimensions: None,
            duration: None,
            end: End::Ok,
        }
    }

    /// Sets the collection, index or table.
    pub fn collection(mut self, collection: impl Into<Cow<'static, str>>) -> Self {
        self.collection = collection.into();
        self
    }

    /// Sets how many vectors were written or returned.
    pub fn count(mut self, vectors: usize) -> Self {
        self.count = Some(vectors as u64);
        self
    }

    /// Sets how many numbers each vector has.
    pub fn dimensions(mut self, dimensions: usize) -> Self {
        self.dimensions = Some(dimensions as u64);
        self
    }

    /// Sets how long the operation took, retries included.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Says that the operation failed, by the class of its error, not the message.
    pub fn error(mut self, error_type: impl Into<Cow<'static, str>>) -> Self {
        self.end = End::Failed(redact_kept(error_type.into()));
        self
    }
}

/// Records an operation of a vector store: as attributes of the entered span, and in
/// `db.client.operation.duration`.
///
/// Does nothing where no `Observability` is installed.
#[expect(
    clippy::needless_pass_by_value,
    reason = "made for this call: a borrow would be noise"
)]
pub fn record_vector_operation(operation: VectorOp) {
    record_vector(&operation, Here::now(), Attributes::All);
}
