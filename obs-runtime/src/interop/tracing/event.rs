//! Turns an event of `tracing` into a log record, an event of a span, or both.
//!
//! It runs on the thread that logs, for every event that the subscriber lets through.

use core::fmt;
use std::borrow::Cow;

use ::tracing::field::{Field, Visit};
use ::tracing::{Event, Level as TracingLevel};

use super::layer::Events;
use super::site;
use super::text::masked;
use super::values::failure;
use crate::causes::WithCauses;
use crate::clock::unix_nanos;
use crate::logs::{self, LogRecord};
use crate::printable::formatted;
use crate::redact::{MASK, is_secret_key};
use crate::semconv::attribute::{CODE_FILE_PATH, CODE_LINE_NUMBER};
use crate::trace::attribute::SpanExtra;
use crate::trace::local::local;
use crate::trace::{AttributeValue, SpanContext, SpanError, current, stack};

/// A function that changes the span that an event names as its parent, if that span is recorded.
type Change<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&mut SpanExtra));

/// Which span an event belongs to.
pub(super) enum Place<'a> {
    /// The span that is entered on this thread.
    Here,
    /// Another span, or none.
    There(Option<SpanContext>, Change<'a>),
}

/// Records an event.
pub(super) fn record(events: Events, event: &Event<'_>, place: Place<'_>) {
    let context = match &place {
        // Do not use `SpanContext::current` here: OpenTelemetry logs through `tracing` while its
        // own context is locked.
        Place::Here => local().context(),
        Place::There(context, _) => *context,
    };
    let failed = *event.metadata().level() == TracingLevel::ERROR && is_failure(&place);
    let scope = context.map_or_else(|| local().scope(), |c| c.scope);
    let queue = match events {
        Events::Auto | Events::Logs | Events::Both => logs::of_scope(scope),
        Events::Spans | Events::Off => None,
    };
    let on_span = match events {
        Events::Auto => queue.is_none(),
        Events::Spans | Events::Both => true,
        Events::Logs | Events::Off => false,
    };
    let on_span = on_span && context.is_some_and(|c| c.is_sampled() && !c.is_remote());
    if queue.is_none() && !on_span && !failed {
        return;
    }
    let said = EventData::of(event, context);
    if let Some(queue) = queue {
        if !on_span && !failed {
            queue.push(said.record);
            return;
        }
        queue.push(said.record.clone());
    }
    let error = failed.then(|| said.error());
    let event = on_span.then(|| said.into_event());
    let mut change = |extra: &mut SpanExtra| {
        if let Some(event) = &event {
            extra.add_event(event.clone());
        }
        if let Some(error) = &error {
            extra.error.get_or_insert_with(|| error.clone());
        }
    };
    match place {
        Place::Here => current::change(&mut change),
        Place::There(_, on_parent) => on_parent(&mut change),
    }
}

/// Returns whether an event of level error marks its span as failed.
///
/// It does so for a span of `tracing`, which has no other way to fail. A function of obs fails by
/// what it returns.
fn is_failure(place: &Place<'_>) -> bool {
    match place {
        Place::Here => current::is_recording() && stack::current().is_some(),
        Place::There(context, _) => context.is_some_and(|c| c.is_sampled()),
    }
}

/// The content of an event.
struct EventData {
    record: LogRecord,
    /// The value of the field `error`.
    error: Option<String>,
}

/// The beginning of the name that `tracing` gives to events whose user gives none.
const NAMED_BY_PLACE: &str = "event ";

impl EventData {
    fn of(event: &Event<'_>, context: Option<SpanContext>) -> Self {
        let metadata = event.metadata();
        let name = metadata.name();
        let mut attributes = Vec::with_capacity(metadata.fields().len() + 2);
        if let Some(file) = metadata.file() {
            attributes.push((CODE_FILE_PATH.into(), file.into()));
        }
        if let Some(line) = metadata.line() {
            attributes.push((CODE_LINE_NUMBER.into(), line.into()));
        }
        let record = LogRecord {
            unix_nanos: unix_nanos(),
            level: site::level(*metadata.level()),
            event_name: (!name.starts_with(NAMED_BY_PLACE)).then_some(name.into()),
            target: metadata.target().into(),
            body: None,
            attributes,
            context,
        };
        let mut this = Self {
            record,
            error: None,
        };
        event.record(&mut this);
        this
    }

    fn error(&self) -> SpanError {
        let message = self.error.as_deref().or(self.record.body.as_deref());
        failure(message.map(|text| masked(text.to_owned())))
    }

    /// Converts to an event whose name is the message, as in `tracing-opentelemetry`.
    fn into_event(self) -> crate::trace::Event {
        let mut record = self.record;
        record.redact();
        let name = record.body.or(record.event_name);
        let mut attributes = record.attributes;
        let level = record.level.as_str().to_ascii_uppercase();
        attributes.push((Cow::Borrowed("level"), level.into()));
        attributes.push((Cow::Borrowed("target"), record.target.into()));
        crate::trace::Event {
            name: name.unwrap_or(Cow::Borrowed("event")),
            unix_nanos: record.unix_nanos,
            attributes,
        }
    }

    fn text(&mut self, field: &Field, text: Cow<'static, str>) {
        match field.name() {
            "message" => self.record.body = Some(text),
            // These fields come from the crate `log`, through `tracing-log`.
            "log.target" => {
                self.record.target = text;
                self.record.event_name = None;
            }
            "log.module_path" => {}
            "log.file" => self.value(CODE_FILE_PATH, text.into()),
            name => {
                if name == "error" {
                    self.error = Some(text.clone().into_owned());
                }
                self.value(name, text.into());
            }
        }
    }

    fn value(&mut self, key: &'static str, value: AttributeValue) {
        let key = if key == "log.line" {
            CODE_LINE_NUMBER
        } else {
            key
        };
        let attributes = &mut self.record.attributes;
        match attributes.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = value,
            None => attributes.push((Cow::Borrowed(key), value)),
        }
    }
}

impl Visit for EventData {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, Cow::Owned(value.to_owned()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn core::error::Error + 'static)) {
        self.text(field, Cow::Owned(WithCauses::of(value).text));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Do not even format it: the text would be masked anyway.
        if is_secret_key(field.name()) {
            self.value(field.name(), MASK.into());
        } else {
            self.text(field, formatted(format_args!("{value:?}")));
        }
    }
}
