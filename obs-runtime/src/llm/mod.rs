//! Calls to language models and vector stores: tokens, price, metrics.
//!
//! `#[llm_call]` and `#[vector_op]` record their calls by themselves. What happens elsewhere is reported with
//! [`record_llm_call`] and [`record_vector_operation`], streams with [`observe_stream`]. Names follow the OpenTelemetry
//! semantic conventions for generative AI and for databases. No prompt and no answer is ever recorded.
//!
//! ```
//! use obs_runtime::llm::Prices;
//! use obs_runtime::{Observability, llm_call};
//!
//! struct Answer {
//!     text: String,
//!     tokens: (u32, u32),
//! }
//!
//! #[llm_call(provider = "house", model = "house-large", usage = |answer| answer.tokens)]
//! fn ask(question: &str) -> Answer {
//!     Answer { text: question.to_uppercase(), tokens: (1_200, 80) }
//! }
//!
//! # fn main() -> Result<(), obs_runtime::Error> {
//! let obs = Observability::builder()
//!     .prices(Prices::new().price("house-large", 3.0, 5.0))
//!     .install()?;
//! println!("{}", ask("why?").text);
//! assert_eq!(obs.llm_totals().to_string(), "1 call, 1200 input and 80 output tokens, $0.004");
//! # Ok(())
//! # }
//! ```
//!
//! Prices come from the crate `genai-prices`, those of [`Prices`] come first. The price of a call is rounded once, to
//! 1e-12 dollars, and sums are exact. A cost is an interval ([`Cost`]): what is not known is never counted as free. Its
//! reasons are counted in `obs.llm.unpriced`, and each model is named once on standard error. What was paid is counted
//! even if the call fails later: [`answered`] reports it from inside.

mod account;
pub(crate) mod agent;
mod attempt;
mod attempts;
mod attributes;
mod builder;
pub(crate) mod call;
#[cfg(any(feature = "tracing", feature = "opentelemetry"))]
mod client_span;
#[cfg(any(feature = "async-openai", feature = "genai", feature = "rig"))]
mod clients;
pub(crate) mod failure;
mod frame;
pub(crate) mod measured;
mod pace;
mod price;
mod record;
mod recording_rules;
mod request;
pub(crate) mod running;
mod server;
pub(crate) mod stall;
mod stream;
mod streamed;
pub(crate) mod tool;
mod totals;
mod unasked;
mod usage;
#[cfg(feature = "reqwest")]
mod watch;
mod wire;

pub(crate) use account::LlmState;
pub use agent::{AgentStopped, StopReason};
pub use attempt::{Attempt, AttemptEnd};
pub(crate) use builder::PriceTable;
pub use call::{LlmCall, VectorOp, record_llm_call, record_vector_operation};
pub use failure::ProviderError;
#[cfg(feature = "pipeline")]
pub(crate) use frame::Opened;
pub(crate) use frame::decides;
pub use frame::{Frame, Spent, frame};
pub use pace::StreamTimes;
pub use price::{Cost, ModelPrice, Prices, Reason, Reasons, Usd};
pub use record::CallRecord;
pub use recording_rules::recording_rules;
pub use request::Request;
pub use running::{RunningAttempt, RunningCall, answered, asked, attempt};
pub use server::IntoServer;
pub use stall::Stalled;
pub use stream::{LlmStream, observe_stream, observe_try_stream};
pub use tool::ToolCallId;
pub use totals::{LlmTotals, ModelTotals};
pub use usage::{Count, IntoUsage, LlmResponse, Source, TokenCount, Usage};
pub use wire::{anthropic, bedrock, gemini, openai};
