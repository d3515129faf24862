//! Writes trace and span id into the lines of any formatter.

use core::fmt;

use ::tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::interop::tracing::span::SpanData;
use crate::trace::SpanContext;
use crate::trace::local::local;

/// Returns the span that an event belongs to: its own parent, or the one that is entered.
pub(super) fn ids<S, N>(ctx: &FmtContext<'_, S, N>, event: &Event<'_>) -> Option<SpanContext>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    if event.is_contextual() {
        // As for events, OpenTelemetry may be holding its own context.
        return local().context();
    }
    let span = ctx.span(event.parent()?)?;
    let extensions = span.extensions();
    extensions.get::<SpanData>()?.context()
}

/// Wraps a formatter and adds trace and span id to its lines.
///
/// Each line that is written inside a span, of obs or of `tracing`, gets them.
///
/// ```
/// use obs_runtime::interop::tracing::WithIds;
/// use tracing_subscriber::fmt::format;
/// use tracing_subscriber::prelude::*;
///
/// let lines = tracing_subscriber::fmt::layer().event_format(WithIds::text(format().compact()));
/// let subscriber = tracing_subscriber::registry().with(lines);
/// # drop(subscriber);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WithIds<F> {
    inner: F,
    is_json: bool,
}

impl<F> WithIds<F> {
    /// Puts `trace_id=… span_id=…` before what `inner` writes.
    pub const fn text(inner: F) -> Self {
        Self {
            inner,
            is_json: false,
        }
    }

    /// Adds the members `trace_id`, `span_id` and `trace_flags` to the JSON that `inner` writes.
    ///
    /// Such a formatter is `tracing_subscriber::fmt::format().json()`.
    pub const fn json(inner: F) -> Self {
        Self {
            inner,
            is_json: true,
        }
    }
}

impl<S, N, F> FormatEvent<S, N> for WithIds<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(context) = ids(ctx, event) else {
            return self.inner.format_event(ctx, writer, event);
        };
        let (trace, span) = (context.trace_id(), context.span_id());
        if !self.is_json {
            write!(writer, "trace_id={trace} span_id={span} ")?;
            return self.inner.format_event(ctx, writer, event);
        }
        let mut line = String::new();
        self.inner
            .format_event(ctx, Writer::new(&mut line), event)?;
        let Some(rest) = line.strip_prefix('{') else {
            return writer.write_str(&line);
        };
        let flags = context.trace_flags().bits();
        let comma = if rest.trim_start().starts_with('}') {
            ""
        } else {
            ","
        };
        write!(
            writer,
            "{{\"trace_id\":\"{trace}\",\"span_id\":\"{span}\",\"trace_flags\":\"{flags:02x}\"{comma}{rest}"
        )
    }
}
