//! `tracing`'s `Span::current()` inside annotated functions: a span of the subscriber that stands for
//! the function's.
//!
//! Only a subscriber is asked for the current span, a layer is not. So one stands around the
//! program's, and passes everything on but that question. The answer is a span of the registry that
//! is made when it is asked for: an annotated function does nothing for it. The layer of obs finds
//! the running function on the thread, and keeps its context and its mailbox in that span's data. Who
//! enters the span is in the function's context, on any thread; what is recorded of it goes to the
//! function.

use core::any::TypeId;
use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::HashSet;
use std::sync::{Once, OnceLock};

use ::tracing::callsite::{Callsite, Identifier};
use ::tracing::field::FieldSet;
use ::tracing::level_filters::LevelFilter;
use ::tracing::metadata::Kind;
use ::tracing::span::{Attributes, Id, Record};
use ::tracing::subscriber::Interest;
use ::tracing::{Dispatch, Event, Level, Metadata, Subscriber};
use tracing_core::span::Current;

use super::layer::ObsLayer;
use crate::registry;
use crate::self_log;
use crate::trace::running::Running;

/// The subscriber that the function [`around`] returns.
#[derive(Debug)]
pub struct Around<S> {
    inner: S,
    /// Tells it apart from all others, before it and after it.
    number: u64,
    has_layer: bool,
}

/// Puts a subscriber around the program's, so that `tracing`'s `Span::current()` inside an annotated
/// function is the span of that function.
///
/// Then `Span::current().record(…)`, `.in_scope(…)`, `.instrument(Span::current())` and
/// `.in_current_span()` are about the function, on every thread that the span is taken to. Fields
/// are those that some annotated function has: recorded, constant or declared. The subscriber must
/// have the [`layer`](super::layer) of obs; without it, everything stays as it is.
/// [`init`](super::init) does this itself.
///
/// A layer of the subscriber may ask as well. Where it is told that such a span begins, or that any
/// span ends, it gets the span that the subscriber inside has entered.
///
/// A function does nothing for it: the span is made for each `Span::current()`. So two of them are
/// not equal, and formatters that list the spans of a line show it, by the name `obs`, while it is
/// entered.
///
/// ```
/// use obs_runtime::interop::tracing::{around, layer};
/// use obs_runtime::{testing, traced};
/// use tracing_subscriber::prelude::*;
///
/// #[traced(fields(rows))]
/// fn load() {
///     tracing::Span::current().record("rows", 3);
/// }
///
/// let subscriber = around(tracing_subscriber::registry().with(layer()));
/// let captured = testing::capture(|| tracing::subscriber::with_default(subscriber, load));
/// captured.assert_tree("load rows=3");
/// ```
pub fn around<S: Subscriber>(subscriber: S) -> Around<S> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let has_layer = (&subscriber as &dyn Subscriber).is::<ObsLayer>();
    if !has_layer {
        static SAID: Once = Once::new();
        SAID.call_once(|| self_log::once(NO_LAYER.to_owned()));
    }
    Around {
        inner: subscriber,
        number: NEXT.fetch_add(1, Ordering::Relaxed),
        has_layer,
    }
}

const NO_LAYER: &str = "`around` stands around a `tracing` subscriber without the layer of obs, or with it inside a \
    `reload::Layer`: `Span::current()` inside annotated functions stays what it was; add \
    `obs_runtime::interop::tracing::layer()` itself";

thread_local! {
    /// The running span, from the question until the layer takes it.
    static ASKED: RefCell<Option<Running>> = const { RefCell::new(None) };
    /// The span of the last answer, whose first owner has not come yet, and the number of its
    /// subscriber.
    static FRESH: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
    /// Whether the subscriber inside is told of a span that may be an answer, or of its end.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// A guard: while it is there, no question on this thread gets an answer. Each would make another
/// span, of which the layers that ask would be told again.
struct Telling {
    before: bool,
}

impl Telling {
    fn begin() -> Self {
        Self {
            before: TELLING.replace(true),
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        TELLING.set(self.before);
    }
}

/// Returns the running span that a new span of the subscriber is to stand for.
pub(super) fn asked(metadata: &'static Metadata<'static>) -> Option<Running> {
    if !stands_for_another(metadata) {
        return None;
    }
    ASKED.try_with(RefCell::take).ok().flatten()
}

/// Returns whether spans of this callsite are answers.
pub(super) fn stands_for_another(metadata: &Metadata<'_>) -> bool {
    metadata.callsite() == Identifier(&CALLSITE)
}

/// The callsite of all answers. Which function runs is known only to its guard.
struct Answers {
    /// A value without a size would have no address of its own.
    _size: u8,
}

static CALLSITE: Answers = Answers { _size: 0 };

impl Callsite for Answers {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        metadata()
    }
}

fn metadata() -> &'static Metadata<'static> {
    static METADATA: OnceLock<Metadata<'static>> = OnceLock::new();
    METADATA.get_or_init(|| {
        let fields = FieldSet::new(Vec::leak(keys()), Identifier(&CALLSITE));
        // Filters by level must not hide it: the function may have any.
        Metadata::new(
            "obs",
            "obs",
            Level::ERROR,
            None,
            None,
            None,
            fields,
            Kind::SPAN,
        )
    })
}

/// The keys of all annotated functions. `tracing` does not record other fields than a span has.
fn keys() -> Vec<&'static str> {
    let mut seen = HashSet::new();
    let keys = registry::callsites().flat_map(|site| {
        let constants = site.constants().iter().map(|(key, _)| *key);
        let keys = site.keys().iter().chain(site.declared()).copied();
        keys.chain(constants)
    });
    keys.filter(|key| !key.is_empty() && seen.insert(*key))
        .collect()
}

impl<S: Subscriber> Around<S> {
    /// Returns a new span for the function that runs here.
    fn answer(&self) -> Option<Current> {
        // Other layers would take a question for a span of the program's.
        if !self.has_layer || TELLING.get() {
            return None;
        }
        let _telling = Telling::begin();
        let running = Running::here()?;
        ASKED.try_with(|asked| asked.replace(Some(running))).ok()?;
        let metadata = metadata();
        // Filters of single layers note here whom they keep the span from. What a filter of the whole
        // subscriber says is of no concern: the function runs, and is recorded.
        let _ = self.inner.enabled(metadata);
        let id = self.inner.new_span(&Attributes::new(
            metadata,
            &metadata.fields().value_set(&[]),
        ));
        let is_taken = ASKED.try_with(|asked| asked.take().is_none());
        if !is_taken.unwrap_or(false) {
            // A filter keeps the layer of obs from seeing it.
            self.inner.try_close(id);
            return None;
        }
        let unowned = FRESH.replace(Some((self.number, id.into_u64())));
        if let Some((number, id)) = unowned
            && number == self.number
        {
            self.inner.try_close(Id::from_u64(id));
        }
        Some(Current::new(id, metadata))
    }
}

impl<S: Subscriber> Subscriber for Around<S> {
    fn current_span(&self) -> Current {
        self.answer().unwrap_or_else(|| self.inner.current_span())
    }

    /// Gives an answer to its first owner, who counts as the one that made it.
    fn clone_span(&self, id: &Id) -> Id {
        let fresh = Some((self.number, id.into_u64()));
        if FRESH.get() == fresh {
            FRESH.set(None);
            return id.clone();
        }
        self.inner.clone_span(id)
    }

    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.inner.on_register_dispatch(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner.max_level_hint()
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.inner.new_span(attributes)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.inner.record(id, values);
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        self.inner.record_follows_from(id, follows);
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.inner.event(event);
    }

    fn enter(&self, id: &Id) {
        self.inner.enter(id);
    }

    fn exit(&self, id: &Id) {
        self.inner.exit(id);
    }

    fn try_close(&self, id: Id) -> bool {
        let _telling = Telling::begin();
        self.inner.try_close(id)
    }

    #[allow(deprecated, reason = "a subscriber may still count its spans by it")]
    fn drop_span(&self, id: Id) {
        let _telling = Telling::begin();
        self.inner.drop_span(id);
    }

    /// Finds what is in the program's subscriber: its registry and its layers.
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(core::ptr::from_ref(self).cast());
        }
        // SAFETY: the caller's promise, which is the one that the subscriber inside asks for.
        unsafe { self.inner.downcast_raw(id) }
    }
}
