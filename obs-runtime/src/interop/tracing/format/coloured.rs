//! A text into which formatters write with colours.
//!
//! They ask their writer whether to. `Writer::new` makes only one that says no, but the fields of a span
//! that a layer with colours has formatted give one that says yes. So a layer of our own formats a span,
//! and its text is used from then on.

use core::cell::Cell;
use core::fmt;

use ::tracing::span::Attributes;
use ::tracing::{Metadata, Subscriber as _};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::{LookupSpan as _, Registry};

thread_local! {
    static COLOURED: Cell<Option<FormattedFields<Nothing>>> = const { Cell::new(None) };
}

/// Formats no field.
struct Nothing;

impl<'writer> FormatFields<'writer> for Nothing {
    fn format_fields<R: RecordFields>(&self, _: Writer<'writer>, _: R) -> fmt::Result {
        Ok(())
    }
}

/// Returns what `write` writes into a writer that takes colours. `any` describes anything that the program has.
pub(super) fn coloured(
    any: &'static Metadata<'static>,
    write: impl FnOnce(Writer<'_>) -> fmt::Result,
) -> Result<String, fmt::Error> {
    let kept = COLOURED.try_with(Cell::take).ok().flatten();
    let Some(mut text) = kept.or_else(|| empty(any)) else {
        let mut plain = String::new();
        write(Writer::new(&mut plain))?;
        return Ok(plain);
    };
    let written = write(text.as_writer());
    let line = core::mem::take(&mut text.fields);
    let _ = COLOURED.try_with(|kept| kept.set(Some(text)));
    written.map(|()| line)
}

fn empty(any: &'static Metadata<'static>) -> Option<FormattedFields<Nothing>> {
    let layer = tracing_subscriber::fmt::layer().fmt_fields(Nothing);
    let subscriber = Registry::default().with(layer.with_ansi(true));
    let values = any.fields().value_set(&[]);
    let id = subscriber.new_span(&Attributes::new_root(any, &values));
    let span = subscriber.span(&id)?;
    span.extensions_mut().remove()
}
