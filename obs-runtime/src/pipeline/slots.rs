//! The slots that limit how many attempts run at once: of the whole run, and of each limit by name.
//!
//! A slot is held by work, as long as the work lasts. An attempt takes its slots before it begins,
//! and a task that waits for one, or pauses before a repetition, holds none that other work could
//! use. Work on a thread that may block holds on to its slots until it has ended, even if the run
//! has given it up (see [`blocking`](crate::pipeline::blocking)).

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::pipeline::context::Run;

/// The slots of one run.
pub(crate) struct Slots {
    /// Those of `max_parallel_tasks`, if there is a limit.
    parallel: Option<Arc<Semaphore>>,
    /// Those of the limits by name, in the order of `graph.limits`.
    named: Vec<Arc<Semaphore>>,
}

/// The slots that an attempt holds. They are free when the last one who works in them is done.
pub(crate) struct Held {
    _named: Option<Slot>,
    _parallel: Option<Slot>,
}

/// A slot. It is no permit of tokio's: through the context of a task clippy would see that in the
/// functions of users, and ask them to drop it early.
struct Slot(Arc<Semaphore>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

/// A place in the line for slots: the slots are free again when the last clone of what it yields is
/// gone. There is none for a task that nothing limits.
pub(crate) type Place = Option<Pin<Box<dyn Future<Output = Arc<Held>> + Send>>>;

impl Slots {
    pub(crate) fn new(max_parallel: usize, named: impl Iterator<Item = usize>) -> Self {
        let limited = max_parallel <= Semaphore::MAX_PERMITS;
        Self {
            parallel: limited.then(|| Arc::new(Semaphore::new(max_parallel.max(1)))),
            named: named.map(|limit| Arc::new(Semaphore::new(limit))).collect(),
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
            Arc::new(Held {
                _named: take(&run, task, named).await,
                _parallel: take(&run, task, run.slots.parallel.as_ref()).await,
            })
        }));
        let first = place.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        Some(match first {
            Poll::Ready(held) => Box::pin(core::future::ready(held)),
            Poll::Pending => place,
        })
    }
}

/// Takes one slot, and adds the time until it is free to what the task has waited.
async fn take(run: &Run, task: u32, slots: Option<&Arc<Semaphore>>) -> Option<Slot> {
    let slots = slots?;
    let permit = if let Ok(permit) = slots.try_acquire() {
        permit
    } else {
        let _waiting = Waiting {
            run,
            task,
            since: Instant::now(),
        };
        slots.acquire().await.ok()?
    };
    permit.forget();
    Some(Slot(Arc::clone(slots)))
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
