//! The path of finished data between the buffers and the exporters.
//!
//! [`drain`] reads the records, counts the calls, and hands spans on. On their way they pass the
//! masking of secrets ([`redaction`]) and tail sampling ([`tail`]), and end in the sinks ([`sink`])
//! that exporters implement. All of it runs in a pass of the drain, under the drain's lock.

pub(crate) mod drain;
mod hand_on;
pub(crate) mod logs;
mod owned;
pub(crate) mod redaction;
pub(crate) mod scope_drain;
pub(crate) mod sink;
pub(crate) mod tail;
mod turn;

pub use tail::TailSampling;
