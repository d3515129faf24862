//! Waking tasks at a moment, whatever executor they run on: one thread of obs, which begins with the first task that
//! waits, for all of them.
//!
//! It keeps the time of the system: a clock that an executor stops for its tests does not stop this one.

use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::clock;
use crate::fork::PerProcess;
use crate::guarded::guarded;
use crate::inside::Inside;
use crate::lock::{lock, wait};
use crate::self_obs::start_thread;

static TIMER: PerProcess<Timer> = PerProcess::new(Timer::default);

/// Numbers of waits. They go on in a forked child, so that a wait of its parent takes away none of its own.
static NEXT: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Default)]
struct Timer {
    waits: Mutex<Waits>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waits {
    /// By their moment and number.
    due: BTreeMap<(Instant, u64), Arc<Mutex<Wait>>>,
    has_thread: bool,
}

/// What becomes of a wait.
#[derive(Debug)]
enum Wait {
    /// Nobody has asked yet.
    Unasked,
    /// Whoever asked last.
    Asked(Waker),
    Over,
}

/// A wait until a moment.
#[derive(Debug)]
pub(crate) struct Sleep {
    key: (Instant, u64),
    wait: Arc<Mutex<Wait>>,
}

impl Sleep {
    /// Begins a wait; `None` where nothing can wake a task: there is no clock, or no further thread.
    pub(crate) fn until(at: Instant) -> Option<Self> {
        if !clock::EXISTS {
            return None;
        }
        let _inside = Inside::enter();
        let timer = &*TIMER;
        let mut waits = lock(&timer.waits);
        if !waits.has_thread {
            start_thread("obs-timer", || timer_thread(&TIMER)).ok()?;
            waits.has_thread = true;
        }
        let key = (at, NEXT.fetch_add(1, Ordering::Relaxed));
        let wait = Arc::new(Mutex::new(Wait::Unasked));
        waits.due.insert(key, Arc::clone(&wait));
        let is_next = waits.due.first_key_value().map(|(first, _)| *first) == Some(key);
        drop(waits);
        if is_next {
            timer.changed.notify_all();
        }
        Some(Self { key, wait })
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut wait = lock(&self.wait);
        let before = match &*wait {
            Wait::Over => return Poll::Ready(()),
            Wait::Asked(waker) if waker.will_wake(cx.waker()) => return Poll::Pending,
            _ => core::mem::replace(&mut *wait, Wait::Asked(cx.waker().clone())),
        };
        // A waker may run code of others when it is dropped.
        drop(wait);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let wait = lock(&TIMER.waits).due.remove(&self.key);
        drop(wait);
    }
}

fn timer_thread(timer: &Timer) {
    let mut waits = lock(&timer.waits);
    loop {
        let next = waits.due.first_key_value().map(|((at, _), _)| *at);
        if next.is_some_and(|at| at <= Instant::now()) {
            let first = waits.due.pop_first();
            drop(waits);
            if let Some((_, wait)) = first {
                end(&wait);
            }
            waits = lock(&timer.waits);
            continue;
        }
        let has_changed =
            |waits: &Waits| waits.due.first_key_value().map(|((at, _), _)| *at) != next;
        waits = wait(&timer.changed, waits, next, has_changed);
    }
}

fn end(wait: &Mutex<Wait>) {
    let before = core::mem::replace(&mut *lock(wait), Wait::Over);
    if let Wait::Asked(waker) = before {
        // The executor's code.
        guarded(|| waker.wake());
    }
}

#[cfg(test)]
#[path = "timer_tests.rs"]
mod tests;
