//! A forked child: the parent's threads are not there, and copies of its locks may be held for ever.
//!
//! Fork waits for the drain's pass and for a few locks that are held for moments, so that they are free on both sides;
//! everything else of the parent is left alone. The child records into buffers of its own, under ids of its own, and
//! what it first records or says starts a drain and exporters: nothing is started in a child that only goes on to
//! `exec`. What the parent had not sent is the parent's. Instruments and a user's own exporters stay off: the child's
//! copy of the counts is the parent's, and an exporter cannot be made twice.

#[cfg(unix)]
mod locks;

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    TryLockError, TryLockResult,
};
use std::time::{Duration, Instant};

use super::{Scope, add, spawn};
use crate::Error;
use crate::exporter::{PendingFlush, SpanSink};
use crate::init::{Pusher, ScopeShared};
use crate::processor::logs::Logs;
use crate::processor::redact::span::SpanRedaction;
use crate::processor::tail::TailSampler;
use crate::trace::gate;

#[cfg(unix)]
pub(crate) use locks::{Held, hold, hold_all};

/// Not forked since obs was switched on.
const PARENT: u8 = 0;
/// Forked, and nothing recorded yet.
const OFF: u8 = 1;
/// Forked, with a drain of its own.
const RESTARTED: u8 = 2;
/// Forked, and nothing will be recorded: there is nothing to send to, or a lock was held.
const CLOSED: u8 = 3;

static STATE: AtomicU8 = AtomicU8::new(PARENT);

/// Threads that fork and wait for the drain's lock, which a busy drain would take again and again.
static FORKING: AtomicUsize = AtomicUsize::new(0);

/// Lets those that fork go first.
pub(super) fn give_way() {
    while FORKING.load(Ordering::Relaxed) > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What a child has of its own.
pub(crate) struct Child {
    pub(crate) spans: Vec<Box<dyn SpanSink>>,
    pub(crate) logs: Option<Logs>,
    pub(crate) tail: Option<TailSampler>,
    pub(crate) redaction: Option<SpanRedaction>,
    /// What sends its metrics.
    pub(crate) pushers: Vec<Box<dyn Pusher>>,
    pub(crate) scope: Arc<ScopeShared>,
}

/// Makes it.
pub(crate) type Remake = Box<dyn Fn() -> Child + Send + Sync>;

/// How the exporters of the installed default are made anew.
static REMAKE: OnceLock<RwLock<Option<&'static Remake>>> = OnceLock::new();

/// Beside the drain: what sends a child's metrics, and their account.
struct Beside {
    pushers: Vec<Box<dyn Pusher>>,
    scope: Arc<ScopeShared>,
}

static BESIDE: Mutex<Option<Beside>> = Mutex::new(None);

/// Whether this process was forked after obs was switched on: what is the parent's is to be left alone.
pub(crate) fn in_child() -> bool {
    STATE.load(Ordering::Relaxed) != PARENT
}

/// Whether nothing is recorded here: a child that has no drain.
pub(crate) fn is_off() -> bool {
    matches!(STATE.load(Ordering::Relaxed), OFF | CLOSED)
}

/// Whether locks may be held for ever.
pub(crate) fn is_closed() -> bool {
    STATE.load(Ordering::Relaxed) == CLOSED
}

/// Takes a lock that forks do not wait for. In a child it may be taken for ever, by a thread that is not there: then
/// none, after a moment.
pub(crate) fn lock<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    if in_child() {
        return in_a_moment(|| lock.try_lock());
    }
    Some(lock.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The same for reading.
pub(crate) fn read<T>(lock: &RwLock<T>) -> Option<RwLockReadGuard<'_, T>> {
    if in_child() {
        return in_a_moment(|| lock.try_read());
    }
    Some(lock.read().unwrap_or_else(PoisonError::into_inner))
}

/// The same for writing.
pub(crate) fn write<T>(lock: &RwLock<T>) -> Option<RwLockWriteGuard<'_, T>> {
    if in_child() {
        return in_a_moment(|| lock.try_write());
    }
    Some(lock.write().unwrap_or_else(PoisonError::into_inner))
}

#[cold]
fn in_a_moment<G>(mut lock: impl FnMut() -> TryLockResult<G>) -> Option<G> {
    (0..100).find_map(|_| match lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => {
            std::thread::yield_now();
            None
        }
    })
}

fn remake() -> Option<&'static Remake> {
    *REMAKE.get()?.try_read().ok()?
}

/// What a child is to export to. It is kept for the life of the process.
pub(crate) fn remake_with(remake: Option<Remake>) {
    let place = REMAKE.get_or_init(RwLock::default);
    let remake = remake.map(|remake| &*Box::leak(Box::new(remake)));
    *place.write().unwrap_or_else(PoisonError::into_inner) = remake;
}

/// The first record of a thread: in a child, the one that has the rest start.
pub(crate) fn recorded() {
    if is_off() {
        restart();
    }
}

#[cold]
fn restart() {
    let won = STATE.compare_exchange(OFF, RESTARTED, Ordering::AcqRel, Ordering::Relaxed);
    let Some(remake) = remake().filter(|_| won.is_ok()) else {
        return;
    };
    let child = remake();
    add(
        0,
        Scope::new(child.spans, child.logs, child.tail, child.redaction),
    );
    *beside() = Some(Beside {
        pushers: child.pushers,
        scope: child.scope,
    });
    if spawn().is_err() {
        gate::close();
        STATE.store(CLOSED, Ordering::Relaxed);
    }
}

fn beside() -> MutexGuard<'static, Option<Beside>> {
    BESIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of a child, the account of its metrics.
pub(crate) fn scope() -> Option<Arc<ScopeShared>> {
    if is_off() {
        return None;
    }
    beside().as_ref().map(|beside| Arc::clone(&beside.scope))
}

/// Sends a child's metrics.
pub(crate) fn flush() -> Vec<PendingFlush> {
    if is_off() {
        return Vec::new();
    }
    let beside = beside();
    let pushers = beside.iter().flat_map(|beside| &beside.pushers);
    pushers.map(|pusher| pusher.flush()).collect()
}

/// Ends what sends a child's metrics.
pub(crate) fn end(deadline: Instant) -> Vec<Result<(), Error>> {
    if is_off() {
        return Vec::new();
    }
    // Not under the lock: a fork would wait for it.
    let beside = beside().take();
    let pushers = beside.into_iter().flat_map(|beside| beside.pushers);
    pushers
        .map(|mut pusher| pusher.shutdown(deadline))
        .collect()
}

#[cfg(unix)]
pub(super) fn register() {
    use locks::{HELD, Locks, lock_to_fork};
    use std::cell::RefCell;
    use std::sync::atomic::AtomicBool;

    use crate::trace::buffer;
    use crate::{logs, self_log};

    static ONCE: std::sync::Once = std::sync::Once::new();
    extern "C" fn prepare() {
        FORKING.fetch_add(1, Ordering::Relaxed);
        let held = lock_to_fork();
        let _ = HELD.try_with(|place| place.replace(held));
    }
    extern "C" fn parent() {
        static SAID: AtomicBool = AtomicBool::new(false);
        let held = HELD.try_with(RefCell::take).ok().flatten();
        FORKING.fetch_sub(1, Ordering::Relaxed);
        if held.is_none() && !SAID.swap(true, Ordering::Relaxed) {
            self_log::once(
                "a forked child records nothing: obs was busy for a second, or the thread that forked was inside of obs"
                    .to_owned(),
            );
        }
    }
    extern "C" fn child() {
        buffer::forget_after_fork();
        FORKING.store(0, Ordering::Relaxed);
        let held = HELD.try_with(RefCell::take).ok().flatten();
        let remakes = held.is_some() && remake().is_some();
        if let Some(Locks { mut drain, others }) = held {
            // The sinks wait for threads that are not here: they are left alone, not dropped.
            core::mem::forget(drain.take());
            drop(others);
            core::mem::forget(beside().take());
            logs::leave_to_parent();
        }
        if !remakes {
            gate::close();
        }
        let state = if remakes { OFF } else { CLOSED };
        STATE.store(state, Ordering::Relaxed);
    }
    ONCE.call_once(|| {
        // SAFETY: the handlers take and give back locks on the thread that forks, store to atomics and to
        // this thread's words, and allocate, which libc allows there: glibc and musl hold their allocator's
        // locks over a fork.
        unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    });
}

#[cfg(not(unix))]
pub(super) fn register() {}
