//! The span type of OpenTelemetry's API, recorded by obs.
//!
//! A user owns the span and may end it late, on any thread, or never. It changes one record until
//! then ([`Manual`]); what is told after the end is counted as late and dropped. Times that callers
//! pass are wall-clock times, and are put on the clock of all other spans where that is possible,
//! so that children stay inside of their parents.

use core::fmt;
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use ::opentelemetry::KeyValue;
use ::opentelemetry::trace::{self as otel, SpanBuilder, Status};

use crate::callsite::Callsite;
use crate::clock;
use crate::self_obs;
use crate::trace::active::Manual;
use crate::trace::attribute::SpanExtra;
use crate::trace::bridge::data;
use crate::trace::client_span::ClientSpan;
use crate::trace::view::Outcome;

/// A start that lies no longer ago than this is put on the clock of all other spans.
const RECENT: Duration = Duration::from_secs(10);
/// An end that lies no longer ago than this is taken as now: a boxed span passes it on so late.
const NOW: Duration = Duration::from_micros(10);

/// A span of OpenTelemetry's API, made by a [`Tracer`](super::Tracer); dropping it ends it.
pub struct Span {
    context: otel::SpanContext,
    /// `None` if the span is not recorded, or has ended.
    running: Option<Box<Running>>,
}

struct Running {
    manual: Manual,
    extra: SpanExtra,
    /// The ear of the model call around the span, which may be that of a client.
    client: Option<ClientSpan>,
}

impl Span {
    /// Creates a span that is not recorded.
    pub(super) fn unrecorded(context: otel::SpanContext) -> Self {
        Self {
            context,
            running: None,
        }
    }

    pub(super) fn begin(
        context: otel::SpanContext,
        mut manual: Manual,
        internal: &'static Callsite,
        builder: SpanBuilder,
    ) -> Self {
        let mut client = ClientSpan::begin(internal);
        let mut extra = SpanExtra {
            name: Some(builder.name),
            ..SpanExtra::default()
        };
        for pair in builder.attributes.into_iter().flatten() {
            set(&mut extra, client.as_mut(), pair);
        }
        for event in builder.events.into_iter().flatten() {
            let event = data::event(event.name, event.timestamp, event.attributes);
            extra.add_event(event);
        }
        for link in builder.links.into_iter().flatten() {
            if let Some(link) = data::link(&link.span_context, link.attributes) {
                extra.add_link(link);
            }
        }
        if let Some(start) = builder.start_time {
            let ago = SystemTime::now().duration_since(start).ok();
            // This clock is read second, so that a span never starts before the one it was made in.
            let now = clock::ticks();
            match ago.filter(|ago| *ago < RECENT) {
                Some(ago) => {
                    manual.started_at(now.saturating_sub(clock::approximate_ticks(ago)));
                }
                None => extra.start_unix_nanos = Some(data::unix_nanos(start)),
            }
        }
        Self {
            context,
            running: Some(Box::new(Running {
                manual,
                extra,
                client,
            })),
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut SpanExtra)) {
        match &mut self.running {
            Some(running) => change(&mut running.extra),
            None if self.context.is_sampled() => self_obs::count_late(),
            None => {}
        }
    }

    fn finish(&mut self, end: Option<SystemTime>) {
        let Some(running) = self.running.take() else {
            return;
        };
        let Running {
            mut manual,
            mut extra,
            client,
        } = *running;
        if let Some(client) = client {
            client.end(&mut manual, &[], &mut [], &mut extra);
        }
        if let Some(end) = end {
            let ago = SystemTime::now().duration_since(end).ok();
            if ago.is_none_or(|ago| ago > NOW) {
                extra.end_unix_nanos = Some(data::unix_nanos(end));
            }
        }
        let outcome = if manual.unwinds() {
            Outcome::Panicked
        } else {
            Outcome::Ok
        };
        manual.end(outcome, Vec::new(), extra);
    }
}

impl otel::Span for Span {
    fn record_error(&mut self, error: &dyn core::error::Error) {
        if self.is_recording() {
            self.add_event(data::EXCEPTION, data::exception(error));
        }
    }

    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        self.change(|extra| {
            let event = data::event(name.into(), timestamp, attributes);
            extra.add_event(event);
        });
    }

    fn span_context(&self) -> &otel::SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.running.is_some()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        match &mut self.running {
            Some(running) => set(&mut running.extra, running.client.as_mut(), attribute),
            None => self.change(|_| {}),
        }
    }

    fn set_status(&mut self, status: Status) {
        self.change(|extra| extra.set_status(data::status(status)));
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, new_name: T) {
        self.change(|extra| extra.name = Some(new_name.into()));
    }

    fn add_link(&mut self, span_context: otel::SpanContext, attributes: Vec<KeyValue>) {
        if let Some(link) = data::link(&span_context, attributes) {
            self.change(|extra| extra.add_link(link));
        }
    }

    fn end(&mut self) {
        self.finish(None);
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(Some(timestamp));
    }
}

/// Sets an attribute, which the model call around the span may hear.
fn set(extra: &mut SpanExtra, client: Option<&mut ClientSpan>, pair: KeyValue) {
    let Some(client) = client else {
        return data::set(extra, pair);
    };
    let key = pair.key.clone();
    data::set(extra, pair);
    let held = extra
        .attributes
        .iter()
        .find(|(held, _)| **held == *key.as_str());
    if let Some((_, value)) = held {
        client.says(key.as_str(), value);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.finish(None);
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span")
            .field("context", &self.context)
            .field("recording", &self.running.is_some())
            .finish()
    }
}
