//! What the last panic of a thread said.
//!
//! A span that ends while its thread unwinds cannot see the panic's payload, so a panic hook keeps
//! the text.

use core::any::Any;
use core::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the texts of panics from now on. The hook that was there is called as before.
pub(crate) fn keep_texts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let said = text(info.payload()).map(str::to_owned);
            // A thread that is ending keeps nothing.
            let _ = LAST.try_with(|last| {
                if let Ok(mut last) = last.try_borrow_mut() {
                    *last = said;
                }
            });
            next(info);
        }));
    });
}

/// Returns what the last panic of this thread said.
pub(crate) fn last() -> Option<String> {
    let last = LAST.try_with(|last| last.try_borrow().ok()?.clone());
    last.ok().flatten()
}

/// Returns the text that `panic!` leaves in the payload of a panic.
pub(crate) fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&'static str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
