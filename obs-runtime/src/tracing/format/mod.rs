//! Lines of text for events, with the ids of trace and span: for people, and as JSON for machines.

mod fields;
mod ids;
mod json;
mod pretty;

use std::io::IsTerminal as _;

use ::tracing::Subscriber;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

pub use fields::{JsonFields, TextFields};
pub use ids::WithIds;
pub use json::Json;
pub use pretty::Text;

/// How [`lines`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// [`Text`] (the default).
    #[default]
    Pretty,
    /// [`Json`].
    Json,
}

/// A layer that writes each event as a line on standard error, with trace and span id, secrets masked.
///
/// ```
/// use obs_runtime::tracing::{Format, layer, lines};
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(layer())
///     .with(lines(Format::Json));
/// # drop(subscriber);
/// ```
///
/// Writing waits for whoever reads standard error. A program that must not wait gives [`Json`] and [`JsonFields`],
/// or [`Text`] and [`TextFields`], to a `fmt` layer with a writer of its own:
///
/// ```
/// use obs_runtime::tracing::{Json, JsonFields};
/// use tracing_subscriber::prelude::*;
///
/// let lines = tracing_subscriber::fmt::layer()
///     .fmt_fields(JsonFields)
///     .event_format(Json)
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
            // https://no-color.org: any value but an empty one.
            let colours = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::io::stderr().is_terminal();
            let layer = layer.event_format(Text).fmt_fields(TextFields);
            Box::new(layer.with_ansi(colours))
        }
        Format::Json => {
            let layer = layer.fmt_fields(JsonFields).event_format(Json);
            Box::new(layer.with_ansi(false))
        }
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
