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
use crate::pipeline::result::TaskError;
use crate::pipeline::slots::Held;
use crate::pipeline::task::Attempted;
use crate::pipeline::telemetry::{beginning, carry};

/// An attempt of a synchronous function: on a thread that may block, so that tokio's workers stay
/// free. It sees the span that the task runs in.
///
/// # Errors
/// When the function fails; a panic goes on.
pub async fn blocking<F>(call: F) -> Result<Attempted, TaskError>
where
    F: FnOnce() -> Result<Attempted, TaskError> + Send + 'static,
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
        Ok(None) => Err(TaskError::new("cancelled", "the attempt was given up")),
        Err(error) => match error.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(error) => Err(TaskError::new("cancelled", error.to_string())),
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
struct Work {
    context: TaskContext,
    /// Its slots are free when this and the attempt itself are gone.
    held: Option<Arc<Held>>,
}

impl Work {
    fn begin(context: TaskContext) -> Self {
        let mut cell = context.cell();
        cell.blocking += 1;
        let held = cell.held.upgrade();
        drop(cell);
        Self { context, held }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.context.cell().blocking -= 1;
        // The count goes first: who gets the slots finds the attempt gone.
        drop(self.held.take());
    }
}
