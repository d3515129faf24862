//! The layer that passes to obs what `tracing` tells a subscriber.
//!
//! `tracing` calls it on the thread that creates, enters or leaves a span. The data of a span lies
//! in the registry's extensions; its lock is never held while code of the user's runs.

use ::tracing::span::{Attributes, Id, Record};
use ::tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::around;
use super::event::{self, Place};
use super::span::SpanData;
use super::values::FieldData;
use crate::trace::line_fields::LineFields;
use crate::trace::suppress::is_suppressed;
use crate::trace::{Attached, SpanContext, gate, stack};

/// Where the events of `tracing` go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Events {
    /// To the exporters of logs; if there are none, onto the span. This is the default.
    #[default]
    Auto,
    /// To the exporters of logs, as records that name their span.
    Logs,
    /// Onto the span, as events. Events outside of any recorded span are dropped.
    Spans,
    /// To the exporters of logs and onto the span.
    Both,
    /// Nowhere.
    Off,
}

/// The layer that the function [`layer`] returns.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObsLayer {
    events: Events,
}

/// Returns a layer for a registry of `tracing-subscriber`.
///
/// It makes spans and events of `tracing` part of the traces of obs. It may be created before or
/// after [`Builder::install`](crate::Builder::install), and costs next to nothing while obs is off.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(tracing_subscriber::fmt::layer())
///     .with(obs_runtime::interop::tracing::layer());
/// # drop(subscriber);
/// ```
pub fn layer() -> ObsLayer {
    ObsLayer::default()
}

impl ObsLayer {
    /// Chooses where events go.
    ///
    /// ```
    /// use obs_runtime::interop::tracing::{Events, layer};
    /// let on_spans = layer().events(Events::Spans);
    /// ```
    #[must_use]
    pub const fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }
}

/// Returns whether anything records here. On the threads of obs nothing does.
fn is_on() -> bool {
    gate::gate() != 0 && !is_suppressed()
}

/// Returns the context inside a span of `tracing`.
fn context_of<S>(id: &Id, ctx: &Context<'_, S>) -> Option<SpanContext>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let span = ctx.span(id)?;
    let extensions = span.extensions();
    extensions.get::<SpanData>()?.context()
}

/// Returns the context inside a span of `tracing`, and what log lines show there.
fn inside<S>(id: &Id, ctx: &Context<'_, S>) -> (Option<SpanContext>, Option<LineFields>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = ctx.span(id) else {
        return (None, None);
    };
    let extensions = span.extensions();
    extensions.get::<SpanData>().map_or((None, None), |data| {
        (
            data.context(),
            data.line_fields().cloned().map(LineFields::of_another),
        )
    })
}

impl<S> Layer<S> for ObsLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if !is_on() {
            return;
        }
        let Some(span) = ctx.span(id) else { return };
        let data = if let Some(running) = around::asked(attributes.metadata()) {
            SpanData::standing_for(running, id, attributes)
        } else if attributes.is_contextual() {
            SpanData::begin(id, attributes)
        } else {
            let (context, fields) = attributes
                .parent()
                .map_or((None, None), |id| inside(id, &ctx));
            let _parent = Attached::showing(context.as_ref(), fields.as_ref());
            SpanData::begin(id, attributes)
        };
        span.extensions_mut().replace(data);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let site = match span.extensions().get::<SpanData>() {
            Some(data) if data.takes_fields() => data.site,
            _ => return,
        };
        let said = FieldData::of(site, |visitor| record.record(visitor));
        if let Some(data) = span.extensions_mut().get_mut::<SpanData>() {
            data.set(said);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: Context<'_, S>) {
        let Some(context) = context_of(follows, &ctx) else {
            return;
        };
        if let Some(span) = ctx.span(id)
            && let Some(data) = span.extensions_mut().get_mut::<SpanData>()
        {
            data.link(context);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        {
            let extensions = span.extensions();
            let Some(data) = extensions.get::<SpanData>() else {
                return;
            };
            if !data.may_adopt() {
                data.enter(id.into_u64());
                return;
            }
        }
        if let Some(data) = span.extensions_mut().get_mut::<SpanData>() {
            data.adopt();
            data.enter(id.into_u64());
        }
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        let Some(late) = stack::exit(id.into_u64()) else {
            return;
        };
        if let Some(span) = ctx.span(id)
            && let Some(data) = span.extensions_mut().get_mut::<SpanData>()
        {
            data.merge(*late);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        if !is_on() {
            return;
        }
        if event.is_contextual() {
            event::record(self.events, event, Place::Here);
            return;
        }
        // The event may name its parent, which may be none.
        let context = event.parent().and_then(|id| context_of(id, &ctx));
        let span = event.parent().and_then(|id| ctx.span(id));
        let mut add = |change: &mut dyn FnMut(&mut crate::trace::attribute::SpanExtra)| {
            if let Some(span) = &span
                && let Some(data) = span.extensions_mut().get_mut::<SpanData>()
            {
                data.change(|extra| change(extra));
            }
        };
        event::record(self.events, event, Place::There(context, &mut add));
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(&id) else { return };
        let data = span.extensions_mut().remove::<SpanData>();
        if let Some(data) = data {
            data.end();
        }
    }
}
