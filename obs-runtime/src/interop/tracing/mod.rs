//! Puts the spans of the crate `tracing` and those of obs into one trace (feature `tracing`).
//!
//! [`layer`] makes spans of `tracing` spans of obs, in the same trace as annotated functions, and
//! takes its events along: as log records that carry the ids of their span, or as events of that
//! span. [`init`] is all that a program without a subscriber needs. [`WithIds`] writes trace and
//! span ids into the lines of a formatter that the program already has.
//!
//! ```
//! use obs_runtime::{testing, traced};
//! use tracing_subscriber::prelude::*;
//!
//! #[traced]
//! fn load(id: u32) {
//!     tracing::info!(id, "loaded");
//! }
//!
//! let subscriber = tracing_subscriber::registry().with(obs_runtime::interop::tracing::layer());
//! let captured = testing::capture(|| {
//!     tracing::subscriber::with_default(subscriber, || {
//!         let request = tracing::info_span!("request", user = "ada");
//!         request.in_scope(|| load(7));
//!     });
//! });
//! let (request, load) = (captured.span("request"), captured.span("load"));
//! assert_eq!(load.parent_id, Some(request.span_id));
//! assert_eq!(captured.logs[0].body.as_deref(), Some("loaded"));
//! assert_eq!(captured.logs[0].context.unwrap().span_id(), load.span_id);
//! ```
//!
//! # What `tracing` becomes in obs
//!
//! | in `tracing` | in obs |
//! |---|---|
//! | a span, until it is closed | a child of the span (of either kind) that is entered |
//! | its level | [`Builder::max_level`](crate::Builder::max_level) applies as to functions |
//! | its fields, also later ones | attributes, with their secrets masked |
//! | `otel.name`, `otel.kind` | the span's name, kind |
//! | `otel.status_code`, `otel.status_message` | the span's status |
//! | `follows_from` | a link |
//! | an event | a log record or an event of the span: [`Events`] |
//! | an event of level error | marks the `tracing` span around it as failed too |
//!
//! `tracing`'s `Span::current()` inside an annotated function is the span of that function where
//! [`around`] stands around the subscriber.
//!
//! Records of the crate `log` come in if the program forwards them to `tracing` (crate
//! `tracing-log`). Spans of `tracing` are not counted in `function.calls`. Threads of obs are not
//! observed.

mod around;
mod event;
mod format;
mod init;
mod layer;
mod parent;
mod site;
mod span;
mod text;
mod values;

pub use around::{Around, around};
pub use format::{Format, Json, JsonFields, Text, TextFields, WithIds, lines};
pub use init::init;
pub use layer::{Events, ObsLayer, layer};
