//! The slots that limit how many attempts run at once: of the whole run, and of each limit by name.
//!
//! A slot is held by work, as long as the work lasts. An attempt takes its slots before it begins,
//! and a task that waits for one, or pauses before a repetition, holds none that other work could
//! use. Work on a thread that may block holds on to its slots until it has ended, even if the run
//! has given it up (see [`blocking`](crate::pipeline::blocking)).
//!
//! There is one exception, so that every run ends. If all that is left of a run waits for slots,
//! only attempts that were given up can hold them, and these may never end. Then the slots of the
//! one whose timeout has passed once more, counted from when it was given up, go to those who wait.

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::lock::lock;
use crate::pipeline::context::Run;

/// The slots of one run.
pub(crate) struct Slots {
    /// Those of `max_parallel_tasks`, if there is a limit.
    parallel: Option<Arc<Line>>,
    /// Those of the limits by name, in the order of `graph.limits`.
    named: Vec<Arc<Line>>,
    /// The attempts that a timeout has ended, and whose threads may still work.
    given_up: Mutex<Vec<GivenUp>>,
    /// Tells the driver that an attempt was given up, or that a task has begun to wait.
    changed: Notify,
}

/// The slots of one limit, and those who wait for them.
///
/// It is no semaphore of tokio's: whether a run stands still is known only if nobody counts as
/// waiting who has got a slot and has not been polled since.
struct Line(Mutex<State>);

struct State {
    free: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
}

impl Line {
    fn new(free: usize) -> Arc<Self> {
        let waiting = VecDeque::new();
        Arc::new(Self(Mutex::new(State { free, waiting })))
    }

    /// Takes a slot, or a place in the line.
    fn take(&self) -> Option<oneshot::Receiver<()>> {
        let mut state = lock(&self.0);
        if state.free > 0 {
            state.free -= 1;
            return None;
        }
        let (give, given) = oneshot::channel();
        state.waiting.push_back(give);
        Some(given)
    }

    fn waiting(&self) -> usize {
        lock(&self.0).waiting.len()
    }
}

/// A slot. It is no guard of a lock: through the context of a task clippy would see that in the
/// functions of users, and ask them to drop it early.
struct Slot(Arc<Line>);

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        // Those whose run was cancelled are in the line, and take nothing.
        while let Some(next) = state.waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        state.free += 1;
    }
}

/// The slots that an attempt holds. They are free when the last one who works in them is done, or
/// when they are taken away.
pub(crate) struct Held(Mutex<[Option<Slot>; 2]>);

/// An attempt that was given up after its timeout.
struct GivenUp {
    task: u32,
    /// Gone when its thread has ended.
    held: Weak<Held>,
    /// When its timeout has passed once more.
    until: Instant,
}

/// A place in the line for slots: the slots are free again when the last clone of what it yields is
/// gone. There is none for a task that nothing limits.
pub(crate) type Place = Option<Pin<Box<dyn Future<Output = Arc<Held>> + Send>>>;

impl Slots {
    pub(crate) fn new(max_parallel: usize, named: impl Iterator<Item = usize>) -> Self {
        let limited = max_parallel < usize::MAX;
        Self {
            parallel: limited.then(|| Line::new(max_parallel.max(1))),
            named: named.map(Line::new).collect(),
            given_up: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Puts the next attempt of a task at the end of the line.
    ///
    /// Whoever comes first is served first, so tasks begin in the order in which they were ready.
    pub(crate) fn line_up(run: &Arc<Run>, task: u32) -> Place {
        let limit = run.graph.nodes[task as usize].limit;
        if limit.is_none() && run.slots.parallel.is_none() {
            return None;
        }
        let run = Arc::clone(run);
        // Tokio's budget of a poll would put off the first one, which gives the place in the line.
        let mut place = Box::pin(tokio::task::unconstrained(async move {
            let named = limit.map(|limit| &run.slots.named[limit as usize]);
            // In this order: who waits for a slot of its named limit keeps nobody else from
            // running. Who has one and waits for one of the run's takes nothing from those who
            // wait for the named limit, since they would come later in this line too.
            let named = take(&run, task, named).await;
            let parallel = take(&run, task, run.slots.parallel.as_ref()).await;
            Arc::new(Held(Mutex::new([named, parallel])))
        }));
        let first = place.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        Some(match first {
            Poll::Ready(held) => Box::pin(core::future::ready(held)),
            Poll::Pending => place,
        })
    }

    /// Notes that an attempt of a task, which has the slots of its cell, has taken longer than it
    /// may.
    pub(crate) fn give_up(run: &Run, task: u32, timeout: Duration) {
        let held = Weak::clone(&run.cell(task as usize).held);
        if held.strong_count() == 0 {
            return;
        }
        let mut given_up = lock(&run.slots.given_up);
        given_up.retain(|attempt| attempt.held.strong_count() > 0);
        given_up.push(GivenUp {
            task,
            held,
            until: Instant::now() + timeout,
        });
        drop(given_up);
        run.slots.changed.notify_one();
    }

    /// Waits until the run stands still, and an attempt that was given up has had its time once
    /// more; takes its slots away, and returns its task. The run has this many tasks left that have
    /// begun and have not ended.
    pub(crate) async fn take_away(&self, left: usize) -> u32 {
        loop {
            match self.next_to_lose(left) {
                Some(until) if until > Instant::now() => tokio::select! {
                    () = self.changed.notified() => {}
                    () = tokio::time::sleep_until(until) => {}
                },
                Some(_) => {
                    if let Some(task) = self.lose() {
                        return task;
                    }
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// Returns when the next attempt loses its slots, if all that is left of the run waits.
    fn next_to_lose(&self, left: usize) -> Option<Instant> {
        let mut given_up = lock(&self.given_up);
        given_up.retain(|attempt| attempt.held.strong_count() > 0);
        let next = given_up.iter().map(|attempt| attempt.until).min()?;
        drop(given_up);
        let lines = self.named.iter().chain(&self.parallel);
        (lines.map(|line| line.waiting()).sum::<usize>() == left).then_some(next)
    }

    /// Takes the slots of the attempt away whose time was over first.
    fn lose(&self) -> Option<u32> {
        let mut given_up = lock(&self.given_up);
        let attempts = given_up.iter().enumerate();
        let (first, _) = attempts.min_by_key(|(_, attempt)| attempt.until)?;
        let lost = given_up.remove(first);
        drop(given_up);
        let held = lost.held.upgrade()?;
        let slots = core::mem::take(&mut *lock(&held.0));
        drop(slots);
        Some(lost.task)
    }
}

/// Takes one slot, and adds the time until it is free to what the task has waited.
async fn take(run: &Run, task: u32, line: Option<&Arc<Line>>) -> Option<Slot> {
    let line = line?;
    if let Some(given) = line.take() {
        run.slots.changed.notify_one();
        let _waiting = Waiting {
            run,
            task,
            since: Instant::now(),
        };
        // The line is there as long as the run.
        given.await.ok()?;
    }
    Some(Slot(Arc::clone(line)))
}

/// A wait that counts when it ends, also because the run is cancelled.
struct Waiting<'a> {
    run: &'a Run,
    task: u32,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.run.cell(self.task as usize).waited += self.since.elapsed();
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
