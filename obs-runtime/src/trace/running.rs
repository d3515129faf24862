//! The running span of obs, for somebody who holds it elsewhere: in another call, on another thread.
//!
//! The guard of a call is on its stack, where nobody finds it. What can be had is its context, and a
//! mailbox in its late data, which is emptied when the call ends.

use std::sync::Arc;

use crate::self_obs;
use crate::trace::attribute::SpanExtra;
use crate::trace::current::is_recording;
use crate::trace::line_fields::{self, LineFields};
use crate::trace::local::{self, flag, local};
use crate::trace::mailbox::Mailbox;
use crate::trace::suppress::is_suppressed;
use crate::trace::{SpanContext, gate, stack};

/// A span of obs that was the thread's context.
#[derive(Debug)]
pub(crate) struct Running {
    context: SpanContext,
    /// None if only its context was here, or if it is not recorded.
    mailbox: Option<Arc<Mailbox>>,
    line_fields: Option<LineFields>,
}

impl Running {
    /// Returns the span that is entered on this thread, if it is one of obs: none if it is one of
    /// `tracing`.
    pub(crate) fn here() -> Option<Self> {
        if gate::gate() == 0 || is_suppressed() || stack::is_current() {
            return None;
        }
        let context = local::current()?;
        let mailbox = is_here(&context).then(|| local().late().mailboxes.get());
        Some(Self {
            context,
            mailbox,
            line_fields: line_fields::here(),
        })
    }

    pub(crate) const fn context(&self) -> SpanContext {
        self.context
    }

    /// Returns what log lines inside of the span show.
    pub(crate) fn line_fields(&self) -> Option<LineFields> {
        self.line_fields.clone().map(LineFields::of_another)
    }

    /// Changes the span: at once if it is the thread's context, else when it ends. What cannot reach
    /// it any more is counted as late.
    pub(crate) fn change(&self, change: impl FnOnce(&mut SpanExtra)) {
        if is_here(&self.context) {
            return change(local().late());
        }
        let change = |extra: &mut SpanExtra| {
            extra.line_fields.clone_from(&self.line_fields);
            change(extra);
        };
        if let Some(mailbox) = &self.mailbox {
            mailbox.change(change);
        } else if self.context.is_sampled() {
            self_obs::count_late();
        } else if self.line_fields.is_some() {
            // The span is not recorded, but its lines are written.
            change(&mut SpanExtra::default());
        }
    }
}

/// Whether the span is recorded and entered on this thread, and takes late data here.
fn is_here(context: &SpanContext) -> bool {
    let local = local();
    is_recording()
        && local.flags.get() & flag::ATTACHED == 0
        && local.span.get() == context.span_id.0
        && local.trace_lo.get() == context.trace_id.0 as u64
}
