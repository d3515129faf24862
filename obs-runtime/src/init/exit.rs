//! The end of the process by other ways than the guard's drop: `process::exit`, a guard that was forgotten,
//! and a panic that aborts.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Once, Weak};
use std::time::{Duration, Instant};

use crate::fork::PerProcess;
use crate::init::lifecycle::{DEADLINE, Lifecycle};
use crate::lock::{lock, wait};
use crate::processor::drain;
use crate::self_log;
use crate::trace::suppress::own_thread;

/// Every one that has not ended; weak, so that the guard alone keeps one alive.
static LIVE: PerProcess<Mutex<Vec<Weak<Lifecycle>>>> = PerProcess::new(Mutex::default);

/// Whether the end of the process is to send nothing more.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// Lets the process end at once: what was not sent by now is lost.
#[allow(dead_code, reason = "used by the feature tokio")]
pub(crate) fn give_up() {
    GIVEN_UP.store(true, Ordering::Relaxed);
}

/// Registers what the end of the process is to end.
pub(super) fn watch(lifecycle: &Arc<Lifecycle>) {
    let mut all = lock(&LIVE);
    all.retain(|other| other.strong_count() > 0);
    all.push(Arc::downgrade(lifecycle));
    drop(all);
    register();
}

#[cfg(all(unix, not(miri)))]
fn register() {
    static ONCE: Once = Once::new();
    extern "C" fn at_exit() {
        if GIVEN_UP.load(Ordering::Relaxed) {
            return;
        }
        for_each_within(DEADLINE, |lifecycle, deadline| {
            // Nobody is left to take the error; it was counted and said.
            let _ = lifecycle.end(deadline);
        });
        self_log::end(Instant::now() + self_log::LAST_LINES);
    }
    ONCE.call_once(|| {
        // SAFETY: the handler is a function of this program, which unwinds for nobody: what it calls runs on
        // a thread of its own.
        unsafe { libc::atexit(at_exit) };
    });
}

/// `process::exit` calls `ExitProcess` on Windows: the handlers of `atexit` do not run, and in those that do, of DLLs
/// and thread locals, the other threads are gone already and none begins. Nothing can be sent there.
#[cfg(not(all(unix, not(miri))))]
fn register() {}

/// Sends what was recorded, at a panic: before it goes on to the hook of the program.
pub(super) fn flush_at_panic() {
    // A thread of obs would wait for itself.
    let is_own = std::thread::current()
        .name()
        .is_some_and(|name| name.starts_with("obs-"));
    // So would one that runs a pass.
    if !is_own && !drain::is_mine() {
        for_each_within(DEADLINE, |lifecycle, deadline| {
            let _ = lifecycle.flush(deadline);
        });
    }
}

/// Does something with all that run, on a thread of its own, and waits for it: whatever locks the caller
/// holds, it goes on in time.
fn for_each_within(time: Duration, what: fn(&Lifecycle, Instant)) {
    let all: Vec<_> = {
        // Held for moments only; but a panic may come from in between.
        let Ok(all) = LIVE.try_lock() else { return };
        all.iter().filter_map(Weak::upgrade).collect()
    };
    if all.is_empty() {
        return;
    }
    let deadline = Instant::now() + time;
    let done = Arc::new((Mutex::new(false), Condvar::new()));
    let shared = Arc::clone(&done);
    let run = move || {
        own_thread();
        for lifecycle in &all {
            what(lifecycle, deadline);
        }
        *lock(&shared.0) = true;
        shared.1.notify_all();
    };
    let thread = std::thread::Builder::new().name("obs-exit".to_owned());
    if thread.spawn(run).is_err() {
        return;
    }
    // What the deadline cuts off counts its losses a moment later.
    let until = deadline + Duration::from_millis(200);
    drop(wait(&done.1, lock(&done.0), Some(until), |done| *done));
}
