//! Formats the fields of spans before it locks what the registry keeps of the span.
//!
//! The layer of `tracing-subscriber` formats while it holds that lock. A value whose formatter looks
//! at the span itself would wait for ever.

use core::marker::PhantomData;

use ::tracing::span::{Attributes, Id, Record};
use ::tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::fields::Merge;

/// A layer that writes events, with the fields of spans that this one has kept.
pub(super) struct Early<L, N> {
    writes: L,
    fields: PhantomData<fn() -> N>,
}

impl<L, N> Early<L, N> {
    pub(super) fn new(writes: L) -> Self {
        Self {
            writes,
            fields: PhantomData,
        }
    }
}

impl<S, L, N> Layer<S> for Early<L, N>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
    N: for<'a> FormatFields<'a> + Merge + Default + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        keep::<S, N>(attributes, id, &ctx, true);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, ctx: Context<'_, S>) {
        keep::<S, N>(record, id, &ctx, false);
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        self.writes.on_event(event, ctx);
    }
}

/// Formats fields, then adds them to those of the span.
fn keep<S, N>(fields: impl RecordFields, id: &Id, ctx: &Context<'_, S>, is_new: bool)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + Merge + Default + 'static,
{
    let Some(span) = ctx.span(id) else { return };
    let said = |kept: &FormattedFields<N>| is_new && !kept.fields.is_empty();
    if span
        .extensions()
        .get::<FormattedFields<N>>()
        .is_some_and(said)
    {
        // Another layer of this form has the fields of the new span.
        return;
    }
    let form = N::default();
    let mut text = String::new();
    if form.format_fields(Writer::new(&mut text), fields).is_err() {
        return;
    }
    let mut extensions = span.extensions_mut();
    if let Some(kept) = extensions.get_mut::<FormattedFields<N>>() {
        form.merge(&mut kept.fields, &text);
    } else {
        extensions.insert(FormattedFields::<N>::new(text));
    }
}
