//! Functions that say more about the span that is entered: attributes, events, an error, a name.
//!
//! They act on the span that is entered on this thread. Outside of any recorded span they do
//! nothing, so that the program does the same with and without obs. Data for a span of which only
//! the context is here ([`SpanContext::attach`]) is dropped and counted as `late`.
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
use crate::trace::attribute::{AttributeValue, Event, Link, SpanError, SpanExtra};
use crate::trace::gate;
use crate::trace::into_attributes::IntoAttributes;
#[cfg(feature = "tracing")]
use crate::trace::line_fields;
use crate::trace::local::{flag, local};
pub use crate::trace::suppress::suppress;
use crate::trace::{Capture, SpanContext};

/// Returns whether a recorded span is entered here.
///
/// The other functions have an effect only then.
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
            change(local.late());
        }
    }
}

/// Adds something to the entered span.
///
/// It is created first, because that may run code of the user's, which may change the span itself.
#[inline]
fn tell<T>(what: impl FnOnce() -> T, change: impl FnOnce(&mut SpanExtra, T)) {
    if is_recording() {
        let what = what();
        with_extra(|extra| change(extra, what));
    }
}

/// Changes the entered span, if it is recorded.
#[cfg(feature = "tracing")]
pub(crate) fn change(change: &mut dyn FnMut(&mut SpanExtra)) {
    with_extra(change);
}

/// Sets an attribute of the entered span. The last value of a key wins.
///
/// ```
/// use obs_runtime::{current, testing, traced};
///
/// #[traced]
/// fn lookup() {
///     current::set_attribute("cache.hit", true);
/// }
///
/// let captured = testing::capture(lookup);
/// assert_eq!(captured.span("lookup").attribute("cache.hit"), Some(&true.into()));
/// ```
pub fn set_attribute(key: impl Into<Cow<'static, str>>, value: impl Into<AttributeValue>) {
    set(|| Some((key.into(), value.into())));
}

fn set(what: impl FnOnce() -> Option<(Cow<'static, str>, AttributeValue)>) {
    #[cfg(feature = "tracing")]
    if !is_recording() {
        return line_fields::record(what);
    }
    tell(what, |extra, what| {
        if let Some((key, value)) = what {
            extra.set(key, value);
        }
    });
}

/// Records the value of a field that becomes known while the call runs: what `fields(…)` takes,
/// `record` takes too. `None` records nothing.
///
/// It is what `Span::current().record(…)` is in `tracing`. The field may be declared, as in
/// `fields(rows)`, or not.
///
/// ```
/// use obs_runtime::{current, testing, traced};
///
/// #[traced(fields(rows, host))]
/// fn load(user: &str) {
///     current::record("rows", 3_usize);
///     current::record("host", Some(user));
/// }
///
/// testing::capture(|| load("ada")).assert_tree("load rows=3 host=ada");
/// ```
pub fn record(key: impl Into<Cow<'static, str>>, value: impl Capture) {
    set(|| Some((key.into(), value.capture().to_attribute()?)));
}

/// Gives the entered span another name. Metrics keep the name of the callsite.
pub fn set_name(name: impl Into<Cow<'static, str>>) {
    tell(|| name.into(), |extra, name| extra.name = Some(name));
}

/// Adds an event without attributes to the entered span.
pub fn add_event(name: impl Into<Cow<'static, str>>) {
    tell(|| Event::now(name.into(), Vec::new()), SpanExtra::add_event);
}

/// Adds an event to the entered span. Its attributes are pairs of a key and a value: an array or a
/// vector if the values have one type, a tuple if they have several.
///
/// ```
/// use obs_runtime::current;
///
/// current::add_event_with("retried", [("attempt", 2)]);
/// current::add_event_with("moved", (("to", "shelf 4"), ("items", 3)));
/// ```
pub fn add_event_with(name: impl Into<Cow<'static, str>>, attributes: impl IntoAttributes) {
    tell(|| Event::with(name, attributes), SpanExtra::add_event);
}

/// Links the entered span to another span.
pub fn add_link(context: SpanContext) {
    with_extra(|extra| extra.add_link(Link::to(context)));
}

/// Marks the entered span as failed, though its function may return normally.
///
/// The first error stays. `kind` becomes `error.type`, so it should have few different values.
/// Secrets in the message are masked.
pub fn set_error(kind: impl Into<Cow<'static, str>>, message: &str) {
    tell(
        || SpanError::redacted(kind, message),
        |extra, error| {
            extra.error.get_or_insert(error);
        },
    );
}

#[cfg(test)]
#[path = "current_tests.rs"]
mod tests;
