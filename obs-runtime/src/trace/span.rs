//! Spans that are not a function: created, entered and ended by hand.
//!
//! The `span!` macro creates a [`Span`]; [`Instrument`](crate::Instrument) carries one with a future; [`Attached`]
//! makes a span that lives elsewhere the thread's context. Each guard puts back the context that it
//! found, so guards must be dropped on their thread and in reverse order.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use crate::callsite::Callsite;
use crate::lock::lock;
use crate::trace::SpanContext;
use crate::trace::active::Manual;
use crate::trace::attribute::{AttributeValue, Event, Link, SpanError, SpanExtra};
#[cfg(feature = "opentelemetry")]
use crate::trace::bridge::context as bridge;
use crate::trace::entered::{Entered, EnteredSpan};
use crate::trace::frame::FrameId;
use crate::trace::instrument::{Instrument as _, Instrumented};
use crate::trace::into_attributes::IntoAttributes;
#[cfg(feature = "tracing")]
use crate::trace::line_fields::{self, LineFields};
use crate::trace::local::{Saved, local};
#[cfg(feature = "llm")]
use crate::trace::open_call;
use crate::trace::suppress::is_suppressed;
use crate::trace::value::Value;
use crate::trace::view::Outcome;

/// A span that is held by hand. `span!` creates it, and dropping it ends it.
///
/// It is not entered by itself. It may be sent and shared; what is said of it through `&self` goes
/// to this span, whatever span is entered on the thread.
pub struct Span {
    /// None if the span is not recorded.
    inner: Option<Box<Inner>>,
}

struct Inner {
    manual: Manual,
    values: Vec<Value>,
    extra: Mutex<SpanExtra>,
    outcome: Outcome,
}

impl Span {
    /// Begins a span under the one that is entered here.
    #[doc(hidden)]
    pub fn begin(site: &'static Callsite, values: impl FnOnce() -> Vec<Value>) -> Self {
        let inner = Manual::begin(site, values).map(|(manual, values)| {
            let extra = SpanExtra {
                #[cfg(feature = "tracing")]
                line_fields: manual.line_fields.clone(),
                ..SpanExtra::default()
            };
            Box::new(Inner {
                manual,
                values,
                extra: Mutex::new(extra),
                outcome: Outcome::Ok,
            })
        });
        Self { inner }
    }

    /// Creates a span that records nothing.
    pub const fn none() -> Self {
        Self { inner: None }
    }

    /// Returns whether the span is recorded, that is, whether what is said of it has an effect.
    pub fn is_recording(&self) -> bool {
        self.inner.as_ref().is_some_and(|i| i.manual.is_recording())
    }

    /// Returns the span's identity; none while obs is off.
    pub fn context(&self) -> Option<SpanContext> {
        self.inner.as_ref().and_then(|i| i.manual.context())
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut SpanExtra)) -> &Self {
        if let Some(inner) = self.inner.as_ref().filter(|i| i.manual.is_recording()) {
            change(&mut lock(&inner.extra));
        }
        self
    }

    /// Adds something to the span.
    ///
    /// It is created first, because that may run code of the user's, which may change the span
    /// itself.
    fn tell<T>(&self, what: impl FnOnce() -> T, change: impl FnOnce(&mut SpanExtra, T)) -> &Self {
        if self.is_recording() {
            let what = what();
            self.change(|extra| change(extra, what));
        }
        self
    }

    /// Sets an attribute. The last value of a key wins.
    pub fn set_attribute(
        &self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<AttributeValue>,
    ) -> &Self {
        #[cfg(feature = "tracing")]
        if !self.is_recording() {
            let shown = self
                .inner
                .as_ref()
                .and_then(|i| i.manual.line_fields.as_ref());
            if let Some(fields) = shown {
                fields.record(&key.into(), &value.into());
            }
            return self;
        }
        self.tell(
            || (key.into(), value.into()),
            |extra, (key, value)| extra.set(key, value),
        )
    }

    /// Gives the span another name.
    pub fn set_name(&self, name: impl Into<Cow<'static, str>>) -> &Self {
        self.tell(|| name.into(), |extra, name| extra.name = Some(name))
    }

    /// Adds an event without attributes, which happens now.
    pub fn add_event(&self, name: impl Into<Cow<'static, str>>) -> &Self {
        self.tell(|| Event::now(name.into(), Vec::new()), SpanExtra::add_event)
    }

    /// Adds an event, which happens now: see [`current::add_event_with`](crate::current::add_event_with).
    ///
    /// ```
    /// use obs_runtime::{span, testing};
    ///
    /// let captured = testing::capture(|| {
    ///     span!("order").add_event("placed").add_event_with("retried", [("attempt", 2)]);
    /// });
    /// let events = &captured.span("order").events;
    /// assert_eq!(events[1].name, "retried");
    /// assert_eq!(events[1].attributes, [("attempt".into(), 2.into())]);
    /// ```
    pub fn add_event_with(
        &self,
        name: impl Into<Cow<'static, str>>,
        attributes: impl IntoAttributes,
    ) -> &Self {
        self.tell(|| Event::with(name, attributes), SpanExtra::add_event)
    }

    /// Links the span to another span.
    pub fn add_link(&self, context: SpanContext) -> &Self {
        self.change(|extra| extra.add_link(Link::to(context)))
    }

    /// Marks the span as failed. The first error stays; secrets in the message are masked.
    pub fn set_error(&self, kind: impl Into<Cow<'static, str>>, message: &str) -> &Self {
        self.tell(
            || SpanError::redacted(kind, message),
            |extra, error| {
                extra.error.get_or_insert(error);
            },
        )
    }

    /// Runs `f` inside the span.
    ///
    /// ```
    /// use obs_runtime::{current, span, testing};
    ///
    /// let captured = testing::capture(|| {
    ///     let rows = span!("read").in_scope(|_span| {
    ///         current::add_event("read");
    ///         3
    ///     });
    ///     assert_eq!(rows, 3);
    /// });
    /// assert_eq!(captured.span("read").events.len(), 1);
    /// ```
    pub fn in_scope<R>(&self, f: impl FnOnce(&Self) -> R) -> R {
        let _inside = self.enter();
        f(self)
    }

    /// Enters the span on this thread until the guard is dropped.
    ///
    /// The guard is not `Send` and must not be held over an `.await`: use
    /// [`Instrument::instrument`](crate::Instrument::instrument) there.
    #[must_use = "the span is left when the guard is dropped"]
    pub fn enter(&self) -> Entered<'_> {
        Entered::new(self)
    }

    /// Does the same with a guard that owns the span: dropping it leaves the span and ends it.
    ///
    /// ```
    /// use obs_runtime::{current, span, testing};
    ///
    /// let captured = testing::capture(|| {
    ///     let _read = span!("read").entered();
    ///     current::record("rows", 3);
    /// });
    /// captured.assert_tree("read rows=3");
    /// ```
    #[must_use = "the span ends when the guard is dropped"]
    pub fn entered(self) -> EnteredSpan {
        EnteredSpan::new(self)
    }

    /// Makes the span the context of this thread. None if it has no context of its own, as a call that
    /// is only counted.
    pub(super) fn attach(&self) -> Option<Attached> {
        let own = self.inner.as_ref().filter(|i| i.manual.has_context());
        let own = own.filter(|_| !is_suppressed());
        own.map(|inner| {
            let local = local();
            let saved = local.save();
            let frame = local.frame.get();
            inner.manual.enter(local);
            #[cfg(feature = "opentelemetry")]
            let state = inner.manual.state_inside(saved.span);
            Attached {
                saved,
                frame,
                brought: local.frame.get(),
                #[cfg(feature = "opentelemetry")]
                bridged: bridge::enter_manual(local, state, &inner.extra, |e| &mut e.boundary),
                not_send: PhantomData,
            }
        })
    }

    /// Puts back the context from before [`attach`](Self::attach), and keeps what was said of the span
    /// meanwhile.
    pub(super) fn detach(&self, inside: Attached) {
        let late = local().extra.replace(ptr::null_mut());
        drop(inside);
        if !late.is_null() {
            // SAFETY: this is what `current::set_attribute` and the like left while this span was
            // entered: from `Box::into_raw`, owned by the context that was just left.
            let late = unsafe { Box::from_raw(late) };
            self.change(|extra| extra.merge(*late));
        }
    }

    /// Enters the span at each poll of a future and ends it with the future: [`Instrument::instrument`](crate::Instrument::instrument)
    /// from the side of the span.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use obs_runtime::{span, testing};
    ///
    /// let captured = testing::capture_async(async {
    ///     span!("read", rows = 3).instrument(async {}).await;
    /// })
    /// .await;
    /// assert_eq!(captured.span("read").attribute("rows"), Some(&3.into()));
    /// # });
    /// ```
    pub fn instrument<F: Future>(self, future: F) -> Instrumented<F> {
        future.instrument(self)
    }

    /// Does the same for a future that can fail: an `Err` fails the span.
    pub fn try_instrument<F, T, E>(self, future: F) -> Instrumented<F>
    where
        F: Future<Output = Result<T, E>>,
        E: fmt::Display,
    {
        future.try_instrument(self)
    }

    /// Ends the span with another outcome than "ok".
    pub fn end(mut self, outcome: Outcome) {
        self.set_outcome(outcome);
    }

    pub(crate) fn set_outcome(&mut self, outcome: Outcome) {
        if let Some(inner) = &mut self.inner {
            inner.outcome = outcome;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            let inner = *inner;
            let extra = inner.extra.into_inner();
            let mut extra = extra.unwrap_or_else(PoisonError::into_inner);
            let outcome = match inner.outcome {
                Outcome::Ok if inner.manual.unwinds() => {
                    extra.error.get_or_insert_with(|| inner.manual.panic());
                    Outcome::Panicked
                }
                outcome => outcome,
            };
            inner.manual.end(outcome, inner.values, extra);
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span")
            .field("context", &self.context())
            .finish_non_exhaustive()
    }
}

/// A future under a span that lives elsewhere.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct InContext<F> {
    inner: F,
    context: Option<SpanContext>,
    /// The `Observability` that records where there is no span, if not that of the thread: a task
    /// that is spawned in a test belongs to the test's capture.
    scope: Option<u16>,
    /// The frame in which it works.
    frame: FrameId,
    /// What log lines inside of it show.
    #[cfg(feature = "tracing")]
    line_fields: Option<LineFields>,
    /// What the call in whose body it was made shows there. Who polls it may work in the body of another.
    #[cfg(feature = "llm")]
    open: Option<open_call::Place>,
}

impl<F> InContext<F> {
    pub(crate) fn new(inner: F, context: Option<SpanContext>, scope: Option<u16>) -> Self {
        // A context that came from elsewhere has not brought its fields.
        #[cfg(feature = "tracing")]
        let line_fields = line_fields::here()
            .filter(|_| context == SpanContext::current())
            .map(LineFields::of_another);
        let here = local().frame.get();
        let frame = context.filter(|c| !c.is_remote()).map_or(here, |c| c.frame);
        Self {
            inner,
            context,
            scope,
            frame,
            #[cfg(feature = "tracing")]
            line_fields,
            #[cfg(feature = "llm")]
            open: open_call::running(),
        }
    }

    /// Runs as a part of a call, whoever polls it.
    #[cfg(feature = "llm")]
    pub(crate) fn in_call(mut self, place: Option<open_call::Place>) -> Self {
        self.open = place;
        self
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` is never moved out of its place; the context is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        #[cfg(feature = "tracing")]
        let mut inside = Attached::showing(this.context.as_ref(), this.line_fields.as_ref());
        #[cfg(not(feature = "tracing"))]
        let mut inside = Attached::new(this.context.as_ref());
        #[cfg(feature = "llm")]
        let _open = open_call::Open::new(this.open.clone());
        if this.frame != FrameId::NONE {
            local().frame.set(this.frame);
            inside.brought = this.frame;
        }
        if let (None, Some(scope)) = (this.context, this.scope) {
            local().set_scope(scope);
        }
        // SAFETY: as above.
        unsafe { Pin::new_unchecked(&mut this.inner) }.poll(cx)
    }
}

/// A guard: a span that lives elsewhere is the thread's context until the guard is dropped.
#[derive(Debug)]
#[must_use = "the context is left when the guard is dropped"]
pub struct Attached {
    saved: Saved,
    /// The frame before, and the one that was brought.
    frame: FrameId,
    brought: FrameId,
    #[cfg(feature = "opentelemetry")]
    bridged: bool,
    /// The thread's context must be put back on this thread.
    not_send: PhantomData<*const ()>,
}

impl Attached {
    pub(crate) fn new(context: Option<&SpanContext>) -> Self {
        let local = local();
        let saved = local.save();
        let frame = local.frame.get();
        local.attach(context);
        Self {
            saved,
            frame,
            brought: local.frame.get(),
            #[cfg(feature = "opentelemetry")]
            bridged: bridge::enter_attached(local),
            not_send: PhantomData,
        }
    }

    /// Does the same where log lines show fields.
    #[cfg(feature = "tracing")]
    pub(crate) fn showing(context: Option<&SpanContext>, fields: Option<&LineFields>) -> Self {
        let this = Self::new(context);
        if !is_suppressed() {
            local().extra.set(line_fields::late_data(fields.cloned()));
        }
        this
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let local = local();
        #[cfg(feature = "opentelemetry")]
        if self.bridged {
            bridge::leave(local.span.get());
        }
        #[cfg(feature = "tracing")]
        if local.extra.get() != self.saved.extra {
            // SAFETY: what is attached takes no late data but the fields that log lines show.
            unsafe {
                line_fields::free(local.extra.replace(ptr::null_mut()));
            }
        }
        // A frame that was opened meanwhile, and is still open, is left by whoever opened it.
        if self.brought != FrameId::NONE && local.frame.get() == self.brought {
            local.frame.set(self.frame);
        }
        local.restore(&self.saved);
    }
}

impl SpanContext {
    /// Makes this span the parent of what begins on this thread until the guard is dropped.
    ///
    /// ```
    /// let context = obs_runtime::SpanContext::current();
    /// std::thread::spawn(move || {
    ///     let _entered = context.as_ref().map(obs_runtime::SpanContext::attach);
    ///     // Spans begun here are children of the span of the other thread.
    /// })
    /// .join()
    /// .unwrap();
    /// ```
    pub fn attach(&self) -> Attached {
        Attached::new(Some(self))
    }
}
