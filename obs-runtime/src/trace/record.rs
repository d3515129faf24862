//! The record of one finished call, as it lies in a buffer.
//!
//! A full record has 64 bytes of head (one cache line), 16 for each value, 8 for the pointer to the
//! extra part if there is one, then the text of long strings. A mini record has 16 bytes; it stands
//! for a call that is counted but not sampled.
//!
//! The thread of the call writes a record once, at the call's end. The drain reads it once and
//! frees what it owns.

#![allow(
    clippy::cast_ptr_alignment,
    reason = "chunks are aligned to 64 bytes, and records have multiples of 8"
)]

mod quick;

use core::ptr;

pub(crate) use quick::{Quick, write_mini_quick, write_quick};

use crate::callsite::Callsite;
use crate::clock;
#[cfg(feature = "tracing")]
use crate::inside::Inside;
use crate::memory::ALLOCATION;
use crate::trace::attribute::SpanExtra;
use crate::trace::buffer::{self, LARGEST};
use crate::trace::heap::HeapBytes as _;
use crate::trace::local::{Local, flag, trace_id};
use crate::trace::timeline::Timeline;
use crate::trace::value::Value;
use crate::trace::view::{Outcome, SpanView};
use crate::trace::{SpanId, TraceFlags};

const HEAD: usize = size_of::<Head>();
const VALUE: usize = size_of::<Value>();
const MINI: usize = 16;
/// Texts of up to this many bytes are copied behind the record; longer ones keep their box.
const TAIL_MOST: usize = 1024;

/// The bit in the callsite word that marks a mini record.
const MINI_BIT: u64 = 1;

// The meta word: trace flags (bits 0 to 7), remote parent (9) and scope (16 to 31) where
// `local::flag` has them; outcome (10, 11), an extra part (12), number of values (32 to 39), length
// in words (48 to 63).
const TAKEN_OVER: u64 = 0xff | flag::REMOTE | flag::SCOPE_MASK;
const OUTCOME_SHIFT: u32 = 10;
const EXTRA_BIT: u64 = 1 << 12;
const LEN_SHIFT: u32 = 32;
const WORDS_SHIFT: u32 = 48;

/// The first cache line of a full record.
#[repr(C)]
struct Head {
    site: u64,
    meta: u64,
    call: Call,
}

/// The identity and the times of a finished call, as the record keeps them.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) trace_hi: u64,
    pub(crate) trace_lo: u64,
    pub(crate) span: u64,
    /// The parent's id; zero for a root.
    pub(crate) parent: u64,
    /// The start in ticks, as the end.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Call {
    /// Returns how long the call took, in ticks.
    #[inline]
    pub(crate) fn ticks(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// The data of a finished span besides its identity.
pub(crate) struct Rest {
    /// The start of the values, which the record takes over.
    pub(crate) values: *mut Value,
    pub(crate) len: usize,
    pub(crate) extra: *mut SpanExtra,
}

fn scope_of(flags: u64) -> u64 {
    (flags & flag::SCOPE_MASK) >> flag::SCOPE_SHIFT
}

/// Writes a full record. `flags` are the words of `local::flag`.
///
/// # Safety
/// `rest.values` points to `rest.len` values that the caller gives away; `rest.extra` is null or
/// from `Box::into_raw`, given away as well.
#[inline(always)]
pub(crate) unsafe fn write_full(
    local: &Local,
    site: &'static Callsite,
    call: Call,
    flags: u64,
    outcome: Outcome,
    rest: Rest,
) {
    let size = HEAD + rest.len * VALUE;
    if !rest.extra.is_null() {
        // SAFETY: as above.
        unsafe { write_long(local, site, call, flags, outcome, rest) };
        return;
    }
    let at = buffer::reserve(local, size);
    if at.is_null() {
        // SAFETY: as above.
        unsafe { lost(local, site, call, flags, outcome, rest) };
        return;
    }
    // SAFETY: `reserve` returned `size` bytes, aligned to 8: chunks are aligned to 64, and the
    // length of every record is a multiple of 8.
    unsafe {
        if !copy_values(at, rest.values, rest.len) {
            write_long(local, site, call, flags, outcome, rest);
            return;
        }
        write_head(at, site, call, meta(rest.len, flags, outcome, size));
    }
    // SAFETY: the record was written above.
    unsafe { buffer::commit(local, at, size) };
}

/// Copies the values behind the head unless one has a box, and returns whether none has.
///
/// It copies word by word: a wider load of words that were just stored would stall.
///
/// # Safety
/// `at` has room for a head and `len` values, which `values` points to.
#[inline(always)]
unsafe fn copy_values(at: *mut u8, values: *const Value, len: usize) -> bool {
    for i in 0..len {
        // SAFETY: the caller's promise.
        unsafe {
            let value = values.add(i);
            if (*value).is_boxed() {
                return false;
            }
            let from = value.cast::<u64>();
            let to = at.add(HEAD + i * VALUE).cast::<u64>();
            to.write_volatile(from.read_volatile());
            to.add(1).write_volatile(from.add(1).read_volatile());
        }
    }
    true
}

#[inline(always)]
fn meta(len: usize, flags: u64, outcome: Outcome, size: usize) -> u64 {
    flags & TAKEN_OVER
        | (outcome as u64) << OUTCOME_SHIFT
        | (len as u64) << LEN_SHIFT
        | (size as u64 / 8) << WORDS_SHIFT
}

/// # Safety
/// `at` has room for a head.
#[inline(always)]
unsafe fn write_head(at: *mut u8, site: &'static Callsite, call: Call, meta: u64) {
    let site = ptr::from_ref(site).expose_provenance() as u64;
    // SAFETY: the caller's promise; `at` is aligned to 8.
    unsafe {
        at.cast::<Head>().write(Head { site, meta, call });
    }
}

/// Writes a record with an extra part or long strings.
///
/// # Safety
/// The promises are those of [`write_full`].
#[cold]
#[inline(never)]
unsafe fn write_long(
    local: &Local,
    site: &'static Callsite,
    call: Call,
    flags: u64,
    outcome: Outcome,
    rest: Rest,
) {
    #[cfg(feature = "tracing")]
    let rest = {
        let mut rest = rest;
        // SAFETY: the caller gave the box away.
        rest.extra = unsafe { settled(rest.extra) };
        rest
    };
    let has_extra = !rest.extra.is_null();
    // SAFETY: the caller gave the box away; it is only read here.
    let failed = has_extra && unsafe { (*rest.extra).failed() };
    // An error that the user set while the call ran is kept.
    let outcome = if failed && outcome == Outcome::Ok {
        Outcome::Error
    } else {
        outcome
    };
    let fixed = HEAD + rest.len * VALUE + if has_extra { 8 } else { 0 };
    let mut size = fixed;
    // SAFETY: as above.
    let mut beside = unsafe { rest.extra.as_ref() }.map_or(0, boxed_bytes);
    for i in 0..rest.len {
        // SAFETY: the caller's promise.
        let value = unsafe { &*rest.values.add(i) };
        let len = value.boxed_str().map_or(0, str::len);
        if len <= TAIL_MOST && size + len <= LARGEST {
            size += len;
        } else {
            beside += value.heap_bytes();
        }
    }
    size = size.next_multiple_of(8);
    let is_held = beside == 0 || buffer::hold_beside(beside);
    let at = if is_held {
        buffer::reserve(local, size)
    } else {
        ptr::null_mut()
    };
    if at.is_null() {
        if is_held {
            buffer::release_beside(beside);
        }
        // SAFETY: the caller's promise.
        unsafe { lost(local, site, call, flags, outcome, rest) };
        return;
    }
    let mut words = meta(rest.len, flags, outcome, size);
    if has_extra {
        words |= EXTRA_BIT;
    }
    // SAFETY: `reserve` returned `size` bytes; the sums above keep the offsets below inside of
    // them.
    unsafe {
        write_head(at, site, call, words);
        let mut tail = fixed;
        for i in 0..rest.len {
            let value = rest.values.add(i).read();
            let to = at.add(HEAD + i * VALUE).cast::<Value>();
            match value.boxed_str() {
                Some(text) if text.len() <= TAIL_MOST && tail + text.len() <= size => {
                    ptr::copy_nonoverlapping(text.as_ptr(), at.add(tail), text.len());
                    to.write(Value::tail(text.len(), tail));
                    tail += text.len();
                }
                _ => to.write(value),
            }
        }
        if has_extra {
            let pointer = rest.extra.expose_provenance() as u64;
            at.add(HEAD + rest.len * VALUE).cast::<u64>().write(pointer);
        }
    }
    // SAFETY: the record was written above.
    unsafe { buffer::commit(local, at, size) };
}

/// Adds to an extra part what others have said of the span, and frees it if nothing is left.
///
/// # Safety
/// `extra` is null or from `Box::into_raw`, given away.
#[cfg(feature = "tracing")]
unsafe fn settled(extra: *mut SpanExtra) -> *mut SpanExtra {
    if extra.is_null() {
        return extra;
    }
    // An allocator that is annotated comes back for what is freed here.
    let _inside = Inside::enter();
    // SAFETY: the caller's promise.
    let mut said = unsafe { Box::from_raw(extra) };
    said.settle();
    if said.is_empty() {
        ptr::null_mut()
    } else {
        Box::into_raw(said)
    }
}

/// Returns what an extra part takes in its box.
fn boxed_bytes(extra: &SpanExtra) -> usize {
    size_of::<SpanExtra>() + ALLOCATION + extra.heap_bytes()
}

/// Counts a call for whose record there is no room. Its span is lost.
///
/// # Safety
/// The promises are those of [`write_full`].
#[cold]
#[inline(never)]
#[allow(
    clippy::needless_pass_by_value,
    reason = "the values are given away with it"
)]
unsafe fn lost(
    local: &Local,
    site: &'static Callsite,
    call: Call,
    flags: u64,
    outcome: Outcome,
    rest: Rest,
) {
    for i in 0..rest.len {
        // SAFETY: the caller gave the values away.
        unsafe { rest.values.add(i).drop_in_place() };
    }
    if !rest.extra.is_null() {
        // SAFETY: the caller gave the box away.
        drop(unsafe { Box::from_raw(rest.extra) });
    }
    let nanos = clock::approximate_nanos(call.ticks());
    buffer::count_unrecorded(local, scope_of(flags) as u16, site, outcome, nanos, true);
}

/// Mini records keep ticks in steps of 16, so that they fit beside outcome and scope.
const MINI_STEP: u32 = 4;

/// # Safety
/// `at` has room for a mini record, and is aligned to 8.
#[inline(always)]
unsafe fn mini(at: *mut u8, site: &'static Callsite, outcome: Outcome, flags: u64, steps: u64) {
    let first = ptr::from_ref(site).expose_provenance() as u64 | MINI_BIT;
    let second =
        outcome as u64 | (flags & flag::SCOPE_MASK) >> (flag::SCOPE_SHIFT - 2) | steps << 18;
    // SAFETY: the caller's promise.
    unsafe {
        at.cast::<u64>().write(first);
        at.cast::<u64>().add(1).write(second);
    }
}

/// Writes the mini record of a call that is counted but not sampled.
#[inline(always)]
pub(crate) fn write_mini(
    local: &Local,
    site: &'static Callsite,
    scope: u16,
    outcome: Outcome,
    ticks: u64,
) {
    let at = buffer::reserve(local, MINI);
    if at.is_null() {
        mini_unrecorded(local, site, scope, outcome, ticks);
        return;
    }
    let flags = u64::from(scope) << flag::SCOPE_SHIFT;
    // SAFETY: `reserve` returned 16 bytes, aligned to 8, which are written before they are published.
    unsafe {
        mini(at, site, outcome, flags, (ticks >> MINI_STEP).min(1 << 45));
        buffer::commit(local, at, MINI);
    }
}

#[cold]
#[inline(never)]
fn mini_unrecorded(
    local: &Local,
    site: &'static Callsite,
    scope: u16,
    outcome: Outcome,
    ticks: u64,
) {
    let nanos = clock::approximate_nanos(ticks);
    buffer::count_unrecorded(local, scope, site, outcome, nanos, false);
}

/// One record as the drain reads it.
pub(crate) enum Record<'a> {
    /// A sampled call: scope, span, its times in ticks.
    Full(u16, &'a SpanView<'a>, &'a Call),
    /// A counted call: scope, callsite, outcome, duration in ticks.
    Mini(u16, &'static Callsite, Outcome, u64),
}

/// Returns the length in bytes of the record at `at`.
///
/// # Safety
/// A published record lies at `at`.
#[inline]
pub(crate) unsafe fn length(at: *mut u8) -> usize {
    let words = at.cast::<u64>();
    // SAFETY: the caller's promise: at least 16 bytes.
    let (first, second) = unsafe { (words.read(), words.add(1).read()) };
    if first & MINI_BIT != 0 {
        return MINI;
    }
    (second >> WORDS_SHIFT) as usize * 8
}

/// What a record owns beside its bytes. It is freed, and given back to the memory budget, also if who
/// reads the record panics.
struct Owned {
    values: *mut Value,
    len: usize,
    extra: Option<Box<SpanExtra>>,
}

impl Drop for Owned {
    #[inline]
    fn drop(&mut self) {
        let mut beside = self.extra.as_deref().map_or(0, boxed_bytes);
        for i in 0..self.len {
            // SAFETY: the record has `len` values, which it owned and which are not read again.
            unsafe {
                let value = self.values.add(i);
                if (*value).is_boxed() {
                    beside += (*value).heap_bytes();
                    ptr::drop_in_place(value);
                }
            }
        }
        self.extra = None;
        buffer::release_beside(beside);
    }
}

/// Reads the record at `at`, hands it to `each`, and frees what it owns.
///
/// # Safety
/// A published record lies at `at`, and it is read only once.
pub(crate) unsafe fn read(at: *mut u8, timeline: &Timeline, each: impl FnOnce(Record<'_>)) {
    let words = at.cast::<u64>();
    // SAFETY: the caller's promise: at least 16 bytes.
    let (first, second) = unsafe { (words.read(), words.add(1).read()) };
    let site = ptr::with_exposed_provenance::<Callsite>((first & !MINI_BIT) as usize);
    // SAFETY: the word was made of a `&'static Callsite`.
    let site: &'static Callsite = unsafe { &*site };
    if first & MINI_BIT != 0 {
        each(Record::Mini(
            (second >> 2) as u16,
            site,
            Outcome::from_bits(second),
            second >> 18 << MINI_STEP,
        ));
        return;
    }
    // SAFETY: a full record.
    let Head { meta, call, .. } = unsafe { &*at.cast::<Head>() };
    let meta = *meta;
    let len = (meta >> LEN_SHIFT & 0xff) as usize;
    // SAFETY: `len` values follow the head.
    let values = unsafe { at.add(HEAD) }.cast::<Value>();
    let extra = (meta & EXTRA_BIT != 0).then(|| {
        // SAFETY: the pointer of a `Box` follows the values; the record owned it.
        unsafe {
            let word = at.add(HEAD + len * VALUE).cast::<u64>().read();
            Box::from_raw(ptr::with_exposed_provenance_mut::<SpanExtra>(word as usize))
        }
    });
    let owned = Owned { values, len, extra };
    let told = owned.extra.as_ref();
    let (start, end) = timeline.unix_nanos(call.start, call.end);
    let start_unix_nanos = told.and_then(|e| e.start_unix_nanos).unwrap_or(start);
    let end_unix_nanos = told.and_then(|e| e.end_unix_nanos).unwrap_or(end);
    let view = SpanView {
        callsite: site,
        scope: scope_of(meta) as u16,
        trace_id: trace_id(call.trace_hi, call.trace_lo),
        span_id: SpanId(call.span),
        parent_id: SpanId(call.parent),
        parent_is_remote: call.parent != 0 && meta & flag::REMOTE != 0,
        flags: TraceFlags(meta as u8),
        start_unix_nanos,
        end_unix_nanos: end_unix_nanos.max(start_unix_nanos),
        outcome: Outcome::from_bits(meta >> OUTCOME_SHIFT),
        // SAFETY: they follow the head, and nobody writes to them before `owned` is dropped.
        values: unsafe { core::slice::from_raw_parts(values, len) },
        base: at,
        extra: owned.extra.as_deref(),
    };
    each(Record::Full(view.scope, &view, call));
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
