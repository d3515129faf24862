//! Writes the records of calls that end in the quick way: the common cases, where the thread's chunk has
//! room and nothing of the record lies elsewhere.

use core::ptr;

use super::{HEAD, Head, MINI, MINI_STEP, VALUE, copy_values, meta, mini};
use crate::callsite::Callsite;
use crate::clock;
use crate::trace::buffer;
use crate::trace::local::Local;
use crate::trace::value::Value;
use crate::trace::view::Outcome;

/// Where the words of a call are that ends in the quick way. Each is read when it is written: together
/// they would take more registers than there are.
pub(crate) struct Quick {
    pub(crate) site: *const &'static Callsite,
    pub(crate) flags: *const u64,
    pub(crate) trace_hi: *const u64,
    pub(crate) trace_lo: *const u64,
    pub(crate) span: *const u64,
    pub(crate) parent: *const u64,
    pub(crate) start: *const u64,
}

/// Writes the record of a call that went well and ends now, if the thread's chunk has room for it and
/// no value has a box. Returns whether it was written.
///
/// # Safety
/// `quick` points to words that nobody changes meanwhile. `values` points to `len` values that the
/// caller gives away if they were written.
#[inline(always)]
pub(crate) unsafe fn write_quick(
    local: &Local,
    quick: &Quick,
    values: *const Value,
    len: usize,
) -> bool {
    let size = HEAD + len * VALUE;
    let Some((at, end)) = buffer::room(local, size) else {
        return false;
    };
    let ticks = clock::counter();
    let head = at.cast::<Head>();
    // SAFETY: `room` returned `size` bytes, aligned to 8 as in `write_full`; what is written there is
    // no record before it is published. The rest is the caller's promise.
    unsafe {
        let site = ptr::from_ref(*quick.site).expose_provenance() as u64;
        (&raw mut (*head).site).write(site);
        let meta = meta(len, *quick.flags, Outcome::Ok, size);
        (&raw mut (*head).meta).write(meta);
        let call = &raw mut (*head).call;
        let (trace_hi, trace_lo) = (*quick.trace_hi, *quick.trace_lo);
        (&raw mut (*call).trace_hi).write(trace_hi);
        (&raw mut (*call).trace_lo).write(trace_lo);
        (&raw mut (*call).span).write(*quick.span);
        (&raw mut (*call).parent).write(*quick.parent);
        (&raw mut (*call).start).write(*quick.start);
        (&raw mut (*call).end).write(ticks);
        if !copy_values(at, values, len) {
            return false;
        }
        buffer::publish(local, end);
    }
    true
}

/// Writes the mini record of a call that began at `start` and ends now, if the thread's chunk has room
/// for it. Returns whether it was written. `flags` are the words of `local::flag`.
#[inline(always)]
pub(crate) fn write_mini_quick(
    local: &Local,
    site: &'static Callsite,
    flags: u64,
    outcome: Outcome,
    start: u64,
) -> bool {
    let Some((at, end)) = buffer::room(local, MINI) else {
        return false;
    };
    let ticks = clock::counter().wrapping_sub(start);
    // Days, or an end before its start.
    if ticks >> (45 + MINI_STEP) != 0 {
        return false;
    }
    // SAFETY: `room` returned 16 bytes, aligned to 8.
    unsafe {
        mini(at, site, outcome, flags, ticks >> MINI_STEP);
        buffer::publish(local, end);
    }
    true
}
