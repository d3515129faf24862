//! What attempts tell the runner of their run.

use core::task::{Context, Poll, Waker};
use std::sync::Mutex;

use tokio::time::Instant;

use crate::guarded::guarded;
use crate::lock::lock;
use crate::pipeline::driver::{Made, Unit};
use crate::pipeline::progress::{Asked, Progress};
use crate::pipeline::result::TaskError;
use crate::pipeline::task::Attempted;
use crate::retry::Hint;

/// What attempts tell, and those who follow the run.
pub(crate) enum Message {
    /// It has begun to work. Said by those whose time is limited.
    Began {
        unit: Unit,
        attempt: u32,
        at: Instant,
    },
    /// It has ended; `left` says that a thread of it works on.
    Ended {
        unit: Unit,
        attempt: u32,
        at: Instant,
        ended: Ended,
        left: bool,
    },
    /// The thread that it had left has ended.
    Released { unit: Unit, attempt: u32 },
    /// An item of a mapped task was made, or could not be.
    Made {
        task: u32,
        made: Result<Made, String>,
    },
    /// A task has said how far it is.
    Said,
    /// Somebody waits for a change.
    Asked(Asked),
}

/// How an attempt ended.
pub(crate) enum Ended {
    Done(Attempted),
    Declined,
    Failed(TaskError, Hint),
    Panicked(TaskError),
    /// It was dropped; with the error of one that took too long.
    Dropped(Option<TaskError>),
}

/// The messages of a run that its runner has not read.
#[derive(Default)]
pub(crate) struct Mailbox(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    messages: Vec<Message>,
    /// The runner, if it waits.
    waker: Option<Waker>,
    /// Whether the runner is gone, and reads nothing any more.
    is_closed: bool,
    /// How the run ended, and the changes until then, if anybody follows it.
    last: Option<(u64, Progress)>,
}

impl Mailbox {
    pub(crate) fn send(&self, message: Message) {
        let mut inside = lock(&self.0);
        if inside.is_closed {
            let last = match &message {
                Message::Asked(asked) => inside.last.clone().filter(|(at, _)| *at > asked.seen),
                _ => None,
            };
            drop(inside);
            if let (Message::Asked(asked), Some(last)) = (message, last) {
                // Whoever has gone meanwhile needs no answer.
                let _ = asked.answer.send(last);
            }
            return;
        }
        inside.messages.push(message);
        let waker = inside.waker.take();
        drop(inside);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whatever is sent from now on is dropped, as is what nobody has read. Who follows the run is
    /// told the last state.
    pub(super) fn close(&self, last: Option<(u64, Progress)>) {
        let mut inside = lock(&self.0);
        inside.is_closed = true;
        inside.last = inside.last.take().or(last);
        let unread = core::mem::take(&mut inside.messages);
        drop(inside);
        guarded(|| drop(unread));
    }

    /// Takes all messages, in exchange for an empty list.
    pub(super) fn take(&self, empty: &mut Vec<Message>) {
        core::mem::swap(&mut lock(&self.0).messages, empty);
    }

    /// Waits until there is a message.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inside = lock(&self.0);
        if !inside.messages.is_empty() {
            return Poll::Ready(());
        }
        let before = inside.waker.replace(cx.waker().clone());
        drop(inside);
        drop(before);
        Poll::Pending
    }
}
