//! What code inside a span can say about it: attributes, events, an error, another name.
//!
//! The functions act on the span that is entered on this thread. Outside of any recorded span they do
//! nothing: the program is the same with and without obs. Data for a span that only its context
//! brought here is counted as `late`.
//!
//! ```
//! use obs_runtime::current;
//!
//! fn lookup(key: &str) -> Option<u32> {
//!     current::set_attribute("cache.hit", true);
//!     current::add_event("looked up");
//! #   let _ = key;
//!     Some(1)
//! }
//! # lookup("a");
//! ```

use std::borrow::Cow;

use crate::self_obs;
use crate::trace::SpanContext;
use crate::trace::attribute::{AttributeValue, Event, Link, SpanError, SpanExtra};
use crate::trace::clock::unix_nanos;
use crate::trace::gate;
use crate::trace::local::{Local, flag, local};

/// Whether a span is entered here that is recorded: whether the other functions have an effect.
#[inline]
pub fn is_recording() -> bool {
    gate::gate() != 0 && local().flags.get() & flag::SAMPLED != 0
}

#[inline]
fn with_extra(change: impl FnOnce(&mut SpanExtra)) {
    if is_recording() {
        let local = local();
        if local.flags.get() & flag::ATTACHED != 0 {
            self_obs::count_late();
        } else {
            change(extra(local));
        }
    }
}

#[cold]
#[allow(
    clippy::mut_from_ref,
    reason = "what the cell points to is the span's own"
)]
pub(crate) fn extra(local: &Local) -> &mut SpanExtra {
    let mut here = local.extra.get();
    if here.is_null() {
        here = Box::into_raw(Box::default());
        local.extra.set(here);
    }
    // SAFETY: the pointer is from `Box::into_raw`, belongs to the entered span, and is used by this
    // thread alone; no reference to it is kept between calls.
    unsafe { &mut *here }
}

/// Changes the entered span, if it is recorded.
#[cfg(feature = "tracing")]
pub(crate) fn change(change: &mut dyn FnMut(&mut SpanExtra)) {
    with_extra(change);
}

/// Sets an attribute of the entered span; the last value of a key wins.
pub fn set_attribute(key: impl Into<Cow<'static, str>>, value: impl Into<AttributeValue>) {
    with_extra(|extra| extra.set(key.into(), value.into()));
}

/// Gives the entered span another name. Metrics keep the callsite's.
pub fn set_name(name: impl Into<Cow<'static, str>>) {
    with_extra(|extra| extra.name = Some(name.into()));
}

/// Adds an event without attributes to the entered span.
pub fn add_event(name: impl Into<Cow<'static, str>>) {
    add_event_with(name, Vec::new());
}

/// Adds an event to the entered span.
pub fn add_event_with(
    name: impl Into<Cow<'static, str>>,
    attributes: Vec<(Cow<'static, str>, AttributeValue)>,
) {
    with_extra(|extra| {
        extra.add_event(Event {
            name: name.into(),
            unix_nanos: unix_nanos(),
            attributes,
        });
    });
}

/// Links the entered span to another.
pub fn add_link(context: SpanContext) {
    with_extra(|extra| {
        extra.add_link(Link {
            context,
            attributes: Vec::new(),
        });
    });
}

/// Says that the entered span failed, though its function may return normally. The first error stays.
///
/// `kind` becomes `error.type`: few different values. The message passes the redaction.
pub fn set_error(kind: impl Into<Cow<'static, str>>, message: &str) {
    with_extra(|extra| {
        extra.error.get_or_insert_with(|| {
            let message = crate::processor::redact::redact(message).into_owned();
            SpanError::new(kind, Some(message))
        });
    });
}
