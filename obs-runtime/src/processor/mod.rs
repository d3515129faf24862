//! What happens to finished data between the buffers and the exporters.

pub(crate) mod drain;
pub(crate) mod logs;
pub(crate) mod redact;
