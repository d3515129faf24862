//! What happens to finished data between the buffers and the exporters.

pub(crate) mod drain;
pub(crate) mod logs;
mod owned;
pub(crate) mod redaction;
pub(crate) mod sink;
pub(crate) mod tail;

pub use tail::TailSampling;
