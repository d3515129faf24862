//! A span of ours as OpenTelemetry sees it.
//!
//! OpenTelemetry's context holds a handle, whose changes go to the entered span, or wait in a
//! mailbox until the span ends if it is not entered on the thread that speaks.

use core::fmt;
use std::borrow::Cow;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::SystemTime;

use ::opentelemetry::trace::{self as otel, Status, TraceContextExt as _};
use ::opentelemetry::{Context, KeyValue};

use super::{context, data};
use crate::trace::SpanContext;
use crate::trace::attribute::SpanExtra;
use crate::trace::local::{flag, local};
use crate::trace::mailbox::Mailbox;

/// The data that a span of ours needs while OpenTelemetry knows it.
#[derive(Clone)]
pub(crate) struct Boundary {
    cx: Context,
    mailbox: Arc<Mailbox>,
}

// The context is only cloned and attached, and a mailbox holds whole values: a panic leaves nothing
// half done. Futures of annotated functions have it behind a pointer, and are unwind safe if their
// bodies are.
impl UnwindSafe for Boundary {}
impl RefUnwindSafe for Boundary {}

impl Boundary {
    /// Creates the boundary of a span, with everything else that OpenTelemetry's context of this
    /// thread holds.
    pub(super) fn new(span: &SpanContext) -> Self {
        let mailbox = Arc::<Mailbox>::default();
        let handle = BoundarySpan {
            context: span.to_opentelemetry(),
            id: span.span_id.0,
            mailbox: Arc::clone(&mailbox),
        };
        let cx = Context::current_with_span(handle);
        Self { cx, mailbox }
    }

    pub(super) fn context(&self) -> Context {
        self.cx.clone()
    }

    /// Returns the changes that were made, and counts later ones as late.
    pub(super) fn close(&self) -> Option<Box<SpanExtra>> {
        self.mailbox.close()
    }
}

impl fmt::Debug for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Boundary")
            .field("cx", &self.cx)
            .finish_non_exhaustive()
    }
}

/// The span in OpenTelemetry's context.
struct BoundarySpan {
    context: otel::SpanContext,
    id: u64,
    mailbox: Arc<Mailbox>,
}

impl BoundarySpan {
    /// Changes the span.
    ///
    /// If the span, or one inside it, is the thread's context, the change goes to the innermost
    /// one, as with `current`. Otherwise it waits for the end of the span.
    fn change(&self, change: impl FnOnce(&mut SpanExtra)) {
        if !self.context.is_sampled() {
            return;
        }
        let local = local();
        let here = local.flags.get() & (flag::SAMPLED | flag::ATTACHED) == flag::SAMPLED;
        if here && context::seen() == self.id {
            change(local.late());
            return;
        }
        self.mailbox.change(change);
    }
}

impl otel::Span for BoundarySpan {
    fn record_error(&mut self, error: &dyn core::error::Error) {
        let attributes = data::exception(error);
        self.add_event(data::EXCEPTION, attributes);
    }

    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        let event = data::event(name.into(), timestamp, attributes);
        self.change(|extra| extra.add_event(event));
    }

    fn span_context(&self) -> &otel::SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.context.is_sampled() && !self.mailbox.is_closed()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.change(|extra| data::set(extra, attribute));
    }

    fn set_status(&mut self, status: Status) {
        let status = data::status(status);
        self.change(|extra| extra.set_status(status));
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, new_name: T) {
        // The conversion is code of the user's, which may use this span.
        let name = new_name.into();
        self.change(|extra| extra.name = Some(name));
    }

    fn add_link(&mut self, span_context: otel::SpanContext, attributes: Vec<KeyValue>) {
        if let Some(link) = data::link(&span_context, attributes) {
            self.change(|extra| extra.add_link(link));
        }
    }

    /// Does nothing: the span ends when its function does.
    fn end_with_timestamp(&mut self, _: SystemTime) {}
}
