//! The panic hook of obs: it keeps what the last panic of a thread said, and may do something else.
//!
//! A span that ends while its thread unwinds cannot see the panic's payload, so the hook keeps the
//! text.

use core::any::Any;
use core::cell::RefCell;
use std::panic;
use std::sync::{Once, OnceLock};

/// What a panic said, and the span that it was in: the innermost that it unwinds.
struct Panic {
    span: u64,
    text: Option<String>,
}

thread_local! {
    /// The last panic of the thread, for the span that ends next by it. A panic that is thrown again
    /// (`resume_unwind`) comes by no hook, and must not be told with the words of an older one.
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

fn set(panic: Option<Panic>) {
    // A thread that is ending keeps nothing.
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = panic;
        }
    });
}

/// What is done at each panic behind that.
static THEN: OnceLock<fn()> = OnceLock::new();

/// Has each panic call this too, once [`keep_texts`] was called. The first caller counts.
pub(crate) fn then(what: fn()) {
    let _ = THEN.set(what);
}

/// Keeps the texts of panics from now on, with the span that is entered then. The hook that was there
/// is called as before.
pub(crate) fn keep_texts(entered: fn() -> u64) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            set(Some(Panic {
                span: entered(),
                text: text(info.payload()).map(str::to_owned),
            }));
            if let Some(then) = THEN.get() {
                then();
            }
            next(info);
        }));
    });
}

/// Returns what the panic said that ends a span now, if it is known, and hands it on to the span
/// `parent`, which it may end next.
pub(crate) fn take(span: u64, parent: u64) -> Option<String> {
    let last = LAST.try_with(|last| last.try_borrow_mut().ok()?.take());
    let panic = last.ok().flatten().filter(|panic| panic.span == span)?;
    let said = panic.text.clone();
    set(Some(Panic {
        span: parent,
        ..panic
    }));
    said
}

/// Returns the text that `panic!` leaves in the payload of a panic.
pub(crate) fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&'static str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
