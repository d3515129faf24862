//! Writes an event as a line for people.

use core::fmt::{self, Write as _};

use ::tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::fields::{FieldsVisitor, in_line};
use super::functions;
use super::ids::{functions_around, ids};
use crate::interop::tracing::around::stands_for_another;
use crate::trace::gate;

/// Writes each event as a line of text. It is used with [`TextFields`](super::TextFields).
///
/// ```text
/// 2026-11-20T13:38:18.123456Z  INFO shop: loaded rows=3 request{user="ada"} load{id=7} trace_id=… span_id=…
/// ```
///
/// The spans of `tracing` come first, then the annotated functions that have recorded fields.
///
/// Line breaks and other control characters in messages and fields are escaped, so that nobody can
/// forge a line.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Only [`new`](Self::new) makes one.
    _made: (),
}

impl Text {
    /// Returns the formatter. Calls of functions that begin from now on keep their fields for its
    /// lines.
    ///
    /// ```
    /// use obs_runtime::interop::tracing::{Text, TextFields};
    /// use tracing_subscriber::prelude::*;
    ///
    /// let lines = tracing_subscriber::fmt::layer()
    ///     .fmt_fields(TextFields)
    ///     .event_format(Text::new());
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

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the colour that `tracing-subscriber` uses (ECMA-48, "SGR").
const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}
pub(super) const DIM: &str = "\x1b[2m";
pub(super) const RESET: &str = "\x1b[0m";

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut said = FieldsVisitor::text();
        event.record(&mut said);

        let colours = writer.has_ansi_escapes();
        let (dim, reset) = if colours { (DIM, RESET) } else { ("", "") };
        let paint = if colours {
            colour(*metadata.level())
        } else {
            ""
        };
        let mut line = String::from(dim);
        SystemTime.format_time(&mut Writer::new(&mut line))?;
        // A record of the crate `log` may have any target.
        let target = in_line(said.log.target.as_deref().unwrap_or(metadata.target()));
        let level = metadata.level().as_str();
        write!(
            line,
            "{reset} {paint}{level:>5}{reset} {dim}{target}:{reset}"
        )?;
        if let Some(message) = &said.message {
            write!(line, " {message}")?;
        }
        if !said.fields.is_empty() {
            write!(line, " {}", said.fields)?;
        }
        let spans = ctx.event_scope().into_iter().flat_map(Scope::from_root);
        for span in spans.filter(|span| !stands_for_another(span.metadata())) {
            write!(line, " {dim}{}{reset}", span.name())?;
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<N>>()
                && !fields.is_empty()
            {
                write!(line, "{{{fields}}}")?;
            }
        }
        let functions = functions_around(ctx, event);
        line.push_str(&functions::text(functions.as_ref(), dim, reset));
        if let Some(context) = ids(ctx, event) {
            let (trace, span) = (context.trace_id(), context.span_id());
            write!(line, " {dim}trace_id={trace} span_id={span}{reset}")?;
        }
        // Write it in one piece, so that lines of other threads do not get in between.
        line.push('\n');
        writer.write_str(&line)
    }
}
