//! Writes trace and span id into the lines of any formatter.

use core::fmt;

use ::tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::coloured::coloured;
use super::functions;
use super::pretty::{DIM, RESET};
use crate::interop::tracing::span::SpanData;
use crate::trace::line_fields::{self, LineFields};
use crate::trace::local::local;
use crate::trace::{SpanContext, gate};

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

/// Returns what an event's line shows of the functions of obs around it.
pub(super) fn functions_around<S, N>(
    ctx: &FmtContext<'_, S, N>,
    event: &Event<'_>,
) -> Option<LineFields>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    if event.is_contextual() {
        return line_fields::here();
    }
    let span = ctx.span(event.parent()?)?;
    let extensions = span.extensions();
    extensions.get::<SpanData>()?.line_fields().cloned()
}

/// Wraps a formatter and adds trace and span id to its lines, and the fields of the annotated functions
/// around them.
///
/// Each line that is written inside a span, of obs or of `tracing`, gets them. Calls that begin after
/// this was made keep their fields for it.
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
    /// Puts `load{id=7} trace_id=… span_id=…` at the end of what `inner` writes, before the line breaks
    /// there.
    ///
    /// ```text
    /// 2026-11-20T13:38:18.123456Z  INFO shop: loaded rows=3 load{id=7} trace_id=… span_id=…
    /// ```
    pub fn text(inner: F) -> Self {
        Self::new(inner, false)
    }

    /// Adds the members `trace_id`, `span_id` and `trace_flags` to the JSON that `inner` writes, and
    /// `functions`, a list of objects with `name` and `fields`, where there are any. What the formatter
    /// [`Json`](super::Json) writes has these in its `spans`.
    ///
    /// Such a formatter is `tracing_subscriber::fmt::format().json()`.
    pub fn json(inner: F) -> Self {
        Self::new(inner, true)
    }

    /// A `fmt` layer does not say that it exists, so its formatter does.
    fn new(inner: F, is_json: bool) -> Self {
        gate::keep_fields();
        Self { inner, is_json }
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
        let functions = functions_around(ctx, event);
        let Some(context) = ids(ctx, event) else {
            return self.inner.format_event(ctx, writer, event);
        };
        let (trace, span) = (context.trace_id(), context.span_id());
        if !self.is_json {
            let format = |writer: Writer<'_>| self.inner.format_event(ctx, writer, event);
            let (line, [dim, reset]) = if writer.has_ansi_escapes() {
                (coloured(event.metadata(), format)?, [DIM, RESET])
            } else {
                let mut line = String::new();
                format(Writer::new(&mut line))?;
                (line, [""; 2])
            };
            let said = line.trim_end_matches('\n');
            if said.is_empty() {
                return writer.write_str(&line);
            }
            let functions = functions::text(functions.as_ref(), dim, reset);
            let ends = &line[said.len()..];
            return write!(
                writer,
                "{said}{functions} {dim}trace_id={trace} span_id={span}{reset}{ends}"
            );
        }
        let mut line = String::new();
        self.inner
            .format_event(ctx, Writer::new(&mut line), event)?;
        let Some(rest) = line.strip_prefix('{') else {
            return writer.write_str(&line);
        };
        let flags = context.trace_flags().bits();
        let mut list = String::new();
        functions::append_json(&mut list, functions.as_ref());
        if !list.is_empty() {
            list = format!(",\"functions\":[{list}]");
        }
        let comma = if rest.trim_start().starts_with('}') {
            ""
        } else {
            ","
        };
        write!(
            writer,
            "{{\"trace_id\":\"{trace}\",\"span_id\":\"{span}\",\"trace_flags\":\"{flags:02x}\"{list}{comma}{rest}"
        )
    }
}
