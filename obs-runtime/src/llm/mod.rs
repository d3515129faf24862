//! Calls to language models and vector stores: tokens, price, metrics.
//!
//! `#[llm_call]` and `#[vector_op]` record their calls by themselves. What happens elsewhere is reported with
//! [`record_llm_call`] and [`record_vector_operation`]. Names follow the OpenTelemetry semantic
//! conventions for generative AI and for databases. No prompt and no answer is ever recorded.

mod call;
pub(crate) mod generated;
mod meters;
mod price;
mod state;
mod stream;
mod totals;
mod usage;

pub use call::{LlmCall, VectorOp, record_llm_call, record_vector_operation};
pub use price::{ModelPrice, Prices, Usd};
#[allow(unused_imports, reason = "the account that an `Observability` keeps")]
pub(crate) use state::LlmState;
pub use stream::{LlmStream, observe_stream, observe_try_stream};
pub use totals::{LlmTotals, ModelTotals};
pub use usage::{IntoUsage, LlmResponse, Usage};
