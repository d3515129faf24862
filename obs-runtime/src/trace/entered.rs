//! The guards of a span that a thread has entered: one borrows the span, the other owns it.

use core::mem;
use core::ops::Deref;

use crate::trace::span::{Attached, Span};

/// A guard: the span is entered on this thread until the guard is dropped.
#[derive(Debug)]
pub struct Entered<'a> {
    span: &'a Span,
    /// The span's context on this thread, if it has one.
    inside: Option<Attached>,
}

impl<'a> Entered<'a> {
    pub(super) fn new(span: &'a Span) -> Self {
        let inside = span.attach();
        Self { span, inside }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(inside) = self.inside.take() {
            self.span.detach(inside);
        }
    }
}

/// A guard that owns its span, made by [`Span::entered`]: the span is entered on this thread, and
/// ends with the guard.
///
/// It is not `Send`, since the thread's context must be put back on its thread. It is the span for
/// whatever can be said of one.
///
/// ```
/// use obs_runtime::{span, testing};
///
/// let captured = testing::capture(|| {
///     let read = span!("read").entered();
///     read.set_attribute("rows", 3);
///     let read = read.exit();
///     drop(span!("beside"));
///     drop(read);
/// });
/// captured.assert_tree("read rows=3\nbeside");
/// ```
///
/// ```compile_fail,E0277
/// fn sent(_: impl Send) {}
/// sent(obs_runtime::span!("read").entered());
/// ```
#[derive(Debug)]
#[must_use = "the span ends when the guard is dropped"]
pub struct EnteredSpan {
    inside: Option<Attached>,
    span: Span,
}

impl EnteredSpan {
    pub(super) fn new(span: Span) -> Self {
        Self {
            inside: span.attach(),
            span,
        }
    }

    /// Leaves the span without ending it, and returns it.
    pub fn exit(mut self) -> Span {
        self.leave();
        mem::replace(&mut self.span, Span::none())
    }

    fn leave(&mut self) {
        if let Some(inside) = self.inside.take() {
            self.span.detach(inside);
        }
    }
}

impl Deref for EnteredSpan {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.span
    }
}

impl Drop for EnteredSpan {
    fn drop(&mut self) {
        // The span itself ends behind this.
        self.leave();
    }
}
