//! The base of spans that are held by hand: `Span`, those of `tracing`, those of OpenTelemetry's
//! API.
//!
//! Unlike the guards of annotated functions, such a span may be sent, and may end on another thread
//! than the one it began on. Its late data is kept by whoever holds it, not by the thread's
//! context.

use core::mem::ManuallyDrop;
use core::ptr;

use super::future::{FutureCore, FutureSpan};
use super::{OWN, exception, mode, unwinding};
use crate::callsite::Callsite;
#[cfg(feature = "opentelemetry")]
use crate::clock;
use crate::trace::attribute::{SpanError, SpanExtra};
#[cfg(feature = "opentelemetry")]
use crate::trace::bridge::context as bridge;
use crate::trace::context::Origin;
use crate::trace::frame::FrameId;
use crate::trace::gate;
#[cfg(feature = "tracing")]
use crate::trace::line_fields::{self, LineFields};
use crate::trace::local::{self, Local, flag, local};
use crate::trace::value::Value;
use crate::trace::view::Outcome;
use crate::trace::{SpanContext, SpanId, TraceFlags};

/// A span that is held by hand. It may end on another thread than the one it began on.
pub(crate) struct Manual {
    core: FutureCore,
    /// The frame that was open where the span began.
    frame: FrameId,
    /// What log lines inside of it show.
    #[cfg(feature = "tracing")]
    pub(crate) line_fields: Option<LineFields>,
}

// SAFETY: the extra pointer of a manual span stays null; the rest is plain data.
unsafe impl Send for Manual {}
// SAFETY: as above; nothing can be changed through a shared reference.
unsafe impl Sync for Manual {}

impl Manual {
    /// Begins a span under the thread's context, and evaluates its values if it is recorded.
    ///
    /// Returns nothing while obs is off.
    pub(crate) fn begin(
        site: &'static Callsite,
        values: impl FnOnce() -> Vec<Value>,
    ) -> Option<(Self, Vec<Value>)> {
        let gate = gate::gate();
        if gate == 0 {
            return None;
        }
        let local = local();
        let mut core = FutureSpan::<0>::idle(site);
        core.start(local, gate);
        #[cfg(feature = "tracing")]
        // SAFETY: the call has just begun, and gives away what it has.
        let line_fields =
            unsafe { line_fields::take(core::mem::replace(&mut core.extra, ptr::null_mut())) };
        let asks = core.state & mode::MASK == mode::PENDING;
        let mut evaluated = Vec::new();
        if asks || core.state & mode::MASK == mode::RECORD {
            evaluated = values();
        }
        if asks {
            #[cfg(feature = "tracing")]
            if let Some(fields) = &line_fields {
                fields.say(&evaluated);
            }
            core.decide(local.flags.get(), &evaluated);
        }
        core.state |= unwinding();
        let this = Self {
            core,
            frame: local.frame.get(),
            #[cfg(feature = "tracing")]
            line_fields,
        };
        (this.core.state & mode::MASK != mode::OFF).then_some((this, evaluated))
    }

    /// Begins a span under a parent that need not be the thread's context.
    ///
    /// Without a parent the span begins a trace. The thread's context stays as it is.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn begin_under(
        site: &'static Callsite,
        parent: Option<&SpanContext>,
    ) -> Option<Self> {
        let gate = gate::level();
        if gate == 0 {
            return None;
        }
        let local = local();
        let saved = local.save();
        let frame = local.frame.get();
        local.attach(parent);
        let mut core = FutureSpan::<0>::idle(site);
        core.start(local, gate);
        // The level is no gate, which would say that the counter of the processor is no clock here.
        core.start = clock::ticks();
        local.restore(&saved);
        core.state |= unwinding();
        let this = Self {
            core,
            frame: local.frame.replace(frame),
            #[cfg(feature = "tracing")]
            line_fields: None,
        };
        (this.core.state & mode::MASK != mode::OFF).then_some(this)
    }

    /// Returns the mode and the flags of the context, for entering the span inside the span
    /// `outer`.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn state_inside(&self, outer: u64) -> u64 {
        self.core.state | bridge::away(outer, self.core.parent)
    }

    /// Sets when the span began, in ticks.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn started_at(&mut self, ticks: u64) {
        self.core.start = ticks;
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.core.state & mode::MASK == mode::RECORD
    }

    /// Returns whether the span began a trace of its own.
    #[cfg(feature = "tracing")]
    pub(crate) fn is_root(&self) -> bool {
        self.has_context() && self.core.parent == 0
    }

    /// Begins the same span again under the thread's context, which was not known the first time.
    #[cfg(feature = "tracing")]
    pub(crate) fn begin_again(self, values: Vec<Value>) -> (Self, Vec<Value>) {
        let mut given = Some(values);
        match Self::begin(self.core.site, || given.take().unwrap_or_default()) {
            Some((mut again, values)) => {
                again.core.start = self.core.start;
                (again, values)
            }
            None => (self, given.unwrap_or_default()),
        }
    }

    /// Returns whether the thread unwinds, and did not yet when the span began.
    pub(crate) fn unwinds(&self) -> bool {
        std::thread::panicking() && self.core.state & mode::UNWINDING == 0
    }

    /// Returns the error of the panic that ends the span.
    pub(crate) fn panic(&self) -> SpanError {
        SpanError::of_panic(self.core.span, self.core.parent)
    }

    /// Returns whether the span has an identity. A call that is only counted has none.
    pub(crate) fn has_context(&self) -> bool {
        self.core.span != 0
    }

    pub(crate) fn context(&self) -> Option<SpanContext> {
        let core = &self.core;
        self.has_context().then(|| SpanContext {
            trace_id: local::trace_id(core.trace_hi, core.trace_lo),
            span_id: SpanId(core.span),
            flags: TraceFlags(core.state as u8),
            origin: Origin::Here,
            scope: (core.state >> flag::SCOPE_SHIFT) as u16,
            frame: self.frame,
        })
    }

    /// Makes the span the thread's context. The caller has saved the old one.
    pub(crate) fn enter(&self, local: &Local) {
        local.trace_hi.set(self.core.trace_hi);
        local.trace_lo.set(self.core.trace_lo);
        local.span.set(self.core.span);
        local.carry(self.frame);
        local.flags.set(self.core.state & !mode::ALL & OWN);
        #[cfg(feature = "tracing")]
        local
            .extra
            .set(line_fields::late_data(self.line_fields.clone()));
        #[cfg(not(feature = "tracing"))]
        local.extra.set(ptr::null_mut());
    }

    /// Says at the end of the span that it is of another callsite, with the same keys.
    #[cfg(all(feature = "llm", any(feature = "tracing", feature = "opentelemetry")))]
    pub(crate) fn recast(&mut self, site: &'static Callsite) {
        self.core.site = site;
    }

    /// Ends the span with its values and its late data.
    pub(crate) fn end(mut self, outcome: Outcome, values: Vec<Value>, mut extra: SpanExtra) {
        #[cfg(feature = "opentelemetry")]
        bridge::merge(&mut extra);
        // `merge` above has done what the bridge would look for in the extra part.
        self.core.state &= !mode::BOUNDARY;
        if self.is_recording() {
            let core = &self.core;
            let error = extra.error.take();
            extra.error = error.map(|error| exception::decide(error, core.span, core.parent));
            if !extra.is_empty() {
                self.core.extra = Box::into_raw(Box::new(extra));
            }
            self.core.state |= mode::FIELDS;
        }
        let mut values = ManuallyDrop::new(values);
        let len = values.len();
        // SAFETY: there are `len` initialised values, given away; their allocation is freed below
        // without them.
        unsafe {
            self.core.finish_slow(outcome, values.as_mut_ptr(), len);
            values.set_len(0);
        }
        drop(ManuallyDrop::into_inner(values));
    }
}
