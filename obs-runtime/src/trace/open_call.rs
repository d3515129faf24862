//! What runs on this thread, beside its span: a place that a call opens while its body works, for whoever wants to tell
//! the call something from inside.
//!
//! It does not depend on sampling, as the span does. A task that carries the span carries it too.

use core::any::Any;
use core::fmt::Debug;
use core::sync::atomic::{AtomicBool, Ordering};
use std::cell::RefCell;
use std::sync::Arc;

#[cfg(any(feature = "tracing", feature = "opentelemetry"))]
use super::attribute::AttributeValue;

/// What a call shows to its body.
#[derive(Clone, Debug)]
pub struct Place {
    pub(crate) call: Arc<dyn OpenCall>,
    /// The attempt of the call inside of which the work is done, if a layer sees it.
    pub(crate) within: Option<usize>,
}

impl Place {
    pub(crate) fn new(call: Arc<dyn OpenCall>) -> Self {
        Self { call, within: None }
    }
}

/// A call that runs, as those inside see it.
pub(crate) trait OpenCall: Any + Debug + Send + Sync {
    /// A span of this client begins inside, which may be about the same request and has declared these keys; inside of
    /// this attempt of a layer.
    #[cfg(any(feature = "tracing", feature = "opentelemetry"))]
    fn client_span(
        self: Arc<Self>,
        client: &'static str,
        keys: &[&'static str],
        within: Option<usize>,
    ) -> Box<dyn Judge>;
}

/// The judgement of a call on a span that a client makes inside.
#[cfg(any(feature = "tracing", feature = "opentelemetry"))]
pub(crate) trait Judge: Send + Sync {
    /// The span says this of itself.
    fn says(&mut self, key: &str, value: &AttributeValue);

    /// Whether the span, which ends now, is an attempt of the call: then the call has taken what the span said.
    fn is_attempt(&mut self) -> bool;
}

thread_local! {
    static RUNNING: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// Whether any call ever opened a place: a program without such calls asks no thread local.
static USED: AtomicBool = AtomicBool::new(false);

/// Returns the innermost place that is open on this thread.
pub(crate) fn running() -> Option<Place> {
    if !USED.load(Ordering::Relaxed) {
        return None;
    }
    let place = RUNNING.try_with(|running| running.try_borrow().ok()?.clone());
    place.ok().flatten()
}

/// Opens a place, or none; returns what was open before, to be put back.
pub(crate) fn replace(place: Option<Place>) -> Option<Place> {
    if place.is_none() && !USED.load(Ordering::Relaxed) {
        return None;
    }
    USED.store(true, Ordering::Relaxed);
    let mut place = Some(place);
    // At the end of a thread nothing is open.
    let before = RUNNING.try_with(|running| {
        let mut running = running.try_borrow_mut().ok()?;
        core::mem::replace(&mut *running, place.take().flatten())
    });
    before.ok().flatten()
}

/// A guard: the place, or none, is open until it is dropped, on the thread where it was opened.
#[derive(Debug)]
pub(crate) struct Open {
    before: Option<Place>,
    /// The place is put back on this thread.
    not_send: core::marker::PhantomData<*const ()>,
}

impl Open {
    pub(crate) fn new(place: impl Into<Option<Place>>) -> Self {
        Self {
            before: replace(place.into()),
            not_send: core::marker::PhantomData,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(replace(self.before.take()));
    }
}
