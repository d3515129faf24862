//! What happens to finished data between the buffers and the exporters.

pub(crate) mod drain;
pub(crate) mod logs;
mod owned;
pub(crate) mod redact;
pub(crate) mod tail;

pub use tail::TailSampling;
