//! Writes an event as one line of JSON.

use core::fmt::{self, Write as _};

use ::tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::fields::{FieldsVisitor, JsonFields, member};
use super::functions;
use super::ids::{functions_around, ids};
use crate::interop::tracing::around::stands_for_another;
use crate::json;
use crate::trace::gate;

/// Writes each event as one JSON object. It is used together with [`JsonFields`].
///
/// ```text
/// {"timestamp":"2026-11-20T13:38:18.123456Z","level":"INFO","target":"shop",
///  "message":"loaded","fields":{"rows":3},
///  "spans":[{"name":"request","fields":{"user":"ada"}},{"name":"load","fields":{"id":7}}],
///  "trace_id":"…","span_id":"…","trace_flags":"03","file":"src/shop.rs","line":12}
/// ```
///
/// The spans of `tracing` come first, then the annotated functions that have recorded fields.
/// A key that is given twice, or recorded again, stands there once, with its last value.
///
/// It is one line; it is broken here to fit the page. The ids are those of the span that is
/// entered, one of obs or of `tracing`, under the names that OpenTelemetry's specification gives
/// ("Trace Context in non-OTLP Log Formats"). Without a span there are none.
#[derive(Clone, Copy, Debug)]
pub struct Json {
    /// Only [`new`](Self::new) makes one.
    _made: (),
}

impl Json {
    /// Returns the formatter. Calls of functions that begin from now on keep their fields for its
    /// lines.
    ///
    /// ```
    /// use obs_runtime::interop::tracing::{Json, JsonFields};
    /// use tracing_subscriber::prelude::*;
    ///
    /// let lines = tracing_subscriber::fmt::layer()
    ///     .fmt_fields(JsonFields)
    ///     .event_format(Json::new());
    /// let subscriber = tracing_subscriber::registry().with(lines);
    /// # drop(subscriber);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        // A `fmt` layer does not say that it exists, so its formatter does.
        gate::keep_fields();
        Self { _made: () }
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> FormatEvent<S, JsonFields> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut said = FieldsVisitor::json();
        event.record(&mut said);

        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut line = String::from("{");
        let mut text = |key: &str, value: &str| member(&mut line, key, &value);
        text("timestamp", &time);
        text("level", metadata.level().as_str());
        let target = said.log.target.as_deref();
        text("target", target.unwrap_or(metadata.target()));
        if let Some(message) = &said.message {
            text("message", message);
        }
        if !said.fields.is_empty() {
            write!(line, ",\"fields\":{{{}}}", said.fields)?;
        }
        let spans = ctx.event_scope().into_iter().flat_map(Scope::from_root);
        let mut around = String::new();
        for span in spans.filter(|span| !stands_for_another(span.metadata())) {
            if !around.is_empty() {
                around.push(',');
            }
            around.push_str("{\"name\":");
            json::append(&mut around, &span.name());
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<JsonFields>>()
                && !fields.is_empty()
            {
                write!(around, ",\"fields\":{{{fields}}}")?;
            }
            around.push('}');
        }
        functions::append_json(&mut around, functions_around(ctx, event).as_ref());
        if !around.is_empty() {
            write!(line, ",\"spans\":[{around}]")?;
        }
        if let Some(context) = ids(ctx, event) {
            let (trace, span) = (context.trace_id(), context.span_id());
            let flags = context.trace_flags().bits();
            write!(
                line,
                ",\"trace_id\":\"{trace}\",\"span_id\":\"{span}\",\"trace_flags\":\"{flags:02x}\""
            )?;
        }
        if let Some(file) = said.log.file.as_deref().or(metadata.file()) {
            member(&mut line, "file", &file);
        }
        let number = said.log.line.or(metadata.line().map(u64::from));
        if let Some(number) = number {
            member(&mut line, "line", &number);
        }
        // Write it in one piece, so that lines of other threads do not get in between.
        line.push_str("}\n");
        writer.write_str(&line)
    }
}
