//! Lines of text for events, with the ids of trace and span: for people, and as JSON for machines.

mod coloured;
mod early;
mod fields;
mod functions;
mod ids;
mod json;
mod pretty;

use std::io::IsTerminal as _;

use ::tracing::Subscriber;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use early::Early;

pub use fields::{JsonFields, TextFields};
pub use ids::WithIds;
pub use json::Json;
pub use pretty::Text;

/// The form in which [`lines`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// A line for people, as [`Text`] writes it. This is the default.
    #[default]
    Pretty,
    /// A line of JSON, as [`Json`] writes it.
    Json,
}

/// Returns a layer that writes each event as a line on standard error.
///
/// The line has trace and span id, the fields of the spans of `tracing` around it and of the annotated
/// functions, and its secrets are masked.
///
/// ```text
/// 2026-11-20T13:38:18.123456Z  INFO shop: loaded rows=3 request{user="ada"} load{id=7} trace_id=…
/// ```
///
/// A function keeps its fields for the lines inside of it from this call on, also in traces that are
/// not sampled. That is more work for calls of functions with fields.
///
/// ```
/// use obs_runtime::interop::tracing::{Format, layer, lines};
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(layer())
///     .with(lines(Format::Json));
/// # drop(subscriber);
/// ```
///
/// The fields of spans are formatted before anything is locked, which a `fmt` layer of
/// `tracing-subscriber` does not do: there a value whose formatter looks at the span waits for ever.
///
/// Writing waits for whoever reads standard error. A program that must not wait gives [`Json`] and
/// [`JsonFields`], or [`Text`] and [`TextFields`], to a `fmt` layer with a writer of its own:
///
/// ```
/// use obs_runtime::interop::tracing::{Json, JsonFields};
/// use tracing_subscriber::prelude::*;
///
/// let lines = tracing_subscriber::fmt::layer()
///     .fmt_fields(JsonFields)
///     .event_format(Json::new())
///     .with_writer(std::io::sink);
/// let subscriber = tracing_subscriber::registry().with(lines);
/// # drop(subscriber);
/// ```
pub fn lines<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        Format::Pretty => {
            // See https://no-color.org: any value but an empty one switches colours off.
            let colours = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::io::stderr().is_terminal();
            let layer = layer.event_format(Text::new()).fmt_fields(TextFields);
            Box::new(Early::<_, TextFields>::new(layer.with_ansi(colours)))
        }
        Format::Json => {
            let layer = layer.fmt_fields(JsonFields).event_format(Json::new());
            Box::new(Early::<_, JsonFields>::new(layer.with_ansi(false)))
        }
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
