//! Attempts of synchronous tasks, on threads that may block.
//!
//! Nothing can stop such a thread. A run that gives an attempt up (after its timeout, or because it
//! is cancelled) stops waiting for it, but the work still counts: it holds its slots, so that a
//! repetition does not run beside it beyond a limit, and the end of the run counts what is left. A
//! program that a signal ends waits for it for a while.

use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::pipeline::TaskContext;
use crate::pipeline::cancel::Blocking;
use crate::pipeline::context::Thread;
use crate::pipeline::result::TaskError;
use crate::pipeline::runner::Message;
use crate::pipeline::task::{Attempted, Unmade};
use crate::pipeline::telemetry::{beginning, carry};

/// An attempt of a synchronous function: on a thread that may block, so that tokio's workers stay
/// free. It sees the span that the task runs in.
///
/// # Errors
/// When the function fails; a panic goes on.
pub async fn blocking<F>(call: F) -> Result<Attempted, Unmade>
where
    F: FnOnce() -> Result<Attempted, Unmade> + Send + 'static,
{
    let work = beginning().map(Work::begin);
    let call = carry(call);
    let blocking = Blocking::begin();
    let call = Arc::new(Mutex::new(Some(move || {
        let _blocking = blocking;
        let _work = work;
        call()
    })));
    let _given_up = GivenUp(Arc::clone(&call));
    let begin = move || {
        let begun = lock(&call).take();
        begun.map(|call| call())
    };
    match tokio::task::spawn_blocking(begin).await {
        Ok(Some(ended)) => ended,
        Ok(None) => Err(TaskError::new("cancelled", "the attempt was given up").into()),
        Err(error) => match error.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(error) => Err(TaskError::new("cancelled", error.to_string()).into()),
        },
    }
}

/// Takes away the call of an attempt that nobody waits for any more, if no thread has begun it.
struct GivenUp<F>(Arc<Mutex<Option<F>>>);

impl<F> Drop for GivenUp<F> {
    fn drop(&mut self) {
        let call = lock(&self.0).take();
        drop(call);
    }
}

/// An attempt that has a thread, or will have one: until it is dropped, it counts.
struct Work(TaskContext);

impl Work {
    fn begin(context: TaskContext) -> Self {
        let attempt = (context.unit, context.attempt);
        context.cell().threads.insert(attempt, Thread::default());
        Self(context)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let Self(context) = self;
        let attempt = (context.unit, context.attempt);
        let thread = context.cell().threads.remove(&attempt);
        // Its slots are taken as long as somebody could still see it work.
        if thread.is_some_and(|thread| thread.is_left) {
            context.run.mailbox.send(Message::Released {
                unit: context.unit,
                attempt: context.attempt,
            });
        }
    }
}
