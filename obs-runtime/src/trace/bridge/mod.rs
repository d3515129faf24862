//! Where the context of OpenTelemetry and ours meet on a thread, so that spans of both nest in every
//! order. The rest of its API stands on this, in `opentelemetry/`.

pub(crate) mod boundary;
pub(crate) mod context;
pub(crate) mod convert;
pub(crate) mod data;
